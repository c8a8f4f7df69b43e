using System.Buffers.Binary;

namespace Orleans.Coord.Consensus.Tests.Sim;

/// <summary>A state machine that only remembers, as a running digest, what was applied in which order.</summary>
internal sealed class Machine
{
    public const int SnapshotBytes = 70;

    public LogIndex Index { get; private set; }

    public ulong Digest { get; private set; }

    public void Apply(in Entry entry)
    {
        Invariant.Check(entry.Index == Index.Next);
        Index = entry.Index;
        Digest = Mix(Digest, entry);
    }

    public byte[] Save()
    {
        var bytes = new byte[SnapshotBytes];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Index.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), Digest);
        bytes.AsSpan(16).Fill((byte)Digest);
        return bytes;
    }

    public void Load(byte[] bytes)
    {
        Index = default;
        Digest = 0;
        if (bytes.Length > 0)
        {
            Index = new LogIndex(BinaryPrimitives.ReadInt64LittleEndian(bytes));
            Digest = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(8));
            Invariant.Check(bytes.Length == SnapshotBytes && bytes.AsSpan(16).IndexOfAnyExcept((byte)Digest) < 0);
        }
    }

    /// <summary>What tells one entry from another.</summary>
    public static ulong Mix(ulong seed, in Entry entry)
    {
        ulong hash = (seed ^ (ulong)entry.Term.Value) * 0x9E3779B97F4A7C15;
        hash = (hash ^ (ulong)entry.Kind) * 0x9E3779B97F4A7C15;
        foreach (byte b in entry.Payload.Span)
        {
            hash = (hash ^ b) * 0x100000001B3;
        }

        return hash ^ (hash >> 29);
    }
}
