using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>
/// Znodes, sessions and watches as one deterministic state machine. The same entries give the same state, replies and
/// digest on every replica. Validation happens here, when an entry is applied: a refused request is still an entry.
/// Single-threaded; nothing that clients send can make it throw.
/// </summary>
public sealed partial class CoordStateMachine
{
    private readonly TriggerQueue _triggers = new();
    private readonly JuteWriter _path = new();
    private readonly JuteWriter _acl = new();

    /// <summary>Creates the state before the first entry: the tree as ZooKeeper has it on its first day.</summary>
    public CoordStateMachine()
        : this(new ZnodeTree(), new SessionTable(), lastApplied: 0)
    {
    }

    private CoordStateMachine(
        ZnodeTree tree, SessionTable sessions, long lastApplied, byte level = FeatureLevels.First)
    {
        Tree = tree;
        Sessions = sessions;
        LastApplied = lastApplied;
        _history = new ChangeHistory(lastApplied, ChangeLimits.Default);
        _keeperNodes = new KeeperNodes(tree.Acls.Open);
        _about = new Znode("coord"u8.ToArray(), ZnodeKind.Persistent, tree.Acls.Open) { Data = [] };
        RaiseLevel(level);
    }

    /// <summary>The index of the last applied entry; also the zxid of the newest write.</summary>
    public long LastApplied { get; private set; }

    /// <summary>The time of the newest entry, milliseconds since 1970: the highest stamp so far.</summary>
    public long LastTime { get; private set; }

    /// <summary>
    /// The highest level of any entry so far, see <see cref="FeatureLevels"/>: what the group has agreed to do.
    /// </summary>
    public byte FeatureLevel { get; private set; }

    /// <summary>The sessions.</summary>
    public SessionTable Sessions { get; }

    /// <summary>The watches set at this replica: local, in no snapshot, in no digest.</summary>
    public WatchTable Watches { get; } = new();

    /// <summary>The digests of the newest entries, for comparison with other replicas.</summary>
    public DigestLog Digests { get; } = new();

    /// <summary>Number of znodes, the root and the three of <c>/zookeeper</c> included.</summary>
    public int ZnodeCount => Tree.Registry.Count;

    /// <summary>Number of ephemeral znodes.</summary>
    public int EphemeralCount => Tree.EphemeralCount;

    /// <summary>Sum of the lengths of all paths and data, bytes.</summary>
    public long ApproximateDataSize => Tree.DataSize;

    /// <summary>
    /// The rolling digest: covers paths, data, stats, access control lists, sessions, removed members, level and time.
    /// Replicas that applied the same entries have the same one, whatever snapshots they were restored from.
    /// </summary>
    public ulong Digest => TreeHash.Pair(
        Tree.Digest + (Sessions.Digest * 3) + Ensemble.RemovedDigest + LevelDigest, LastTime);

    /// <summary>Bugs to plant; for tests only.</summary>
    internal TreeFaults Faults
    {
        get => Sessions.Faults;
        set
        {
            Sessions.Faults = value;
            _history.Faults = value;
        }
    }

    internal ZnodeTree Tree { get; }

    /// <summary>Applies one entry's payload.</summary>
    /// <param name="index">The entry's index, which is its zxid; above <see cref="LastApplied"/>.</param>
    /// <param name="payload">A command of a level that is known, see <see cref="CommandCodec"/>.</param>
    /// <param name="result">Is reset, then filled.</param>
    public void Apply(long index, ReadOnlySpan<byte> payload, ApplyResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        if (Command.TryRead(payload, out Command command))
        {
            Apply(index, command, result);
            return;
        }

        result.Reset();
        Advance(index);
        result.Code = CoordErrorCode.MarshallingError;
    }

    /// <summary>Applies one entry whose payload is parsed already.</summary>
    public void Apply(long index, in Command command, ApplyResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        result.Reset();
        Advance(index);
        LastTime = Math.Max(LastTime, command.Time);
        if (command.Level > FeatureLevel)
        {
            RaiseLevel(command.Level);
        }

        result.Zxid = index;
        result.Code = command.Kind switch
        {
            CommandKind.Request => ApplyRequest(command, result),
            CommandKind.CreateSession => CreateSession(command, result),
            CommandKind.AttachSession => AttachSession(command, result),
            CommandKind.ExpireSession => ExpireSession(command, result),
            CommandKind.RestorePart => TakePart(command),
            _ => CoordErrorCode.MarshallingError,
        };

        if (result.Code == CoordErrorCode.Ok)
        {
            _triggers.Fire(index, _history, Watches, result.Events);
        }
        else
        {
            result.Body.Clear();
        }

        EndSessionWatches(result);
        _triggers.Clear();
        Tree.Acls.DropUnused();
        if (DigestLog.IsDue(index))
        {
            Digests.Add(index, Digest);
        }
    }

    /// <summary>Passes an entry that holds no command.</summary>
    public void Advance(long index)
    {
        Invariant.Check(index > LastApplied);
        LastApplied = index;
    }

    /// <summary>The paths of a session's ephemeral znodes, sorted.</summary>
    public List<byte[]> EphemeralPaths(long sessionId)
    {
        var paths = new List<byte[]>();
        if (Tree.EphemeralsOf(sessionId) is { } slots)
        {
            foreach (int slot in slots.Items)
            {
                paths.Add(Tree.Registry[slot]!.FullPath());
            }
        }

        paths.Sort((a, b) => a.AsSpan().SequenceCompareTo(b));
        return paths;
    }

    private CoordErrorCode ApplyRequest(in Command command, ApplyResult result)
    {
        if (command.SessionId != 0)
        {
            CoordErrorCode code = Sessions.Admit(command.SessionId, command.Generation, command.Position);
            if (code != CoordErrorCode.Ok)
            {
                return code;
            }
        }

        return command.Op == OpCode.Numbered ? ApplyNumbered(command, result) : Execute(command, result);
    }

    private CoordErrorCode Execute(in Command command, ApplyResult result)
    {
        var reader = new JuteReader(command.Body);
        switch (command.Op)
        {
            case OpCode.Create:
            case OpCode.Create2:
            case OpCode.CreateContainer:
            case OpCode.CreateTtl:
                return Create(command, CreateRequest.Read(command.Op, ref reader), reader.Failed, result.Body);
            case OpCode.Delete:
                return Delete(command, VersionedPath.Read(ref reader), reader.Failed);
            case OpCode.SetData:
                return SetData(command, SetDataRequest.Read(ref reader), reader.Failed, result.Body);
            case OpCode.SetAcl:
                return SetAcl(command, SetAclRequest.Read(ref reader), reader.Failed, result.Body);
            case OpCode.Check:
                return Check(command, VersionedPath.Read(ref reader), reader.Failed, result.Body);
            case OpCode.Multi:
                return Multi(command, result.Body);
            case OpCode.CheckNotExists:
            case OpCode.CreateIfNotExists:
            case OpCode.RemoveRecursive:
            case OpCode.CheckStat:
            case OpCode.TryRemove:
                return KeeperWrite(command, command.Op, ref reader, result.Body);
            case OpCode.DeleteContainer:
                return DeleteContainer(command);
            case OpCode.CloseSession:
                return CloseSession(command, result);
            case OpCode.Reconfig:
                return Reconfigure(command, result.Body);
            default:
                return CoordErrorCode.Unimplemented;
        }
    }

    private Change ChangeOf(in Command command)
    {
        Invariant.Check(LastTime >= command.Time);
        return new Change(LastApplied, LastTime);
    }
}
