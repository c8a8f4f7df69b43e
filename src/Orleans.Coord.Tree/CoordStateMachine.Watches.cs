using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>Operations on watches: local to this replica, in no log.</summary>
public sealed partial class CoordStateMachine
{
    /// <summary>
    /// Runs setWatches, setWatches2, addWatch, removeWatches or checkWatches for a connection that this replica serves.
    /// </summary>
    /// <param name="op">The operation.</param>
    /// <param name="body">The request, without its header.</param>
    /// <param name="sessionId">The session.</param>
    /// <param name="who">Its connection's identities.</param>
    /// <param name="reply">Where the reply's body is appended; untouched if the code is an error.</param>
    /// <param name="events">Where setWatches appends what the client missed; to be sent before the reply.</param>
    /// <returns>The reply's code.</returns>
    public CoordErrorCode WatchOperation(
        OpCode op,
        ReadOnlySpan<byte> body,
        long sessionId,
        CallerIdentities who,
        JuteWriter reply,
        List<WatchEvent> events)
    {
        ArgumentNullException.ThrowIfNull(who);
        ArgumentNullException.ThrowIfNull(reply);
        ArgumentNullException.ThrowIfNull(events);
        switch (op)
        {
            case OpCode.SetWatches:
                return SetWatches(body, vectors: 3, sessionId, who, events);
            case OpCode.SetWatches2:
                return SetWatches(body, vectors: 5, sessionId, who, events);
            case OpCode.AddWatch:
                return AddWatch(body, sessionId, who, reply);
            case OpCode.RemoveWatches:
            case OpCode.CheckWatches:
                return RemoveOrCheck(op, body, sessionId);
            default:
                return CoordErrorCode.Unimplemented;
        }
    }

    /// <summary>The session's connection is gone: its watches go too.</summary>
    public void ForgetWatches(long sessionId) => Watches.Forget(sessionId);

    private CoordErrorCode SetWatches(
        ReadOnlySpan<byte> body, int vectors, long sessionId, CallerIdentities who, List<WatchEvent> events)
    {
        if (!AreWatchVectors(body, vectors))
        {
            return CoordErrorCode.MarshallingError;
        }

        var reader = new JuteReader(body);
        long lastSeen = reader.ReadLong();
        for (int vector = 0; vector < vectors; vector++)
        {
            for (int left = reader.ReadCount(sizeof(int)); left > 0; left--)
            {
                ReadOnlySpan<byte> path = reader.ReadBuffer(out bool isNull);
                if (isNull)
                {
                    continue;
                }

                WatchEventType missed = Missed(vector, Tree.Find(path), lastSeen);
                if (missed == WatchEventType.None || Sessions.Has(TreeFaults.ForgetMissed))
                {
                    Watches.Add(sessionId, who, path, KindOfVector(vector));
                }
                else
                {
                    events.Add(new WatchEvent(sessionId, missed, path.ToArray()));
                }
            }
        }

        Invariant.Check(!reader.Failed);
        return CoordErrorCode.Ok;
    }

    /// <summary>Vectors, in the order of the request: data, exists, child, persistent, persistent recursive.</summary>
    private static WatchKinds KindOfVector(int vector) => vector switch
    {
        0 or 1 => WatchKinds.Data,
        2 => WatchKinds.Child,
        3 => WatchKinds.Persistent,
        _ => WatchKinds.PersistentRecursive,
    };

    /// <summary>What a one-shot watch would have told since <paramref name="lastSeen"/>, were it still set.</summary>
    private static WatchEventType Missed(int vector, Znode? node, long lastSeen) => (vector, node) switch
    {
        (0, null) or (2, null) => WatchEventType.NodeDeleted,
        (0, _) when node.Mzxid > lastSeen => WatchEventType.NodeDataChanged,
        (1, not null) => WatchEventType.NodeCreated,
        (2, _) when node.Pzxid > lastSeen => WatchEventType.NodeChildrenChanged,
        _ => WatchEventType.None,
    };

    private static bool AreWatchVectors(ReadOnlySpan<byte> body, int vectors)
    {
        var reader = new JuteReader(body);
        reader.ReadLong();
        for (int vector = 0; vector < vectors; vector++)
        {
            int left = reader.ReadCount(sizeof(int));
            if (left < 0)
            {
                return false;
            }

            for (; left > 0; left--)
            {
                reader.ReadBuffer(out bool isNull);
                if (isNull && KindOfVector(vector) != WatchKinds.Persistent)
                {
                    return false;
                }
            }
        }

        return !reader.Failed;
    }

    private CoordErrorCode AddWatch(ReadOnlySpan<byte> body, long sessionId, CallerIdentities who, JuteWriter reply)
    {
        var reader = new JuteReader(body);
        ReadOnlySpan<byte> path = reader.ReadBuffer(out bool isNull);
        int mode = reader.ReadInt();
        if (reader.Failed || isNull || mode is not (0 or 1))
        {
            return CoordErrorCode.MarshallingError;
        }

        Watches.Add(sessionId, who, path, mode == 0 ? WatchKinds.Persistent : WatchKinds.PersistentRecursive);
        reply.WriteInt(0);
        return CoordErrorCode.Ok;
    }

    private CoordErrorCode RemoveOrCheck(OpCode op, ReadOnlySpan<byte> body, long sessionId)
    {
        var reader = new JuteReader(body);
        ReadOnlySpan<byte> path = reader.ReadBuffer(out bool isNull);
        WatchKinds kinds = reader.ReadInt() switch
        {
            1 => WatchKinds.Child,
            2 => WatchKinds.Data,
            3 => WatchKinds.Data | WatchKinds.Child | WatchKinds.Persistent | WatchKinds.PersistentRecursive,
            4 => WatchKinds.Persistent,
            5 => WatchKinds.PersistentRecursive,
            _ => WatchKinds.None,
        };
        if (reader.Failed || kinds == WatchKinds.None)
        {
            return CoordErrorCode.MarshallingError;
        }

        if (isNull)
        {
            return CoordErrorCode.NoWatcher;
        }

        bool found = op == OpCode.RemoveWatches
            ? Watches.Remove(sessionId, path, kinds)
            : (Watches.KindsOf(sessionId, path) & kinds) != 0;
        return found ? CoordErrorCode.Ok : CoordErrorCode.NoWatcher;
    }
}
