using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal;

/// <summary>
/// Reads the segments after a restart and decides what of them is the log. Nothing that may have been acknowledged
/// is cut without the operator's word.
/// </summary>
internal sealed class LogRecovery(string directory, Manifest manifest, IDisk disk, bool acceptTailLoss)
{
    private readonly BatchReader _reader = new();
    private Segment? _last;
    private long _lastBatchAt;
    private long _nextSequence = 1;
    private HardState _hardState;

    /// <summary>The log found.</summary>
    internal LogMap Map { get; private set; } = new();

    /// <summary>Number of the newest segment file, whole or not; 0 if there is none.</summary>
    internal long NewestNumber { get; private set; }

    /// <summary>Why nothing before the log found could be used; null if nothing is amiss.</summary>
    internal StorageException? Gap { get; private set; }

    /// <summary>Files of segments before the gap.</summary>
    internal List<string> Unusable { get; } = [];

    /// <summary>Bugs to plant; for tests only.</summary>
    internal WalFaults Faults { get; init; }

    /// <summary>What was found and done, for the operator.</summary>
    internal List<string> Notes { get; } = [];

    internal void Run()
    {
        long[] numbers = [.. Numbers().Order()];
        NewestNumber = numbers.Length > 0 ? numbers[^1] : 0;
        if (NewestNumber < manifest.NewestSegment)
        {
            throw Refusal.Missing(
                PathOf(manifest.NewestSegment), "it held the newest entries when the directory was last used");
        }

        for (int i = 0; i < numbers.Length; i++)
        {
            if (i > 0 && numbers[i] != numbers[i - 1] + 1)
            {
                StartOver(Refusal.Missing(
                    PathOf(numbers[i - 1] + 1), "there are older and newer segments of the log, but not this one"));
            }

            Visit(numbers[i], i == numbers.Length - 1);
        }

        if (_last is not null)
        {
            MendTail(_last);
        }
    }

    /// <summary>Where writing goes on; an empty log gets its first segment.</summary>
    internal LogPosition StartAt(LogFiles files)
    {
        if (_last is null)
        {
            _last = files.Start(0, _nextSequence, default, _hardState);
            Map.Add(_last);
        }

        return new LogPosition(_last, _nextSequence, _hardState);
    }

    /// <summary>Term of an entry that is in the log.</summary>
    internal Term TermAt(LogIndex index)
    {
        (Segment segment, long offset, _) = Map.Find(index);
        List<Entry> entries = [];
        _reader.Open(segment.File, segment.Seed);
        while (entries.Count == 0 && _reader.TryRead(offset, out BatchHeader header))
        {
            long budget = 1;
            _reader.CopyEntries(header, index, index, ref budget, entries);
            offset += header.FramedBytes;
        }

        Invariant.Check(entries.Count == 1);
        return entries[0].Term;
    }

    private void Visit(long number, bool newest)
    {
        string path = PathOf(number);
        IDiskFile file = disk.Open(path);
        byte[] sector = new byte[Sector.Bytes];
        int length = file.Read(0, sector);
        if (!SegmentHeader.TryDecode(sector.AsSpan(0, length), manifest.Incarnation, number, out SegmentHeader header))
        {
            file.Dispose();
            StorageException damage = Refusal.Damaged(
                path, 0, "its header, which was synced before the file got its name, is not this segment's");
            StartOver(newest ? throw damage : damage);
            Unusable.Add(path);
            return;
        }

        Segment segment = new(path, file, header);
        if (_last is not null && header.FirstSequence != _nextSequence)
        {
            StartOver(Refusal.Damaged(_last.Path, _last.End, "a batch there fails its checksum"));
        }

        _last = segment;
        _lastBatchAt = 0;
        _nextSequence = header.FirstSequence;
        _hardState = header.HardState;
        Map.Add(segment);
        if (newest)
        {
            MendLength(segment);
        }

        ReadBatches(segment);
    }

    private void ReadBatches(Segment segment)
    {
        _reader.Open(segment.File, segment.Seed);
        while (_reader.TryRead(segment.End, out BatchHeader batch) && batch.Sequence == _nextSequence)
        {
            bool follows = batch.ResetTerm is not null || batch.FirstIndex <= Map.LastIndex.Next;
            if (batch.SyncedBefore != segment.End || !follows)
            {
                throw Refusal.Damaged(segment.Path, segment.End, "the batch there does not follow what is before it");
            }

            Map.Add(segment, segment.End, batch);
            _hardState = batch.HardState ?? _hardState;
            _lastBatchAt = segment.End;
            segment.End += batch.FramedBytes;
            _nextSequence++;
        }
    }

    /// <summary>A segment's size is durable before its name is: a shorter file has lost something.</summary>
    private void MendLength(Segment segment)
    {
        long length = segment.File.Length;
        if (length >= segment.Header.Capacity)
        {
            return;
        }

        if (!acceptTailLoss)
        {
            throw Refusal.TailInDoubt(
                segment.Path, length, $"the file should have {segment.Header.Capacity} bytes but ends there");
        }

        SegmentFactory.Zero(segment.File, length / Sector.Bytes * Sector.Bytes, segment.Header.Capacity);
        segment.File.Sync();
        Notes.Add($"{segment.Path} ends at {length} bytes; what was behind is lost, as the operator accepted.");
    }

    private void MendTail(Segment segment)
    {
        Tail tail = SegmentScan.Judge(_reader, segment.End, segment.Header.Capacity, _nextSequence);
        bool cutAll = (Faults & WalFaults.CutDamagedTail) != 0;
        if (tail.Kind == TailKind.Corrupt && !cutAll)
        {
            throw Refusal.Damaged(
                segment.Path, tail.Offset, "a batch there was synced, as a later one shows, but fails its checksum");
        }

        if (tail.Kind == TailKind.InDoubt && !acceptTailLoss && !cutAll)
        {
            throw Refusal.TailInDoubt(segment.Path, tail.Offset, "the last batch fails its checksum");
        }

        if (tail.Kind != TailKind.Blank)
        {
            SegmentFactory.Zero(segment.File, segment.End, tail.NonBlankEnd);
            Notes.Add(tail.Kind == TailKind.Torn
                ? $"{segment.Path}: cut an unfinished batch at offset {segment.End}; its sync had not finished."
                : $"{segment.Path}: cut a damaged batch at offset {segment.End}, as the operator accepted.");
        }

        Confirm(segment);
    }

    /// <summary>
    /// The last batch may be in the kernel's cache only, even in clean pages if a sync failed before the restart.
    /// It is written again, so that this sync covers it.
    /// </summary>
    private void Confirm(Segment segment)
    {
        if (_lastBatchAt > 0)
        {
            _reader.Open(segment.File, segment.Seed);
            Invariant.Check(_reader.TryRead(_lastBatchAt, out BatchHeader batch));
            segment.File.Write(_lastBatchAt, _reader.Framed(batch));
        }

        segment.File.Sync();
    }

    private void StartOver(StorageException gap)
    {
        Unusable.AddRange(Map.Segments().Select(segment => segment.Path));
        Map.Close();

        Gap = gap;
        Map = new LogMap();
        _last = null;
    }

    private IEnumerable<long> Numbers()
    {
        foreach (string name in disk.List(directory))
        {
            if (FileNames.IsSegment(name, out long number))
            {
                yield return number;
            }
        }
    }

    private string PathOf(long number) => Path.Combine(directory, FileNames.Segment(number));
}
