using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>
/// A snapshot in the making: exact at the index at which it began, though the state machine goes on meanwhile.
/// Whoever is about to change or go, and was there at the beginning, is copied aside first. One at a time.
/// </summary>
public sealed class TreeSnapshot
{
    /// <summary>A slice ends after this many bytes, but has one record at least.</summary>
    private const int SliceBytes = 1024 * 1024;

    private readonly CoordStateMachine _machine;
    private readonly SnapshotHeader _header;
    private readonly AclList[] _acls;
    private readonly Session[] _sessions;
    private readonly byte _level;
    private readonly byte[] _removedMembers;
    private readonly int _highWater;
    private readonly Queue<ZnodeRecord> _asideZnodes = [];
    private readonly Queue<SessionRecord> _asideSessions = [];
    private readonly Queue<ResultsRecord> _results = [];
    private int _nextAcl;
    private int _nextSession;
    private int _nextSlot;
    private bool _headerDone;
    private int _savedZnodes;
    private int _savedSessions;

    internal TreeSnapshot(CoordStateMachine machine, uint mark)
    {
        _machine = machine;
        Mark = mark;
        _header = machine.DescribeState();
        _acls = machine.Tree.Acls.ToArray();
        _sessions = [.. machine.Sessions.All];
        _level = machine.FeatureLevel;
        _removedMembers = machine.Ensemble.RemovedText;
        _highWater = machine.Tree.Registry.HighWater;
    }

    /// <summary>The index of the last entry whose effect it has.</summary>
    public long LastApplied => _header.LastApplied;

    /// <summary>The machine's digest at that index; a restored machine has the same.</summary>
    public ulong Digest => _header.Digest;

    /// <summary>Whether the last slice is written, or the snapshot given up.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>Number of this snapshot; what has it is saved, or came too late.</summary>
    internal uint Mark { get; }

    private bool IsAllWritten => _nextAcl == _acls.Length
        && _nextSession == _sessions.Length
        && _nextSlot == _highWater
        && _asideSessions.Count == 0
        && _results.Count == 0
        && _asideZnodes.Count == 0;

    /// <summary>Appends the next records to <paramref name="chunk"/>, which makes a chunk of its own.</summary>
    /// <param name="chunk">Where to append; the caller clears it between slices.</param>
    /// <param name="maxZnodes">The most records to save in this slice.</param>
    /// <returns>True if there is more to come.</returns>
    public bool NextSlice(JuteWriter chunk, int maxZnodes)
    {
        ArgumentNullException.ThrowIfNull(chunk);
        Invariant.Check(!IsFinished);
        Invariant.Check(maxZnodes > 0);
        if (!_headerDone)
        {
            SnapshotFormat.WriteHeader(chunk, _header);
            SnapshotFormat.BeginGroup(chunk, SnapshotGroup.FeatureLevel);
            chunk.WriteByte(_level);
            WriteRemovedMembers(chunk);
            _headerDone = true;
        }

        int left = maxZnodes;
        WriteAcls(chunk, ref left);
        WriteSessions(chunk, ref left);
        WriteResults(chunk, ref left);
        WriteAside(chunk, ref left);
        WriteZnodes(chunk, ref left);
        if (!IsAllWritten)
        {
            return true;
        }

        Invariant.Check(_savedZnodes == _header.ZnodeCount && _savedSessions == _header.SessionCount);
        SnapshotFormat.WriteEnd(chunk, _header);
        Abandon();
        return false;
    }

    /// <summary>Gives up: no more copies aside are made.</summary>
    public void Abandon()
    {
        if (!IsFinished)
        {
            IsFinished = true;
            _machine.EndSnapshot(this);
        }
    }

    /// <summary>Copies a znode aside, unless it is saved or came later than the snapshot.</summary>
    internal void BeforeChange(Znode node)
    {
        if (node.SnapshotMark != Mark)
        {
            Invariant.Check(!IsFinished);
            node.SnapshotMark = Mark;
            _asideZnodes.Enqueue(ZnodeRecord.Of(node));
        }
    }

    /// <summary>Copies a session aside, unless it is saved or came later than the snapshot.</summary>
    internal void BeforeChange(Session session)
    {
        if (session.SnapshotMark != Mark)
        {
            Invariant.Check(!IsFinished);
            session.SnapshotMark = Mark;
            _asideSessions.Enqueue(SessionRecord.Of(session));
        }
    }

    private static bool HasRoom(JuteWriter chunk, int left) => left > 0 && chunk.Length < SliceBytes;

    private void WriteRemovedMembers(JuteWriter chunk)
    {
        if (_removedMembers.Length > 0)
        {
            SnapshotFormat.BeginGroup(chunk, SnapshotGroup.RemovedMembers);
            chunk.WriteBuffer(_removedMembers);
        }
    }

    private void WriteAcls(JuteWriter chunk, ref int left)
    {
        int group = SnapshotFormat.BeginGroup(chunk, SnapshotGroup.Acls);
        int first = _nextAcl;
        for (; _nextAcl < _acls.Length && HasRoom(chunk, left); left--)
        {
            AclList list = _acls[_nextAcl++];
            chunk.WriteLong(list.Id);
            chunk.WriteBuffer(list.Encoded);
        }

        SnapshotFormat.EndGroup(chunk, group, _nextAcl - first);
        if (_nextAcl < _acls.Length)
        {
            // Znodes name lists by number: none may come before the last list.
            left = 0;
        }
    }

    private void WriteSessions(JuteWriter chunk, ref int left)
    {
        int group = SnapshotFormat.BeginGroup(chunk, SnapshotGroup.Sessions);
        int before = _savedSessions;
        while (HasRoom(chunk, left) && _asideSessions.TryDequeue(out SessionRecord record))
        {
            Write(record, chunk);
            left--;
        }

        while (HasRoom(chunk, left) && _nextSession < _sessions.Length)
        {
            Session session = _sessions[_nextSession++];
            if (session.SnapshotMark != Mark)
            {
                session.SnapshotMark = Mark;
                Write(SessionRecord.Of(session), chunk);
                left--;
            }
        }

        SnapshotFormat.EndGroup(chunk, group, _savedSessions - before);
    }

    private void Write(in SessionRecord record, JuteWriter chunk)
    {
        record.Write(chunk);
        _savedSessions++;
        if (record.Results is { } results)
        {
            _results.Enqueue(new ResultsRecord(record.Id, results));
        }
    }

    private void WriteResults(JuteWriter chunk, ref int left)
    {
        int group = SnapshotFormat.BeginGroup(chunk, SnapshotGroup.Results);
        int count = 0;
        while (HasRoom(chunk, left) && _results.TryDequeue(out ResultsRecord record))
        {
            record.Write(chunk);
            count++;
            left--;
        }

        SnapshotFormat.EndGroup(chunk, group, count);
    }

    private void WriteAside(JuteWriter chunk, ref int left)
    {
        int group = SnapshotFormat.BeginGroup(chunk, SnapshotGroup.Znodes);
        int before = _savedZnodes;
        while (HasRoom(chunk, left) && _asideZnodes.TryDequeue(out ZnodeRecord record))
        {
            record.Write(chunk);
            _savedZnodes++;
            left--;
        }

        SnapshotFormat.EndGroup(chunk, group, _savedZnodes - before);
    }

    private void WriteZnodes(JuteWriter chunk, ref int left)
    {
        // Empty and saved slots cost time too, though they make no records.
        const int LooksPerRecord = 16;
        int group = SnapshotFormat.BeginGroup(chunk, SnapshotGroup.Znodes);
        int before = _savedZnodes;
        int end = (int)Math.Min(_highWater, _nextSlot + ((long)left * LooksPerRecord));
        while (_nextSlot < end && HasRoom(chunk, left))
        {
            Znode? node = _machine.Tree.Registry[_nextSlot++];
            if (node is not null && node.SnapshotMark != Mark)
            {
                node.SnapshotMark = Mark;
                ZnodeRecord.Of(node).Write(chunk);
                _savedZnodes++;
                left--;
            }
        }

        SnapshotFormat.EndGroup(chunk, group, _savedZnodes - before);
    }
}
