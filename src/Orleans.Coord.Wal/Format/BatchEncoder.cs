using System.Buffers.Binary;
using Orleans.Coord.Consensus;

namespace Orleans.Coord.Wal;

/// <summary>Builds one batch, framed in sectors, in a buffer that is kept from batch to batch.</summary>
internal sealed class BatchEncoder
{
    internal const int EntryHeaderBytes = 16;

    // A rare huge batch must not hold its memory for ever.
    private const int KeptBytes = 8 << 20;
    private byte[] _buffer = new byte[64 * Sector.Bytes];
    private int _position;
    private int _roomInSector;
    private int _bodyBytes;

    internal int FramedBytes => Sector.Count(BatchHeader.Bytes + _bodyBytes) * Sector.Bytes;

    internal int BodyBytes => _bodyBytes;

    internal void Begin()
    {
        if (_buffer.Length > KeptBytes)
        {
            _buffer = new byte[64 * Sector.Bytes];
        }

        _position = BatchHeader.Bytes;
        _roomInSector = Sector.DataBytes - BatchHeader.Bytes;
        _bodyBytes = 0;
    }

    internal void Add(in Entry entry)
    {
        Span<byte> header = stackalloc byte[EntryHeaderBytes];
        BinaryPrimitives.WriteInt32LittleEndian(header, entry.Payload.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], (int)entry.Kind);
        BinaryPrimitives.WriteInt64LittleEndian(header[8..], entry.Term.Value);
        ReadOnlySpan<byte> payload = entry.Payload.Span;
        EnsureRoom(EntryHeaderBytes + payload.Length);
        Copy(header);
        Copy(payload);
    }

    /// <summary>Writes the header and each sector's checksum for the place the batch will have.</summary>
    internal ReadOnlySpan<byte> Seal(in BatchHeader header, uint seed, long offset)
    {
        Invariant.Check(header.BodyBytes == _bodyBytes);
        Span<byte> framed = _buffer.AsSpan(0, FramedBytes);
        header.Encode(framed);
        int sectorStart = framed.Length - Sector.Bytes;
        framed[Math.Min(_position, sectorStart + Sector.DataBytes)..].Clear();
        for (int at = 0; at < framed.Length; at += Sector.Bytes)
        {
            Sector.Seal(framed.Slice(at, Sector.Bytes), seed, offset + at, (uint)header.Sequence);
        }

        return framed;
    }

    private void EnsureRoom(int bytes)
    {
        int needed = Sector.Count(checked(BatchHeader.Bytes + _bodyBytes + bytes)) * Sector.Bytes;
        if (needed > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(needed, 2 * _buffer.Length));
        }
    }

    private void Copy(ReadOnlySpan<byte> bytes)
    {
        _bodyBytes += bytes.Length;
        while (bytes.Length > 0)
        {
            if (_roomInSector == 0)
            {
                _position += Sector.Bytes - Sector.DataBytes;
                _roomInSector = Sector.DataBytes;
            }

            int count = Math.Min(_roomInSector, bytes.Length);
            bytes[..count].CopyTo(_buffer.AsSpan(_position));
            _position += count;
            _roomInSector -= count;
            bytes = bytes[count..];
        }
    }
}
