namespace Orleans.Coord.Tree;

/// <summary>
/// A snapshot put in the place of the tree while the group serves. Its bytes come through the log in parts, which
/// every replica collects aside; with the last part all of them change over at the same entry, or none does.
/// </summary>
public sealed partial class CoordStateMachine
{
    private readonly List<byte[]> _parts = [];
    private long _restoreId;

    /// <summary>
    /// Whether parts of a snapshot are being collected. They are in no snapshot of this state, so none is to be begun
    /// meanwhile: a replica that restarts collects them from the log again.
    /// </summary>
    public bool IsRestoring => _parts.Count > 0;

    /// <summary>The state that takes this one's place after the entry just applied; null but after a restore.</summary>
    public CoordStateMachine? Successor { get; private set; }

    /// <summary>
    /// This state's persistent znodes as the state after a later entry: without sessions and what is theirs, and with
    /// another group's members.
    /// </summary>
    /// <param name="index">The entry, at least <see cref="LastApplied"/>.</param>
    /// <param name="time">Its time, milliseconds since 1970.</param>
    /// <param name="ensemble">The members.</param>
    /// <param name="level">The feature level that they have agreed to, at least this state's.</param>
    public CoordStateMachine At(long index, long time, EnsembleConfig ensemble, byte level)
    {
        ArgumentNullException.ThrowIfNull(ensemble);
        Invariant.Check(index >= LastApplied && level >= FeatureLevel && Tree.Snapshot is null);
        var change = new Change(index, Math.Max(time, LastTime));
        foreach (Session session in Sessions.All.OrderBy(static session => session.Id).ToArray())
        {
            foreach (byte[] path in EphemeralPaths(session.Id))
            {
                Tree.Delete(Tree.Find(path)!, change);
            }
        }

        if (Tree.Find(ConfigPath) is { } config)
        {
            Tree.SetConfig(config, ensemble.IsEmpty ? [] : ensemble.ToText(), change);
        }

        Tree.Acls.DropUnused();
        CoordStateMachine later = FromImport(Tree, index, change.Time, level);
        later.Ensemble = ensemble;
        later.Faults = Faults;
        return later;
    }

    /// <summary>
    /// Whether another state is of this one's past, as far as zxids tell, and needs nothing that is not agreed.
    /// </summary>
    public bool MayTakeOver(CoordStateMachine other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return other.LastApplied <= LastApplied && other.FeatureLevel <= FeatureLevel;
    }

    /// <summary>
    /// Whether somebody may do anything to the root, as the super user or by a list that does not give everyone that.
    /// </summary>
    public bool OwnsRoot(CallerIdentities who)
    {
        ArgumentNullException.ThrowIfNull(who);
        AclList acl = Tree.Find("/"u8)!.Acl;
        return AclRules.IsSuper(who.Encoded) || Enumerable.Range(0, 5).Select(static bit => (Permissions)(1 << bit))
            .All(right => AclRules.Allows(acl, right, who.Encoded) && !AclRules.Allows(acl, right, default));
    }

    private CoordErrorCode TakePart(in Command command)
    {
        if (FeatureLevel < FeatureLevels.Restore)
        {
            return CoordErrorCode.Unimplemented;
        }

        bool isNext = command.SessionId == _restoreId && command.Part == _parts.Count + 1;
        if (command.Part == 1)
        {
            ForgetParts();
            isNext = true;
        }

        if (!isNext || command.Body.Length == 0)
        {
            // Number 0 gives it up; any other means that one before it was lost.
            ForgetParts();
            return CoordErrorCode.BadArguments;
        }

        _restoreId = command.SessionId;
        _parts.Add(command.Body.ToArray());
        return command.Part == command.Parts ? ChangeOver() : CoordErrorCode.Ok;
    }

    private CoordErrorCode ChangeOver()
    {
        try
        {
            CoordStateMachine restored = Restore(SnapshotParts.Join(_parts));
            if (!MayTakeOver(restored))
            {
                return CoordErrorCode.BadArguments;
            }

            Successor = restored.At(LastApplied, LastTime, Ensemble, FeatureLevel);
            return CoordErrorCode.Ok;
        }
        catch (SnapshotFormatException)
        {
            return CoordErrorCode.DataInconsistency;
        }
        catch (FeatureLevelException)
        {
            // Replicas of a newer version can read it; they refuse it for the level agreed.
            return CoordErrorCode.BadArguments;
        }
        finally
        {
            ForgetParts();
        }
    }

    private void ForgetParts()
    {
        _parts.Clear();
        _restoreId = 0;
    }
}
