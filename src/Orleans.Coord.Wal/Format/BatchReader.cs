using System.Buffers.Binary;
using Orleans.Coord.Consensus;

namespace Orleans.Coord.Wal;

/// <summary>Reads batches of one segment after another through a window of the file.</summary>
internal sealed class BatchReader
{
    private const int WindowBytes = 256 << 10;
    private IDiskFile? _file;
    private uint _seed;
    private byte[] _window = [];
    private long _windowAt;
    private int _windowLength;
    private byte[] _body = [];
    private long _batchAt;

    /// <summary>Turns to a segment; what was read ahead before is forgotten, as it may have changed since.</summary>
    internal void Open(IDiskFile file, uint seed)
    {
        _file = file;
        _seed = seed;
        _windowLength = 0;
    }

    /// <summary>Reads and checks a whole batch; false if there is none at this offset, or not a whole one.</summary>
    internal bool TryRead(long offset, out BatchHeader header)
    {
        if (!TryReadHeader(offset, out header)
            || Window(offset, header.FramedBytes).Length < header.FramedBytes)
        {
            return false;
        }

        uint tag = (uint)header.Sequence;
        for (int at = Sector.Bytes; at < header.FramedBytes; at += Sector.Bytes)
        {
            if (SectorAt(offset + at, out uint nextTag) != SectorState.Whole || nextTag != tag)
            {
                return false;
            }
        }

        _batchAt = offset;
        return true;
    }

    /// <summary>Reads the first sector of a batch only.</summary>
    internal bool TryReadHeader(long offset, out BatchHeader header)
    {
        header = default;
        return SectorAt(offset, out uint tag) == SectorState.Whole
            && BatchHeader.TryDecode(Window(offset, Sector.Bytes), out header)
            && (uint)header.Sequence == tag;
    }

    /// <summary>The batch read last, as it is in the file.</summary>
    internal ReadOnlySpan<byte> Framed(in BatchHeader header) => Window(_batchAt, header.FramedBytes);

    /// <summary>State of a single sector; one beyond the end of the file is blank.</summary>
    internal SectorState SectorAt(long offset, out uint tag)
    {
        ReadOnlySpan<byte> sector = Window(offset, Sector.Bytes);
        tag = 0;
        return sector.Length < Sector.Bytes
            ? sector.ContainsAnyExcept((byte)0) ? SectorState.Damaged : SectorState.Blank
            : Sector.Check(sector, _seed, offset, out tag);
    }

    /// <summary>
    /// Adds the entries of the batch read last whose index lies in the range, until <paramref name="budget"/> is
    /// spent; the first is added whatever its size.
    /// </summary>
    internal void CopyEntries(in BatchHeader header, LogIndex from, LogIndex to, ref long budget, List<Entry> entries)
    {
        ReadOnlySpan<byte> body = Unframe(header);
        for (int i = 0; i < header.Count && budget > 0; i++)
        {
            LogIndex index = header.FirstIndex + i;
            int length = BinaryPrimitives.ReadInt32LittleEndian(body);
            if (index >= from && index <= to)
            {
                EntryKind kind = (EntryKind)body[4];
                Term term = new(BinaryPrimitives.ReadInt64LittleEndian(body[8..]));
                byte[] payload = body.Slice(BatchEncoder.EntryHeaderBytes, length).ToArray();
                entries.Add(new Entry(index, term, kind, payload));
                budget -= length;
            }

            body = body[(BatchEncoder.EntryHeaderBytes + length)..];
        }
    }

    private ReadOnlySpan<byte> Unframe(in BatchHeader header)
    {
        ReadOnlySpan<byte> framed = Window(_batchAt, header.FramedBytes);
        int total = BatchHeader.Bytes + header.BodyBytes;
        if (_body.Length < total)
        {
            _body = GC.AllocateUninitializedArray<byte>(Math.Max(total, 4096));
        }

        for (int done = 0; done < total; done += Sector.DataBytes)
        {
            int count = Math.Min(Sector.DataBytes, total - done);
            framed.Slice(done / Sector.DataBytes * Sector.Bytes, count).CopyTo(_body.AsSpan(done));
        }

        return _body.AsSpan(BatchHeader.Bytes, header.BodyBytes);
    }

    private ReadOnlySpan<byte> Window(long offset, int bytes)
    {
        if (offset < _windowAt || offset + bytes > _windowAt + _windowLength)
        {
            if (_window.Length < bytes || _window.Length == 0)
            {
                _window = GC.AllocateUninitializedArray<byte>(Math.Max(bytes, WindowBytes));
            }

            _windowAt = offset;
            _windowLength = _file!.Read(offset, _window);
        }

        int start = (int)(offset - _windowAt);
        return _window.AsSpan(start, Math.Min(bytes, _windowLength - start));
    }
}
