namespace Orleans.Coord.Tree;

/// <summary>Snapshots, made and restored.</summary>
public sealed partial class CoordStateMachine
{
    private uint _snapshots;

    /// <summary>The snapshot in the making, if any.</summary>
    public TreeSnapshot? RunningSnapshot => Tree.Snapshot;

    /// <summary>Begins a snapshot that is exact at <see cref="LastApplied"/>. At most one at a time.</summary>
    public TreeSnapshot BeginSnapshot()
    {
        Invariant.Check(Tree.Snapshot is null);
        _snapshots++;
        Invariant.Check(_snapshots < uint.MaxValue >> 2);
        var snapshot = new TreeSnapshot(this, _snapshots);
        Tree.Snapshot = snapshot;
        Sessions.Snapshot = snapshot;
        return snapshot;
    }

    /// <summary>Builds a machine from a snapshot's chunks, in the order they were made.</summary>
    /// <exception cref="SnapshotFormatException">The chunks do not make a state, or not the one they claim.</exception>
    /// <exception cref="FeatureLevelException">It is of a version that knows more than this one.</exception>
    public static CoordStateMachine Restore(IEnumerable<ReadOnlyMemory<byte>> chunks)
    {
        ArgumentNullException.ThrowIfNull(chunks);
        var reader = new SnapshotReader();
        foreach (ReadOnlyMemory<byte> chunk in chunks)
        {
            reader.Add(chunk.Span);
        }

        var machine = new CoordStateMachine(
            reader.Assemble(), reader.Sessions, reader.Header.LastApplied, reader.FeatureLevel)
        {
            LastTime = reader.Header.LastTime,
        };
        machine.Tree.Acls.DropUnused();
        machine.RestoreEnsemble(reader.RemovedMembers);
        if (machine.Digest != reader.Header.Digest)
        {
            throw new SnapshotFormatException(
                $"This is no usable snapshot: its content has the digest {machine.Digest:x16}, its header says "
                + $"{reader.Header.Digest:x16}.");
        }

        return machine;
    }

    private void RestoreEnsemble(ReadOnlySpan<byte> removed)
    {
        bool read = EnsembleConfig.TryRead(Tree.Find(ConfigPath)?.Data, removed, out EnsembleConfig? config);
        Ensemble = read && config is not null
            ? config
            : throw new SnapshotFormatException(
                "This is no usable snapshot: the ensemble's configuration is malformed.");
    }

    /// <summary>A state of another system's znodes, without sessions.</summary>
    internal static CoordStateMachine FromImport(
        ZnodeTree tree, long zxid, long time, byte level = FeatureLevels.First)
    {
        var machine = new CoordStateMachine(tree, new SessionTable(), zxid, level) { LastTime = time };
        machine.RecountQuotas();
        return machine;
    }

    internal SnapshotHeader DescribeState() => new(LastApplied, LastTime, Digest, ZnodeCount, Sessions.Count);

    internal void EndSnapshot(TreeSnapshot snapshot)
    {
        Invariant.Check(ReferenceEquals(Tree.Snapshot, snapshot));
        Tree.Snapshot = null;
        Sessions.Snapshot = null;
    }
}
