using System.Buffers.Binary;

namespace Orleans.Coord.Jute;

/// <summary>
/// Reads one jute record from bytes. Never throws: a read past the end, a negative length where none is allowed or a
/// count that cannot fit sets <see cref="Failed"/> and yields empty values, so a caller checks once, at the end.
/// </summary>
public ref struct JuteReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _position;

    /// <summary>True once any read did not fit the bytes.</summary>
    public bool Failed { get; private set; }

    /// <summary>Bytes read so far.</summary>
    public readonly int Position => _position;

    /// <summary>The bytes not yet read.</summary>
    public readonly ReadOnlySpan<byte> Rest => _bytes[_position..];

    /// <summary>Reads one byte as a boolean.</summary>
    public bool ReadBool()
    {
        ReadOnlySpan<byte> span = Take(1);
        return !span.IsEmpty && span[0] != 0;
    }

    /// <summary>Reads one byte.</summary>
    public byte ReadByte()
    {
        ReadOnlySpan<byte> span = Take(1);
        return span.IsEmpty ? (byte)0 : span[0];
    }

    /// <summary>Reads four bytes, big-endian.</summary>
    public int ReadInt()
    {
        ReadOnlySpan<byte> span = Take(sizeof(int));
        return span.IsEmpty ? 0 : BinaryPrimitives.ReadInt32BigEndian(span);
    }

    /// <summary>Reads eight bytes, big-endian.</summary>
    public long ReadLong()
    {
        ReadOnlySpan<byte> span = Take(sizeof(long));
        return span.IsEmpty ? 0 : BinaryPrimitives.ReadInt64BigEndian(span);
    }

    /// <summary>Reads a stat, 68 bytes.</summary>
    public Stat ReadStat() => new(
        Czxid: ReadLong(),
        Mzxid: ReadLong(),
        Ctime: ReadLong(),
        Mtime: ReadLong(),
        Version: ReadInt(),
        Cversion: ReadInt(),
        Aversion: ReadInt(),
        EphemeralOwner: ReadLong(),
        DataLength: ReadInt(),
        NumChildren: ReadInt(),
        Pzxid: ReadLong());

    /// <summary>Reads a length and that many bytes. Null (length −1) reads as empty.</summary>
    public ReadOnlySpan<byte> ReadBuffer() => ReadBuffer(out _);

    /// <summary>Reads a length and that many bytes, and tells null (length −1) from empty.</summary>
    public ReadOnlySpan<byte> ReadBuffer(out bool isNull)
    {
        int length = ReadInt();
        isNull = length == -1;
        if (length < -1)
        {
            Failed = true;
        }

        return length <= 0 ? default : Take(length);
    }

    /// <summary>Reads a string's UTF-8 bytes. Null (length −1) reads as empty.</summary>
    public ReadOnlySpan<byte> ReadString() => ReadBuffer(out _);

    /// <summary>Reads the length of a vector whose elements take at least <paramref name="minElementBytes"/>.</summary>
    /// <returns>The number of elements; −1 for a null vector; 0 for a lesser length, as in ZooKeeper, and when more
    /// are promised than the bytes can hold.</returns>
    public int ReadCount(int minElementBytes)
    {
        int count = ReadInt();
        if (count < -1)
        {
            return 0;
        }

        if (count > (_bytes.Length - _position) / Math.Max(1, minElementBytes))
        {
            Failed = true;
            return 0;
        }

        return count;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _bytes.Length - _position)
        {
            Failed = true;
            _position = _bytes.Length;
            return default;
        }

        ReadOnlySpan<byte> span = _bytes.Slice(_position, count);
        _position += count;
        return span;
    }
}
