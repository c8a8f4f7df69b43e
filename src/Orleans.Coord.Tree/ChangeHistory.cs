using System.Runtime.InteropServices;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>How much history there is at most, and how much of it one answer shows.</summary>
internal sealed record ChangeLimits
{
    public static ChangeLimits Default { get; } = new();

    /// <summary>Bytes of the paths in a block.</summary>
    public int BlockBytes { get; init; } = 64 * 1024;

    /// <summary>Changes in a block.</summary>
    public int BlockRecords { get; init; } = 1024;

    /// <summary>Bytes of all blocks but the newest.</summary>
    public int MaxBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>
    /// Changes that one call looks at, so that it is over within a millisecond; a write's changes stay together.
    /// </summary>
    public int MaxLooks { get; init; } = 8 * 1024;

    /// <summary>Bytes that one call answers, but for the rest of a write's changes.</summary>
    public int MaxReplyBytes { get; init; } = 256 * 1024;
}

/// <summary>
/// The newest changes of the tree, in the order of their zxids: what a client that was away asks for. Local to this
/// replica, in no snapshot and no digest; it begins where the replica's state began. When it is full the oldest block
/// goes as a whole, and its room is used again.
/// </summary>
internal sealed class ChangeHistory
{
    /// <summary>Bytes that a change takes, but for its path.</summary>
    public const int RecordBytes = 32;

    private readonly ChangeLimits _limits;
    private readonly Queue<Block> _blocks = new();
    private Block? _newest;
    private long _bytes;

    /// <param name="since">The zxid of the state that the history begins with.</param>
    /// <param name="limits">How much of it there is.</param>
    public ChangeHistory(long since, ChangeLimits limits)
    {
        Horizon = since;
        _limits = limits;
    }

    /// <summary>All changes with a greater zxid are here.</summary>
    public long Horizon { get; private set; }

    /// <summary>Bugs to plant; for tests only.</summary>
    public TreeFaults Faults { get; set; }

    public void Add(long zxid, WatchEventType type, ReadOnlySpan<byte> path, AclList acl)
    {
        if (_newest is null || !_newest.HasRoom(path.Length))
        {
            _newest = NewBlock(path.Length);
            _blocks.Enqueue(_newest);
            _bytes += _newest.Size;
        }

        _newest.Add(zxid, type, path, acl);
    }

    /// <summary>
    /// Answers with the number of changes, each with zxid, type and path; then up to which zxid these are all, and
    /// whether there are more. False, and no answer, when changes after <paramref name="since"/> are gone.
    /// </summary>
    public bool TryRead(
        long since, ReadOnlySpan<byte> root, bool subtree, long newest, ReadOnlySpan<byte> identities, JuteWriter reply)
    {
        if (since < Horizon && !Has(TreeFaults.HideLoss))
        {
            return false;
        }

        int start = reply.Length;
        reply.WriteInt(0);
        int looks = 0;
        int count = 0;
        long last = since;
        foreach (Block block in _blocks)
        {
            if (block.LastZxid <= since)
            {
                continue;
            }

            foreach (ref readonly Record record in block.Records)
            {
                bool enough = looks >= _limits.MaxLooks || reply.Length - start >= _limits.MaxReplyBytes;
                if (enough && (record.Zxid > last || Has(TreeFaults.DivideWrite)))
                {
                    End(reply, start, count, last, more: true);
                    return true;
                }

                if (record.Zxid > since)
                {
                    looks++;
                    last = record.Zxid;
                    ReadOnlySpan<byte> path = block.PathOf(record);
                    if (Concerns(root, subtree, path, record.Type)
                        && AclRules.Allows(record.Acl, Permissions.Read, identities))
                    {
                        count++;
                        reply.WriteLong(record.Zxid);
                        reply.WriteInt((int)record.Type);
                        reply.WriteBuffer(path);
                    }
                }
            }
        }

        End(reply, start, count, Math.Max(since, newest), more: false);
        return true;
    }

    private static void End(JuteWriter reply, int start, int count, long upTo, bool more)
    {
        reply.PatchInt(start, count);
        reply.WriteLong(upTo);
        reply.WriteBool(more);
    }

    /// <summary>Whether it is the znode's, or one below it: all of them, or only children that come or go.</summary>
    private static bool Concerns(ReadOnlySpan<byte> root, bool subtree, ReadOnlySpan<byte> path, WatchEventType type)
    {
        if (path.SequenceEqual(root))
        {
            return true;
        }

        int prefix = root.Length == 1 ? 0 : root.Length;
        if (path.Length <= prefix || path[prefix] != (byte)'/' || !path[..prefix].SequenceEqual(root[..prefix]))
        {
            return false;
        }

        return subtree
            || (type != WatchEventType.NodeDataChanged && path[(prefix + 1)..].IndexOf((byte)'/') < 0);
    }

    private Block NewBlock(int pathLength)
    {
        Block? free = null;
        while (_bytes > _limits.MaxBytes)
        {
            free = _blocks.Dequeue();
            _bytes -= free.Size;
            Horizon = free.LastZxid;
        }

        if (free is null || !CanHold(free, pathLength))
        {
            return new Block(Math.Max(_limits.BlockBytes, pathLength), _limits.BlockRecords);
        }

        free.Clear();
        return free;
    }

    private bool CanHold(Block free, int pathLength) =>
        free.PathBytes == _limits.BlockBytes && pathLength <= _limits.BlockBytes;

    private bool Has(TreeFaults fault) => (Faults & fault) != 0;

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Record(long Zxid, int Start, int Length, WatchEventType Type, AclList Acl);

    private sealed class Block(int bytes, int records)
    {
        private readonly byte[] _paths = new byte[bytes];
        private readonly Record[] _records = new Record[records];
        private int _used;
        private int _count;

        public int PathBytes => _paths.Length;

        public int Size => _paths.Length + (_records.Length * RecordBytes);

        public long LastZxid => _records[_count - 1].Zxid;

        public ReadOnlySpan<Record> Records => _records.AsSpan(0, _count);

        public bool HasRoom(int pathLength) => _count < _records.Length && _paths.Length - _used >= pathLength;

        public ReadOnlySpan<byte> PathOf(in Record record) => _paths.AsSpan(record.Start, record.Length);

        public void Add(long zxid, WatchEventType type, ReadOnlySpan<byte> path, AclList acl)
        {
            path.CopyTo(_paths.AsSpan(_used));
            _records[_count++] = new Record(zxid, _used, path.Length, type, acl);
            _used += path.Length;
        }

        public void Clear()
        {
            _used = 0;
            _count = 0;
            Array.Clear(_records);
        }
    }
}
