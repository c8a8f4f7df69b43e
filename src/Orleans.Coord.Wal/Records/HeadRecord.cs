using System.Globalization;
using System.Text;

namespace Orleans.Coord.Wal;

/// <summary>Names a block's record: who wrote it, and its number among that owner's. Never used twice.</summary>
internal readonly record struct BlockId(long Epoch, long Number)
{
    internal string Name => string.Create(CultureInfo.InvariantCulture, $"{Epoch}-{Number}");
}

/// <summary>Consecutive block records.</summary>
internal readonly record struct BlockRun(BlockId First, long Count);

/// <summary>Bytes of a file that are in the head record and in no block yet.</summary>
internal readonly record struct Patch(long Offset, byte[] Bytes);

/// <summary>
/// The one record that says what a <see cref="RecordDisk"/> holds, replaced as a whole by every sync: who owns it, the
/// files with their blocks, what was synced since those were written, and blocks that are to be deleted.
/// </summary>
internal sealed class HeadRecord
{
    private const uint Magic = 0x48_44_52_4F; // "ORDH"
    private const int Version = 1;

    /// <summary>Rises with each owner.</summary>
    internal long Epoch { get; init; }

    /// <summary>Rises with each write, so that an owner knows its own.</summary>
    internal long Sequence { get; init; }

    /// <summary>Who owns it, for people.</summary>
    internal string Owner { get; init; } = "";

    /// <summary>The owner's blocks from here on may exist although no file has them, if an owner dies.</summary>
    internal long FirstInDoubt { get; init; }

    /// <summary>The owner writes no block from here on before it has written another head.</summary>
    internal long ReservedEnd { get; init; }

    /// <summary>Blocks that no file has any more.</summary>
    internal IReadOnlyList<BlockRun> Garbage { get; init; } = [];

    /// <summary>The files by their paths.</summary>
    internal IReadOnlyDictionary<string, RecordFile> Files { get; init; } = new Dictionary<string, RecordFile>();

    internal byte[] Encode()
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(Magic);
            writer.Write(Version);
            writer.Write(Epoch);
            writer.Write(Sequence);
            writer.Write(Owner);
            writer.Write(FirstInDoubt);
            writer.Write(ReservedEnd);
            writer.Write(Garbage.Count);
            foreach (BlockRun run in Garbage)
            {
                Write(writer, run);
            }

            writer.Write(Files.Count);
            foreach ((string path, RecordFile file) in Files)
            {
                writer.Write(path);
                file.Encode(writer);
            }

            writer.Write(Crc32C.Compute(0, stream.GetBuffer().AsSpan(0, (int)stream.Length)));
        }

        return stream.ToArray();
    }

    /// <summary>Reads a head record for a disk.</summary>
    /// <exception cref="DiskException">It is damaged, or of a newer release.</exception>
    internal static HeadRecord Decode(ReadOnlyMemory<byte> record, RecordDisk disk)
    {
        int end = record.Length - sizeof(uint);
        if (end < 0 || BitConverter.ToUInt32(record.Span[end..]) != Crc32C.Compute(0, record.Span[..end]))
        {
            throw new DiskException(DiskError.Io, "read", RecordDisk.HeadName, "its checksum does not match");
        }

        using var reader = new BinaryReader(new MemoryStream(record[..end].ToArray()), Encoding.UTF8);
        if (reader.ReadUInt32() != Magic || reader.ReadInt32() != Version)
        {
            throw new DiskException(
                DiskError.Io, "read", RecordDisk.HeadName, "it was written by a newer release, or is something else");
        }

        return new HeadRecord
        {
            Epoch = reader.ReadInt64(),
            Sequence = reader.ReadInt64(),
            Owner = reader.ReadString(),
            FirstInDoubt = reader.ReadInt64(),
            ReservedEnd = reader.ReadInt64(),
            Garbage = [.. Enumerable.Range(0, reader.ReadInt32()).Select(_ => ReadRun(reader))],
            Files = ReadFiles(reader, disk),
        };
    }

    internal static void Write(BinaryWriter writer, BlockRun run)
    {
        writer.Write(run.First.Epoch);
        writer.Write(run.First.Number);
        writer.Write(run.Count);
    }

    internal static BlockRun ReadRun(BinaryReader reader) =>
        new(new BlockId(reader.ReadInt64(), reader.ReadInt64()), reader.ReadInt64());

    private static Dictionary<string, RecordFile> ReadFiles(BinaryReader reader, RecordDisk disk)
    {
        var files = new Dictionary<string, RecordFile>();
        int count = reader.ReadInt32();
        for (int i = 0; i < count; i++)
        {
            string path = reader.ReadString();
            files.Add(path, RecordFile.Decode(reader, disk, path));
        }

        return files;
    }
}
