using System.Buffers.Binary;
using System.Text;

namespace Orleans.Coord.Jute;

/// <summary>
/// A growing buffer of jute records: replies on their way to a socket, requests on their way to the log. Made to be
/// reused (<see cref="Clear()"/>), and to be patched when a length or a code is known only later.
/// </summary>
public sealed class JuteWriter(int capacity = 256)
{
    private byte[] _bytes = new byte[capacity];
    private int _length;

    /// <summary>Bytes written since the last <see cref="Clear()"/>.</summary>
    public int Length => _length;

    /// <summary>Bytes the buffer can hold before it must grow.</summary>
    public int Capacity => _bytes.Length;

    /// <summary>What was written; valid until the next write.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    /// <summary>What was written, as memory; valid until the next write.</summary>
    public ReadOnlyMemory<byte> WrittenMemory => _bytes.AsMemory(0, _length);

    /// <summary>Forgets what was written, keeps the buffer.</summary>
    public void Clear() => _length = 0;

    /// <summary>Forgets what was written, and a buffer of more than <paramref name="keepBytes"/> too.</summary>
    public void Clear(int keepBytes)
    {
        _length = 0;
        if (_bytes.Length > keepBytes)
        {
            _bytes = new byte[keepBytes];
        }
    }

    /// <summary>Forgets what was written after <paramref name="length"/> bytes.</summary>
    public void Truncate(int length)
    {
        Invariant.Check((uint)length <= (uint)_length);
        _length = length;
    }

    /// <summary>Writes one byte, 1 or 0.</summary>
    public void WriteBool(bool value) => Reserve(1)[0] = value ? (byte)1 : (byte)0;

    /// <summary>Writes one byte.</summary>
    public void WriteByte(byte value) => Reserve(1)[0] = value;

    /// <summary>Writes four bytes, big-endian.</summary>
    public void WriteInt(int value) => BinaryPrimitives.WriteInt32BigEndian(Reserve(sizeof(int)), value);

    /// <summary>Writes eight bytes, big-endian.</summary>
    public void WriteLong(long value) => BinaryPrimitives.WriteInt64BigEndian(Reserve(sizeof(long)), value);

    /// <summary>Writes the bytes without a length.</summary>
    public void WriteRaw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Reserve(bytes.Length));

    /// <summary>Writes a length and the bytes.</summary>
    public void WriteBuffer(ReadOnlySpan<byte> bytes)
    {
        Span<byte> span = Reserve(sizeof(int) + bytes.Length);
        BinaryPrimitives.WriteInt32BigEndian(span, bytes.Length);
        bytes.CopyTo(span[sizeof(int)..]);
    }

    /// <summary>Writes a length and the bytes, or a null buffer.</summary>
    public void WriteBufferOrNull(byte[]? bytes)
    {
        if (bytes is null)
        {
            WriteNull();
        }
        else
        {
            WriteBuffer(bytes);
        }
    }

    /// <summary>Writes a null buffer, string or vector: length −1.</summary>
    public void WriteNull() => WriteInt(-1);

    /// <summary>Writes a string as length and UTF-8.</summary>
    public void WriteString(ReadOnlySpan<char> text)
    {
        int count = Encoding.UTF8.GetByteCount(text);
        Span<byte> span = Reserve(sizeof(int) + count);
        BinaryPrimitives.WriteInt32BigEndian(span, count);
        Encoding.UTF8.GetBytes(text, span[sizeof(int)..]);
    }

    /// <summary>Writes a stat, 68 bytes.</summary>
    public void WriteStat(in Stat stat)
    {
        Span<byte> span = Reserve(68);
        BinaryPrimitives.WriteInt64BigEndian(span, stat.Czxid);
        BinaryPrimitives.WriteInt64BigEndian(span[8..], stat.Mzxid);
        BinaryPrimitives.WriteInt64BigEndian(span[16..], stat.Ctime);
        BinaryPrimitives.WriteInt64BigEndian(span[24..], stat.Mtime);
        BinaryPrimitives.WriteInt32BigEndian(span[32..], stat.Version);
        BinaryPrimitives.WriteInt32BigEndian(span[36..], stat.Cversion);
        BinaryPrimitives.WriteInt32BigEndian(span[40..], stat.Aversion);
        BinaryPrimitives.WriteInt64BigEndian(span[44..], stat.EphemeralOwner);
        BinaryPrimitives.WriteInt32BigEndian(span[52..], stat.DataLength);
        BinaryPrimitives.WriteInt32BigEndian(span[56..], stat.NumChildren);
        BinaryPrimitives.WriteInt64BigEndian(span[60..], stat.Pzxid);
    }

    /// <summary>Overwrites four bytes at <paramref name="position"/>, big-endian.</summary>
    public void PatchInt(int position, int value)
    {
        Invariant.Check(position >= 0 && position + sizeof(int) <= _length);
        BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(position), value);
    }

    /// <summary>Overwrites one byte at <paramref name="position"/>.</summary>
    public void PatchByte(int position, byte value)
    {
        Invariant.Check((uint)position < (uint)_length);
        _bytes[position] = value;
    }

    /// <summary>Overwrites eight bytes at <paramref name="position"/>, big-endian.</summary>
    public void PatchLong(int position, long value)
    {
        Invariant.Check(position >= 0 && position + sizeof(long) <= _length);
        BinaryPrimitives.WriteInt64BigEndian(_bytes.AsSpan(position), value);
    }

    private Span<byte> Reserve(int count)
    {
        int needed = checked(_length + count);
        if (needed > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(needed, (int)Math.Min(Array.MaxLength, _bytes.Length * 2L)));
        }

        Span<byte> span = _bytes.AsSpan(_length, count);
        _length = needed;
        return span;
    }
}
