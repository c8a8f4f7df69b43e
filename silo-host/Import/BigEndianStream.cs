using System.Buffers.Binary;

namespace Orleans.Coord.SiloHost.Import;

/// <summary>Reads ZooKeeper's records off a stream.</summary>
internal sealed class BigEndianStream(Stream stream)
{
    // No record of a sane server is larger.
    private const int MaxBytes = 256 << 20;

    private readonly byte[] _number = new byte[sizeof(long)];

    /// <summary>Reads a byte.</summary>
    public byte ReadByte()
    {
        stream.ReadExactly(_number, 0, 1);
        return _number[0];
    }

    /// <summary>Reads four bytes.</summary>
    public int ReadInt()
    {
        stream.ReadExactly(_number, 0, sizeof(int));
        return BinaryPrimitives.ReadInt32BigEndian(_number);
    }

    /// <summary>Reads eight bytes.</summary>
    public long ReadLong()
    {
        stream.ReadExactly(_number, 0, sizeof(long));
        return BinaryPrimitives.ReadInt64BigEndian(_number);
    }

    /// <summary>Reads a length and so many bytes; null for −1.</summary>
    public byte[]? ReadBuffer()
    {
        int length = ReadInt();
        if (length is < -1 or > MaxBytes)
        {
            throw new InvalidDataException($"a record's length of {length} bytes is impossible");
        }

        if (length == -1)
        {
            return null;
        }

        byte[] bytes = new byte[length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
