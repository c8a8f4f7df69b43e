using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Orleans.Coord.Wal;

/// <summary>
/// What a data directory says of itself, in text: the format, the replica's incarnation drawn at first boot, the
/// generation raised at each open, and the log's newest segment then, so that its absence is noticed.
/// </summary>
/// <param name="Incarnation">Random, never 0, never changed.</param>
/// <param name="Generation">Rises with each open: the fencing epoch of whoever owns the directory.</param>
/// <param name="NewestSegment">The newest segment when this was written; 0 before the log has one.</param>
internal sealed record Manifest(ulong Incarnation, long Generation, long NewestSegment)
{
    internal const int Format = 1;
    private const string FormatLine = "orleans-coord data, format ";

    /// <summary>Reads the manifest; null if there is none.</summary>
    internal static Manifest? Read(IDisk disk, string directory)
    {
        string path = Path.Combine(directory, FileNames.Manifest);
        byte[] bytes = new byte[1024];
        int length;
        try
        {
            using IDiskFile file = disk.Open(path);
            length = file.Read(0, bytes);
        }
        catch (DiskException e) when (e.Error == DiskError.NotFound)
        {
            return null;
        }

        return Parse(path, Encoding.ASCII.GetString(bytes.AsSpan(0, length)));
    }

    /// <summary>Makes this the directory's manifest, durably.</summary>
    internal void Write(IDisk disk, string directory)
    {
        string path = Path.Combine(directory, FileNames.Manifest);
        string temporary = path + FileNames.Temporary;
        disk.Delete(temporary);
        using (IDiskFile file = disk.Create(temporary))
        {
            file.Write(0, Encoding.ASCII.GetBytes(Text()));
            file.Sync();
        }

        disk.Rename(temporary, path);
        disk.SyncDirectory(directory);
    }

    private static Manifest Parse(string path, string text)
    {
        string[] lines = text.Split('\n');
        if (!lines[0].StartsWith(FormatLine, StringComparison.Ordinal)
            || !int.TryParse(lines[0].AsSpan(FormatLine.Length), CultureInfo.InvariantCulture, out int format))
        {
            throw Refusal.Damaged(path, "its first line does not name a format");
        }

        if (format > Format)
        {
            throw Refusal.NewerFormat(path, format);
        }

        if (lines.Length < 5
            || !ulong.TryParse(Value(lines[1]), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong id)
            || !long.TryParse(Value(lines[2]), CultureInfo.InvariantCulture, out long generation)
            || !long.TryParse(Value(lines[3]), CultureInfo.InvariantCulture, out long newest)
            || new Manifest(id, generation, newest).Text() != text)
        {
            throw Refusal.Damaged(path, "its checksum does not match");
        }

        return new Manifest(id, generation, newest);
    }

    private static ReadOnlySpan<char> Value(string line) =>
        line.AsSpan(line.IndexOf(' ', StringComparison.Ordinal) + 1);

    private string Text()
    {
        string body = string.Create(
            CultureInfo.InvariantCulture,
            $"{FormatLine}{Format}\nincarnation {Incarnation:x16}\ngeneration {Generation}\nsegment {NewestSegment}\n");
        uint crc = Crc32C.Compute(0, Encoding.ASCII.GetBytes(body));
        return string.Create(CultureInfo.InvariantCulture, $"{body}crc32c {crc:x8}\n");
    }

    /// <summary>Draws a new incarnation from the operating system's generator.</summary>
    internal static ulong DrawIncarnation()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        System.Security.Cryptography.RandomNumberGenerator.Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes) | 1;
    }
}
