using System.Diagnostics.CodeAnalysis;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>Collects a snapshot's records, then puts tree and sessions together and proves them right.</summary>
internal sealed class SnapshotReader
{
    private const int MaxPresized = 4 * 1024 * 1024;

    private readonly AclTable _acls = new();
    private readonly Dictionary<long, AclList> _aclsById = [];
    private readonly Dictionary<int, int> _positionBySlot = [];
    private readonly List<Znode> _nodes = [];
    private readonly List<(int ParentSlot, int ChildCount)> _links = [];
    private SnapshotHeader? _header;
    private bool _ended;

    public SessionTable Sessions { get; } = new();

    public byte[] RemovedMembers { get; private set; } = [];

    /// <summary>In snapshots from before levels were kept there is none, and this is meant.</summary>
    public byte FeatureLevel { get; private set; } = FeatureLevels.Extensions;

    public SnapshotHeader Header => _header ?? throw Bad("no header");

    /// <summary>Takes the records of one chunk.</summary>
    public void Add(ReadOnlySpan<byte> chunk)
    {
        var reader = new JuteReader(chunk);
        while (!reader.Rest.IsEmpty)
        {
            Require(!_ended, "records after the end");
            var group = (SnapshotGroup)reader.ReadByte();
            int count = reader.ReadInt();
            Require(!reader.Failed && count > 0, "a group's head is cut");
            Require(_header is null == (group == SnapshotGroup.Header), "the header is missing, or not the first");
            for (int i = 0; i < count; i++)
            {
                AddRecord(group, ref reader);
                Require(!reader.Failed, "a record is cut");
            }
        }
    }

    /// <summary>Builds the tree once all records are in.</summary>
    public ZnodeTree Assemble()
    {
        Require(_ended, "the end is missing");
        Require(_nodes.Count == Header.ZnodeCount, "znodes are missing");
        Require(Sessions.Count == Header.SessionCount, "sessions are missing");
        Znode root = FindRoot();
        var tree = new ZnodeTree(root, _acls);
        ResolveParents(root);
        for (int i = 0; i < _nodes.Count; i++)
        {
            Enter(tree, i);
        }

        for (int i = 0; i < _nodes.Count; i++)
        {
            Require(_nodes[i].ChildCount == _links[i].ChildCount, "a znode's number of children is wrong");
        }

        return tree;
    }

    [DoesNotReturn]
    private static SnapshotFormatException Bad(string what) =>
        throw new SnapshotFormatException($"This is no usable snapshot: {what}.");

    private static void Require([DoesNotReturnIf(false)] bool condition, string otherwise)
    {
        if (!condition)
        {
            Bad(otherwise);
        }
    }

    private void AddRecord(SnapshotGroup group, ref JuteReader reader)
    {
        switch (group)
        {
            case SnapshotGroup.Header:
                AddHeader(ref reader);
                break;
            case SnapshotGroup.Acls:
                AddAcl(reader.ReadLong(), reader.ReadBuffer());
                break;
            case SnapshotGroup.Sessions:
                AddSession(SessionRecord.Read(ref reader));
                break;
            case SnapshotGroup.Results:
                AddResults(ResultsRecord.Read(ref reader), reader.Failed);
                break;
            case SnapshotGroup.Znodes:
                AddZnode(ZnodeRecord.Read(ref reader), reader.Failed);
                break;
            case SnapshotGroup.RemovedMembers:
                RemovedMembers = reader.ReadBuffer().ToArray();
                break;
            case SnapshotGroup.FeatureLevel:
                SetLevel(reader.ReadByte());
                break;
            case SnapshotGroup.End:
                Require(reader.ReadLong() == Header.LastApplied, "the end belongs to another snapshot");
                _ended = true;
                break;
            default:
                Bad($"unknown group {(int)group}");
                break;
        }
    }

    private void SetLevel(byte level)
    {
        Require(level >= FeatureLevels.First, "its feature level is 0");
        FeatureLevel = level <= FeatureLevels.Newest
            ? level
            : throw FeatureLevelException.Above("The snapshot", level, FeatureLevels.Newest);
    }

    private void AddHeader(ref JuteReader reader)
    {
        Require(_header is null, "two headers");
        Require(reader.ReadInt() == SnapshotFormat.Magic, "it does not begin like one");
        int version = reader.ReadInt();
        Require(version == SnapshotFormat.Version, $"its version is {version}, known is {SnapshotFormat.Version}");
        _header = new SnapshotHeader(
            reader.ReadLong(), reader.ReadLong(), (ulong)reader.ReadLong(), reader.ReadInt(), reader.ReadInt());

        // The number is not proven yet: it may spare growing, but not claim all memory.
        int expected = Math.Clamp(_header.Value.ZnodeCount, 0, MaxPresized);
        _positionBySlot.EnsureCapacity(expected);
        _nodes.EnsureCapacity(expected);
        _links.EnsureCapacity(expected);
    }

    private void AddAcl(long id, ReadOnlySpan<byte> encoded)
    {
        var reader = new JuteReader(encoded);
        AclList.Skip(ref reader);
        Require(!reader.Failed && reader.Rest.IsEmpty && !encoded.IsEmpty, "an access control list is malformed");
        AclList? list = _acls.Restore(id, encoded);
        Require(list is not null && _aclsById.TryAdd(id, list), "an access control list comes twice");
    }

    private void AddSession(in SessionRecord record)
    {
        Require(
            record.Id != 0
            && record.TimeoutMs > 0
            && record.Generation > 0
            && record.PasswordHash.Length == SessionTable.PasswordHashBytes
            && !Sessions.TryGet(record.Id, out _),
            "a session is malformed or comes twice");
        Sessions.Add(new Session(record.Id, record.PasswordHash)
        {
            TimeoutMs = record.TimeoutMs,
            Generation = record.Generation,
            LastPosition = record.LastPosition,
        });
    }

    private void AddResults(in ResultsRecord record, bool cut)
    {
        Require(!cut, "a record is cut");
        KeptState state = record.State;
        Require(
            Sessions.TryGet(record.SessionId, out Session? session) && session.Results is null,
            "kept results are without a session or come twice");
        long before = state.Lowest - 1;
        foreach (KeptResult result in state.Results)
        {
            Require(result.Number > before && result.Number <= state.Last, "kept results are out of order");
            before = result.Number;
        }

        Require(state.Lowest > 0 && state.Results.Length <= KeptResults.MaxCount, "kept results are malformed");
        Sessions.RestoreResults(session, state);
    }

    private void AddZnode(in ZnodeRecord record, bool cut)
    {
        Require(!cut, "a record is cut");
        Require(record.Kind <= ZnodeKind.Ttl, "a znode is of no known kind");
        Require(_aclsById.TryGetValue(record.AclId, out AclList? acl), "a znode's access control list is missing");
        Require(record.Kind != ZnodeKind.Ephemeral || record.OwnerOrTtl != 0, "an ephemeral znode has no owner");
        Require(_positionBySlot.TryAdd(record.Slot, _nodes.Count), "a znode comes twice");
        _links.Add((record.ParentSlot, record.ChildCount));
        _nodes.Add(new Znode(record.Name, record.Kind, acl)
        {
            Data = record.Data,
            OwnerOrTtl = record.OwnerOrTtl,
            Czxid = record.Czxid,
            Mzxid = record.Mzxid,
            Pzxid = record.Pzxid,
            Ctime = record.Ctime,
            Mtime = record.Mtime,
            Version = record.Version,
            Aversion = record.Aversion,
            CreatedChildren = record.CreatedChildren,
        });
    }

    private Znode FindRoot()
    {
        int root = _links.FindIndex(link => link.ParentSlot == -1);
        Require(root >= 0 && _links.FindLastIndex(link => link.ParentSlot == -1) == root, "there is not one root");
        Require(_nodes[root].Name.Length == 0, "the root has a name");
        return _nodes[root];
    }

    /// <summary>A path hash needs the parent's first, and records come in any order: up, then down again.</summary>
    private void ResolveParents(Znode root)
    {
        const byte Waiting = 1;
        const byte Done = 2;
        byte[] states = new byte[_nodes.Count];
        var waiting = new Stack<int>();
        for (int i = 0; i < _nodes.Count; i++)
        {
            for (int at = i; states[at] != Done; at = ParentPosition(at))
            {
                Require(states[at] != Waiting, "a znode is its own ancestor");
                if (ReferenceEquals(_nodes[at], root))
                {
                    root.SetParent(null, ZnodeTree.RootHash);
                    states[at] = Done;
                    break;
                }

                states[at] = Waiting;
                waiting.Push(at);
            }

            while (waiting.TryPop(out int at))
            {
                Znode parent = _nodes[ParentPosition(at)];
                byte[] name = _nodes[at].Name;
                Require(name.Length > 0 && !name.AsSpan().Contains((byte)'/'), "a znode has no proper name");
                _nodes[at].SetParent(parent, parent.ChildHash(name));
                states[at] = Done;
            }
        }
    }

    private int ParentPosition(int position)
    {
        bool found = _positionBySlot.TryGetValue(_links[position].ParentSlot, out int parent);
        Require(found, "a znode's parent is missing");
        return parent;
    }

    private void Enter(ZnodeTree tree, int position)
    {
        Znode node = _nodes[position];
        int childCount = _links[position].ChildCount;
        Require((uint)childCount <= (uint)_nodes.Count, "a znode's number of children is wrong");
        Require(
            node.Kind != ZnodeKind.Ephemeral || Sessions.TryGet(node.OwnerOrTtl, out _),
            "the session of an ephemeral znode is missing");
        Require(node.Parent?.FindChild(node.Name, node.PathHash) is null, "two znodes have one path");
        node.ReserveChildren(childCount);
        tree.Adopt(node);
    }
}
