namespace Orleans.Coord.Wal;

/// <summary>
/// A disk in a store of records, for a replica whose machine need not keep anything. Each sync updates one head record
/// on its etag, and that is the fence: whoever takes the disk over rewrites the head under a higher epoch, after which
/// no sync of an earlier owner can succeed. Blocks are written before the head names them, never changed, and deleted
/// after it has stopped. A store that does not answer makes callers wait, as a slow disk does.
/// </summary>
public sealed class RecordDisk : IDisk, IDisposable
{
    internal const string HeadName = "head";

    // Blocks that an owner may write before the head has to be written again.
    private const int ReservedBlocks = 256;
    private const int LongestPauseMs = 1000;

    private readonly IRecordStore _store;
    private readonly string _owner;
    private readonly Action<Exception?> _availability;
    private readonly BlockCache _cache = new();

    // Held while a head record is on its way: one at a time.
    private readonly Lock _publishing = new();
    private readonly ManualResetEventSlim _givenUp = new();
    private readonly Queue<BlockRun> _deletions = new();
    private readonly List<BlockRun> _garbage = [];
    private readonly List<BlockRun> _replaced = [];

    // Written, or being written, and in no file yet.
    private readonly SortedSet<long> _inDoubt = [];
    private Dictionary<string, RecordFile> _files = [];
    private Timer? _cleaner;
    private string? _etag;
    private long _epoch;
    private long _sequence;
    private long _nextBlock;
    private long _reservedEnd;
    private bool _changed;
    private int _cleaning;
    private volatile DiskException? _lost;

    /// <summary>A disk in a store; nobody's until <see cref="TryLock"/>.</summary>
    /// <param name="store">The replica's records.</param>
    /// <param name="owner">Who is going to own it, for the message that the next owner's predecessor gets.</param>
    /// <param name="availability">
    /// Told when the store stops to answer, and, with null, when it does again. Called from the threads that wait.
    /// </param>
    public RecordDisk(IRecordStore store, string owner, Action<Exception?>? availability = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        _store = store;
        _owner = owner;
        _availability = availability ?? (static _ => { });
    }

    /// <summary>Whether somebody else has taken the disk over: this owner writes nothing any more.</summary>
    public bool IsLost => _lost is not null;

    /// <summary>Size of a block.</summary>
    internal int BlockBytes { get; init; } = 64 << 10;

    /// <summary>
    /// A file with more than this to sync seals its blocks; less rides in the head record, which each sync writes.
    /// </summary>
    internal int MaxPatchBytes { get; init; } = 16 << 10;

    /// <summary>How long to wait before the store is asked again, the first time.</summary>
    internal int FirstPauseMs { get; init; } = 20;

    /// <summary>Whether blocks are deleted in the background; tests call <see cref="DeleteSome"/> instead.</summary>
    internal bool DeletesByItself { get; init; } = true;

    /// <summary>Guards all that is in memory; never held while the store is asked.</summary>
    internal Lock Gate { get; } = new();

    /// <inheritdoc/>
    public void CreateDirectory(string path)
    {
        // Paths are names; there is nothing to make.
    }

    /// <inheritdoc/>
    public IDiskFile Create(string path)
    {
        CheckOwned();
        lock (Gate)
        {
            var file = new RecordFile(this, path);
            if (!_files.TryAdd(path, file))
            {
                throw new DiskException(DiskError.Io, "create", path, "it is there already");
            }

            _changed = true;
            return file;
        }
    }

    /// <inheritdoc/>
    public IDiskFile Open(string path)
    {
        lock (Gate)
        {
            return _files.TryGetValue(path, out RecordFile? file)
                ? file
                : throw new DiskException(DiskError.NotFound, "open", path, "there is no such file");
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> List(string directory)
    {
        lock (Gate)
        {
            return [.. _files.Keys.Where(path => Path.GetDirectoryName(path) == directory).Select(Path.GetFileName)!];
        }
    }

    /// <inheritdoc/>
    public void Rename(string from, string to)
    {
        CheckOwned();
        lock (Gate)
        {
            if (!_files.Remove(from, out RecordFile? file))
            {
                throw new DiskException(DiskError.NotFound, "rename", from, "there is no such file");
            }

            Forget(to);
            file.Path = to;
            _files.Add(to, file);
            _changed = true;
        }
    }

    /// <inheritdoc/>
    public void Delete(string path)
    {
        CheckOwned();
        lock (Gate)
        {
            Forget(path);
        }
    }

    /// <inheritdoc/>
    public void SyncDirectory(string path) => Publish(null, []);

    /// <inheritdoc/>
    public long FreeBytes(string directory) => long.MaxValue / 2;

    /// <summary>
    /// Takes the disk over, whoever has it: only somebody who decides about the replica may call this. Null if another
    /// one did so at the same moment.
    /// </summary>
    /// <param name="path">Of no meaning.</param>
    /// <param name="owner">Who was faster.</param>
    public IDisposable? TryLock(string path, out string owner)
    {
        HeadRecord before = Take();
        while (!TryPut(Claim()))
        {
            // The owner before still writes, or somebody else has claimed the same epoch.
            HeadRecord now = Take();
            if (now.Epoch != before.Epoch)
            {
                owner = now.Owner;
                return null;
            }
        }

        foreach (RecordFile file in _files.Values)
        {
            file.Reopen();
        }

        int period = DeletesByItself ? LongestPauseMs : Timeout.Infinite;
        _cleaner = new Timer(_ => Clean(), null, period, period);
        owner = "";
        return this;
    }

    /// <summary>From now on a store that does not answer is an error: this process is about to end.</summary>
    public void StopWaiting() => _givenUp.Set();

    /// <summary>Ends the background work. The store's record stays as the last sync left it.</summary>
    public void Dispose()
    {
        StopWaiting();
        _cleaner?.Dispose();
        _lost ??= new DiskException(DiskError.Io, "write", HeadName, "the disk was closed");
    }

    internal void Changed() => _changed = true;

    internal void CheckOwned()
    {
        if (_lost is { } lost)
        {
            throw lost;
        }
    }

    internal void Sync(RecordFile file)
    {
        CheckOwned();
        List<(long Block, BlockId? Id)> written = [];
        foreach ((long block, byte[] content) in file.ToSeal())
        {
            bool isBlank = content.AsSpan().IndexOfAnyExcept((byte)0) < 0;
            written.Add((block, isBlank ? null : WriteBlock(content)));
        }

        Publish(file, written);
    }

    internal bool TryFetch(BlockId id, out byte[] content)
    {
        if (_cache.TryGet(id, out content))
        {
            return true;
        }

        if (Ask(() => _store.Read(id.Name)) is not { } record || record.Bytes.Length != BlockBytes)
        {
            return false;
        }

        content = record.Bytes.ToArray();
        _cache.Add(id, content);
        return true;
    }

    /// <summary>Deletes blocks that no file has; false if there are none, or the store does not answer.</summary>
    internal bool DeleteSome()
    {
        BlockRun run;
        lock (Gate)
        {
            if (!_deletions.TryPeek(out run))
            {
                return false;
            }
        }

        try
        {
            for (long k = 0; k < run.Count && !IsLost; k++)
            {
                _store.Delete((run.First with { Number = run.First.Number + k }).Name);
            }
        }
        catch (IOException)
        {
            return false;
        }

        lock (Gate)
        {
            _deletions.Dequeue();
            _garbage.Remove(run);
        }

        return true;
    }

    // Takes on what the store holds.
    private HeadRecord Take()
    {
        StoredRecord? record = Ask(() => _store.Read(HeadName));
        HeadRecord head = record is { } found ? HeadRecord.Decode(found.Bytes, this) : new HeadRecord();
        lock (Gate)
        {
            _epoch = head.Epoch + 1;
            _sequence = head.Sequence;
            _etag = record?.Etag;
            _files = new Dictionary<string, RecordFile>(head.Files);
            _garbage.Clear();
            _garbage.AddRange(head.Garbage);
            _garbage.AddRange(InDoubt(head));
        }

        return head;
    }

    private byte[] Claim()
    {
        lock (Gate)
        {
            _deletions.Clear();
            _garbage.ForEach(_deletions.Enqueue);
            _reservedEnd = ReservedBlocks;
            _sequence++;
            return Encode(_reservedEnd);
        }
    }

    // What the owner before may have written without ever naming it.
    private static IEnumerable<BlockRun> InDoubt(HeadRecord head)
    {
        HashSet<BlockId> named = [.. head.Files.Values.SelectMany(file => file.Blocks)];
        long first = head.FirstInDoubt;
        for (long number = first; number <= head.ReservedEnd; number++)
        {
            if (number == head.ReservedEnd || named.Contains(new BlockId(head.Epoch, number)))
            {
                if (number > first)
                {
                    yield return new BlockRun(new BlockId(head.Epoch, first), number - first);
                }

                first = number + 1;
            }
        }
    }

    private BlockId WriteBlock(byte[] content)
    {
        BlockId? id = null;
        Ask(() =>
        {
            // Never the same name twice: an attempt that seemed to fail may have left a record.
            Abandon(id);
            id = NextBlock();
            return _store.Write(id.Value.Name, content, null);
        });
        _cache.Add(id!.Value, content);
        return id.Value;
    }

    private void Abandon(BlockId? id)
    {
        lock (Gate)
        {
            if (id is { } abandoned)
            {
                _inDoubt.Remove(abandoned.Number);
                _replaced.Add(new BlockRun(abandoned, 1));
            }
        }
    }

    private BlockId NextBlock()
    {
        while (true)
        {
            lock (Gate)
            {
                if (_nextBlock < _reservedEnd)
                {
                    _inDoubt.Add(_nextBlock);
                    return new BlockId(_epoch, _nextBlock++);
                }

                _changed = true;
            }

            Publish(null, []);
        }
    }

    // Makes names, lengths and what a file has written durable, in one update of the head record.
    private void Publish(RecordFile? file, IReadOnlyList<(long Block, BlockId? Id)> written)
    {
        lock (_publishing)
        {
            CheckOwned();
            byte[] image;
            long reservedEnd;
            int replaced;
            lock (Gate)
            {
                _changed |= file?.Commit(written, _replaced) ?? false;
                foreach ((_, BlockId? id) in written)
                {
                    _inDoubt.Remove(id?.Number ?? -1);
                }

                if (!_changed)
                {
                    return;
                }

                _changed = false;
                replaced = _replaced.Count;
                _sequence++;
                reservedEnd = _nextBlock + ReservedBlocks;
                image = Encode(reservedEnd);
            }

            Put(image);
            lock (Gate)
            {
                _reservedEnd = reservedEnd;
                _replaced[..replaced].ForEach(_deletions.Enqueue);
                _garbage.AddRange(_replaced[..replaced]);
                _replaced.RemoveRange(0, replaced);
            }
        }
    }

    private byte[] Encode(long reservedEnd) => new HeadRecord
    {
        Epoch = _epoch,
        Sequence = _sequence,
        Owner = _owner,
        FirstInDoubt = _inDoubt.Count > 0 ? _inDoubt.Min : _nextBlock,
        ReservedEnd = reservedEnd,
        Garbage = [.. _garbage, .. _replaced],
        Files = _files,
    }.Encode();

    private void Put(byte[] image)
    {
        try
        {
            if (!TryPut(image))
            {
                throw new DiskException(
                    DiskError.TakenOver, "write", HeadName, $"{OwnerNow()} has taken this replica over");
            }
        }
        catch (DiskException e)
        {
            throw _lost = e;
        }
    }

    // False: the head is not as this owner left it.
    private bool TryPut(byte[] image)
    {
        try
        {
            _etag = Ask(() => _store.Write(HeadName, image, _etag));
            return true;
        }
        catch (RecordConflictException)
        {
            // An earlier attempt may have come through although the store did not say so.
            if (Ask(() => _store.Read(HeadName)) is not { } head || !head.Bytes.Span.SequenceEqual(image))
            {
                return false;
            }

            _etag = head.Etag;
            return true;
        }
    }

    private string OwnerNow() =>
        Ask(() => _store.Read(HeadName)) is { } head ? HeadRecord.Decode(head.Bytes, this).Owner : "nobody";

    private T Ask<T>(Func<T> question)
    {
        bool told = false;
        for (int pause = FirstPauseMs; ; pause = Math.Min(2 * pause, LongestPauseMs))
        {
            try
            {
                T answer = question();
                if (told)
                {
                    _availability(null);
                }

                return answer;
            }
            catch (IOException e) when (e is not DiskException)
            {
                if (!told)
                {
                    told = true;
                    _availability(e);
                }

                if (_givenUp.Wait(pause))
                {
                    throw new DiskException(DiskError.Io, "reach", "the record store", e.Message);
                }
            }
        }
    }

    private void Forget(string path)
    {
        if (_files.Remove(path, out RecordFile? file))
        {
            _replaced.AddRange(file.Runs());
            _changed = true;
        }
    }

    private void Clean()
    {
        if (Interlocked.Exchange(ref _cleaning, 1) != 0)
        {
            return;
        }

        while (!_givenUp.IsSet && !IsLost && DeleteSome())
        {
        }

        Volatile.Write(ref _cleaning, 0);
    }
}
