namespace Orleans.Coord.Tree;

/// <summary>The lives of sessions.</summary>
public sealed partial class CoordStateMachine
{
    private CoordErrorCode CreateSession(in Command command, ApplyResult result)
    {
        CoordErrorCode code =
            Sessions.Create(command.SessionId, command.PasswordHash, command.TimeoutMs, out Session? session);
        Describe(session, code, result);
        return code;
    }

    private CoordErrorCode AttachSession(in Command command, ApplyResult result)
    {
        CoordErrorCode code =
            Sessions.Attach(command.SessionId, command.PasswordHash, command.TimeoutMs, out Session? session);
        Describe(session, code, result);
        return code;
    }

    /// <summary>Void when the session was attached again after the leader gave it up.</summary>
    private CoordErrorCode ExpireSession(in Command command, ApplyResult result)
    {
        if (!Sessions.TryGet(command.SessionId, out Session? session))
        {
            return CoordErrorCode.SessionExpired;
        }

        if (session.Generation != command.Generation && !Sessions.Has(TreeFaults.ExpireMoved))
        {
            return CoordErrorCode.SessionMoved;
        }

        EndSession(session, command, result);
        return CoordErrorCode.Ok;
    }

    private CoordErrorCode CloseSession(in Command command, ApplyResult result)
    {
        if (!Sessions.TryGet(command.SessionId, out Session? session))
        {
            return CoordErrorCode.BadArguments;
        }

        EndSession(session, command, result);
        return CoordErrorCode.Ok;
    }

    private void EndSession(Session session, in Command command, ApplyResult result)
    {
        // Sorted, so that every replica reports the deletions in the same order.
        List<byte[]> paths = EphemeralPaths(session.Id);
        if (paths.Count > 0 && Sessions.Has(TreeFaults.KeepEphemeral))
        {
            paths.RemoveAt(0);
        }

        foreach (byte[] path in paths)
        {
            Znode? node = Tree.Find(path);
            Invariant.Check(node is { Kind: ZnodeKind.Ephemeral, ChildCount: 0 });
            DeleteZnode(node, path, ChangeOf(command));
        }

        Invariant.Check(Tree.EphemeralsOf(session.Id) is null || Sessions.Has(TreeFaults.KeepEphemeral));
        Sessions.Remove(session);
        result.SessionId = session.Id;
    }

    private void EndSessionWatches(ApplyResult result)
    {
        if (result.SessionId != 0 && !Sessions.TryGet(result.SessionId, out _))
        {
            Watches.Forget(result.SessionId);
        }
    }

    private static void Describe(Session? session, CoordErrorCode code, ApplyResult result)
    {
        if (code == CoordErrorCode.Ok && session is not null)
        {
            result.SessionId = session.Id;
            result.Generation = session.Generation;
            result.TimeoutMs = session.TimeoutMs;
        }
    }
}
