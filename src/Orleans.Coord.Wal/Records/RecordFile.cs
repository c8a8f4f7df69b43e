namespace Orleans.Coord.Wal;

/// <summary>
/// A file of a <see cref="RecordDisk"/>: blocks in records of their own, holes where nothing but zeros was written, and
/// the newest bytes in the head record. One thread at a time writes and syncs it; others may read meanwhile.
/// </summary>
internal sealed class RecordFile(RecordDisk disk, string path) : IDiskFile
{
    private readonly SortedDictionary<long, BlockId> _sealed = [];

    // Contents of blocks that have changed since they were sealed.
    private readonly Dictionary<long, byte[]> _open = [];
    private readonly List<Patch> _synced = [];
    private readonly List<Patch> _unsynced = [];
    private byte[]? _encodedBlocks;
    private int _patchBytes;
    private bool _mustSeal;
    private long _length;

    /// <inheritdoc/>
    public long Length
    {
        get
        {
            lock (disk.Gate)
            {
                return _length;
            }
        }
    }

    /// <summary>The file's name now; errors have it.</summary>
    internal string Path { get; set; } = path;

    /// <inheritdoc/>
    public int Read(long offset, Span<byte> buffer)
    {
        int length = (int)Math.Clamp(Length - offset, 0, buffer.Length);
        for (int done = 0; done < length;)
        {
            (long block, int start) = Locate(offset + done);
            Span<byte> piece = buffer[done..Math.Min(length, done + disk.BlockBytes - start)];
            ReadPiece(block, start, piece);
            done += piece.Length;
        }

        return length;
    }

    /// <inheritdoc/>
    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        disk.CheckOwned();
        bool changed = false;
        for (int done = 0; done < bytes.Length;)
        {
            (long block, int start) = Locate(offset + done);
            ReadOnlySpan<byte> piece = bytes[done..Math.Min(bytes.Length, done + disk.BlockBytes - start)];
            changed |= WritePiece(block, start, piece);
            done += piece.Length;
        }

        lock (disk.Gate)
        {
            SetLength(Math.Max(_length, offset + bytes.Length));
            if (changed)
            {
                Remember(offset, bytes);
            }
        }
    }

    /// <inheritdoc/>
    public void Sync() => disk.Sync(this);

    /// <inheritdoc/>
    public void Truncate(long length)
    {
        long old = Length;
        if (length < old)
        {
            // Cut bytes must read as zeros when the file grows again.
            SegmentFactory.Zero(this, length, old);
        }

        lock (disk.Gate)
        {
            SetLength(length);
        }
    }

    /// <inheritdoc/>
    public void Allocate(long length)
    {
        lock (disk.Gate)
        {
            SetLength(Math.Max(_length, length));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // A handle; the file lives in the disk.
    }

    /// <summary>The blocks that a sync has to write before the head can name them; empty if patches do.</summary>
    internal IEnumerable<(long Block, byte[] Content)> ToSeal()
    {
        lock (disk.Gate)
        {
            return _mustSeal ? [.. _open.Select(pair => (pair.Key, pair.Value))] : [];
        }
    }

    /// <summary>
    /// What was written becomes part of the next head record; false if nothing was. Under the disk's gate.
    /// </summary>
    /// <param name="sealedNow">What became of the blocks to seal; null for one that holds only zeros.</param>
    /// <param name="replaced">Takes blocks that this file no longer has.</param>
    internal bool Commit(IReadOnlyList<(long Block, BlockId? Id)> sealedNow, List<BlockRun> replaced)
    {
        bool changed = _unsynced.Count > 0 || _mustSeal;
        if (!_mustSeal)
        {
            _synced.AddRange(_unsynced);
            _unsynced.Clear();
            return changed;
        }

        foreach ((long block, BlockId? id) in sealedNow)
        {
            if (_sealed.Remove(block, out BlockId old))
            {
                replaced.Add(new BlockRun(old, 1));
            }

            if (id is { } named)
            {
                _sealed.Add(block, named);
            }
        }

        _encodedBlocks = null;
        _open.Clear();
        _synced.Clear();
        _unsynced.Clear();
        _patchBytes = 0;
        _mustSeal = false;
        return true;
    }

    /// <summary>All its blocks that are records.</summary>
    internal IEnumerable<BlockId> Blocks => _sealed.Values;

    /// <summary>All its blocks, as a file that is deleted leaves them.</summary>
    internal IEnumerable<BlockRun> Runs() => MapRuns().Select(run => run.Records);

    internal void Encode(BinaryWriter writer)
    {
        writer.Write(_length);
        writer.Write(_encodedBlocks ??= EncodeBlocks());
        writer.Write(_synced.Count);
        foreach (Patch patch in _synced)
        {
            writer.Write(patch.Offset);
            writer.Write(patch.Bytes.Length);
            writer.Write(patch.Bytes);
        }
    }

    internal static RecordFile Decode(BinaryReader reader, RecordDisk disk, string path)
    {
        var file = new RecordFile(disk, path) { _length = reader.ReadInt64() };
        int runs = reader.ReadInt32();
        for (int i = 0; i < runs; i++)
        {
            long block = reader.ReadInt64();
            BlockRun run = HeadRecord.ReadRun(reader);
            for (long k = 0; k < run.Count; k++)
            {
                file._sealed.Add(block + k, run.First with { Number = run.First.Number + k });
            }
        }

        int patches = reader.ReadInt32();
        for (int i = 0; i < patches; i++)
        {
            long offset = reader.ReadInt64();
            file._synced.Add(new Patch(offset, reader.ReadBytes(reader.ReadInt32())));
        }

        return file;
    }

    /// <summary>Puts what the head record has of the newest bytes over the blocks. Once, after the claim.</summary>
    internal void Reopen()
    {
        List<Patch> patches = [.. _synced];
        _synced.Clear();
        foreach (Patch patch in patches)
        {
            Write(patch.Offset, patch.Bytes);
        }

        lock (disk.Gate)
        {
            Commit([], []);
        }
    }

    private (long Block, int Start) Locate(long offset) =>
        (offset / disk.BlockBytes, (int)(offset % disk.BlockBytes));

    private void ReadPiece(long block, int start, Span<byte> piece)
    {
        BlockId id;
        lock (disk.Gate)
        {
            if (_open.TryGetValue(block, out byte[]? content))
            {
                content.AsSpan(start, piece.Length).CopyTo(piece);
                return;
            }

            if (!_sealed.TryGetValue(block, out id))
            {
                piece.Clear();
                return;
            }
        }

        if (disk.TryFetch(id, out byte[] stored))
        {
            stored.AsSpan(start, piece.Length).CopyTo(piece);
            return;
        }

        lock (disk.Gate)
        {
            if (_sealed.TryGetValue(block, out BlockId now) && now == id)
            {
                throw Missing(id);
            }
        }

        // It was sealed anew meanwhile.
        ReadPiece(block, start, piece);
    }

    private bool WritePiece(long block, int start, ReadOnlySpan<byte> piece)
    {
        BlockId old;
        bool isSealed;
        lock (disk.Gate)
        {
            if (_open.TryGetValue(block, out byte[]? open))
            {
                piece.CopyTo(open.AsSpan(start));
                return true;
            }

            isSealed = _sealed.TryGetValue(block, out old);
        }

        if (!isSealed && piece.IndexOfAnyExcept((byte)0) < 0)
        {
            return false;
        }

        byte[] content = new byte[disk.BlockBytes];
        if (isSealed && piece.Length < disk.BlockBytes)
        {
            // Nobody else writes this file, so the block is still this one.
            byte[] stored = disk.TryFetch(old, out byte[] found) ? found : throw Missing(old);
            stored.CopyTo(content, 0);
        }

        piece.CopyTo(content.AsSpan(start));
        lock (disk.Gate)
        {
            _open.Add(block, content);
        }

        return true;
    }

    private DiskException Missing(BlockId id) =>
        new(DiskError.Io, "read", Path, $"its block record {id.Name} is missing");

    private void Remember(long offset, ReadOnlySpan<byte> bytes)
    {
        _patchBytes += bytes.Length;
        if (!_mustSeal && _patchBytes <= disk.MaxPatchBytes)
        {
            _unsynced.Add(new Patch(offset, bytes.ToArray()));
            return;
        }

        _mustSeal = true;
        _unsynced.Clear();
    }

    private void SetLength(long length)
    {
        if (length != _length)
        {
            _length = length;
            disk.Changed();
        }
    }

    private byte[] EncodeBlocks()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        List<(long Block, BlockRun Records)> runs = [.. MapRuns()];
        writer.Write(runs.Count);
        foreach ((long block, BlockRun records) in runs)
        {
            writer.Write(block);
            HeadRecord.Write(writer, records);
        }

        return stream.ToArray();
    }

    private IEnumerable<(long Block, BlockRun Records)> MapRuns()
    {
        (long Block, BlockRun Records)? current = null;
        foreach ((long block, BlockId id) in _sealed)
        {
            if (current is var (first, run) && block == first + run.Count && id.Epoch == run.First.Epoch
                && id.Number == run.First.Number + run.Count)
            {
                current = (first, run with { Count = run.Count + 1 });
                continue;
            }

            if (current is { } done)
            {
                yield return done;
            }

            current = (block, new BlockRun(id, 1));
        }

        if (current is { } last)
        {
            yield return last;
        }
    }
}
