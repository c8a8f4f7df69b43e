using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Simulation;

/// <content>Writes, as far as the workload uses them: everybody may do everything.</content>
internal sealed partial class Model
{
    private CoordErrorCode Request(in Command command, JuteWriter body)
    {
        if (command.SessionId != 0)
        {
            if (!_sessions.TryGetValue(command.SessionId, out ModelSession? session))
            {
                return CoordErrorCode.SessionExpired;
            }

            if (command.Generation != session.Generation)
            {
                return CoordErrorCode.SessionMoved;
            }

            if (command.Position != session.Position + 1)
            {
                return CoordErrorCode.ConnectionLoss;
            }

            session.Position++;
            if (command.Op == OpCode.CloseSession)
            {
                End(session);
                return CoordErrorCode.Ok;
            }
        }

        var reader = new JuteReader(command.Body);
        return command.Op switch
        {
            OpCode.Multi => Multi(ref reader, command.SessionId, body),
            OpCode.Numbered => Numbered(ref reader, command.SessionId, body),
            OpCode.Reconfig => Reconfigure(ref reader, command, body),
            _ => Single(command.Op, ref reader, command.SessionId, body),
        };
    }

    private CoordErrorCode Single(OpCode op, ref JuteReader reader, long sessionId, JuteWriter body)
    {
        switch (op)
        {
            case OpCode.Create or OpCode.Create2:
                return Create(op, ref reader, sessionId, body);
            case OpCode.SetData:
                return SetData(ref reader, body);
            case OpCode.Delete:
                return Delete(ref reader);
            case OpCode.Check:
                string path = Text(reader.ReadString());
                int expected = reader.ReadInt();
                ModelNode? node = Find(path);
                return node is null ? CoordErrorCode.NoNode
                    : expected != -1 && expected != node.Version ? CoordErrorCode.BadVersion
                    : CoordErrorCode.Ok;
            default:
                return CoordErrorCode.Unimplemented;
        }
    }

    private CoordErrorCode Create(OpCode op, ref JuteReader reader, long sessionId, JuteWriter body)
    {
        string path = Text(reader.ReadString());
        byte[] data = reader.ReadBuffer().ToArray();
        for (int acls = reader.ReadInt(); acls > 0; acls--)
        {
            reader.ReadInt();
            reader.ReadString();
            reader.ReadString();
        }

        int flags = reader.ReadInt();
        ModelNode? parent = Find(ParentOf(path));
        if (parent is null)
        {
            return CoordErrorCode.NoNode;
        }

        path = (flags & 2) != 0 ? Numbered(path, parent.Created) : path;
        if (Find(path) is not null)
        {
            return CoordErrorCode.NodeExists;
        }

        if (parent.Owner != 0)
        {
            return CoordErrorCode.NoChildrenForEphemerals;
        }

        long owner = (flags & 1) != 0 ? sessionId : 0;
        var node = new ModelNode(path, data, _index, _time, owner);
        Put(path, node);
        Changed(WatchEventType.NodeCreated, path);
        Put(parent.Path, parent with
        {
            Created = parent.Created + 1,
            Cversion = parent.Cversion + 1,
            Children = parent.Children + 1,
            Pzxid = _index,
        });
        if (owner != 0)
        {
            _sessions[owner].Ephemerals.Add(path);
        }

        body.WriteString(path);
        if (op == OpCode.Create2)
        {
            body.WriteStat(node.Stat);
        }

        return CoordErrorCode.Ok;
    }

    // Session 0 is the first leader, which writes down whom the group began with.
    private CoordErrorCode Reconfigure(ref JuteReader reader, in Command command, JuteWriter body)
    {
        string joining = Text(reader.ReadBuffer(out _));
        string leaving = Text(reader.ReadBuffer(out _));
        string all = Text(reader.ReadBuffer(out _));
        long expected = reader.ReadLong();
        bool first = command.SessionId == 0;
        CoordErrorCode refused = first ? Ensemble.IsEmpty ? CoordErrorCode.Ok : CoordErrorCode.BadVersion
            : Ensemble.IsEmpty ? CoordErrorCode.Unimplemented
            : command.Options.HasFlag(CommandOptions.ReconfigUnderWay) ? CoordErrorCode.ReconfigInProgress
            : expected != -1 && expected != Ensemble.Version ? CoordErrorCode.BadVersion
            : CoordErrorCode.Ok;
        if (refused != CoordErrorCode.Ok)
        {
            return refused;
        }

        ModelEnsemble next = Ensemble.After(first ? all : joining, leaving, _index);
        if (!next.HasVoter)
        {
            return CoordErrorCode.BadArguments;
        }

        if (!first && command.Options.HasFlag(CommandOptions.NewConfigLacksQuorum))
        {
            return CoordErrorCode.NewConfigNoQuorum;
        }

        if (next.Ids.Any(Ensemble.WasRemoved))
        {
            return CoordErrorCode.BadArguments;
        }

        Ensemble = next;
        ModelNode config = Find(ModelEnsemble.Path)! with
        {
            Data = System.Text.Encoding.UTF8.GetBytes(next.ToString()),
            Version = -1,
            Mzxid = _index,
            Mtime = _time,
        };
        Put(ModelEnsemble.Path, config);
        Changed(WatchEventType.NodeDataChanged, ModelEnsemble.Path);
        body.WriteBuffer(config.Data);
        body.WriteStat(config.Stat);
        return CoordErrorCode.Ok;
    }

    private CoordErrorCode SetData(ref JuteReader reader, JuteWriter body)
    {
        string path = Text(reader.ReadString());
        byte[] data = reader.ReadBuffer().ToArray();
        int expected = reader.ReadInt();
        ModelNode? node = Find(path);
        if (node is null)
        {
            return CoordErrorCode.NoNode;
        }

        if (expected != -1 && expected != node.Version)
        {
            return CoordErrorCode.BadVersion;
        }

        node = node with { Data = data, Version = node.Version + 1, Mzxid = _index, Mtime = _time };
        Put(path, node);
        Changed(WatchEventType.NodeDataChanged, path);
        body.WriteStat(node.Stat);
        return CoordErrorCode.Ok;
    }

    private CoordErrorCode Delete(ref JuteReader reader)
    {
        string path = Text(reader.ReadString());
        int expected = reader.ReadInt();
        ModelNode? node = Find(path);
        if (node is null)
        {
            return CoordErrorCode.NoNode;
        }

        if (expected != -1 && expected != node.Version)
        {
            return CoordErrorCode.BadVersion;
        }

        if (node.Children > 0)
        {
            return CoordErrorCode.NotEmpty;
        }

        Remove(node);
        return CoordErrorCode.Ok;
    }

    private void Remove(ModelNode node)
    {
        Put(node.Path, null);
        Changed(WatchEventType.NodeDeleted, node.Path);
        ModelNode parent = Find(ParentOf(node.Path))!;
        Put(parent.Path, parent with
        {
            Cversion = parent.Cversion + 1,
            Children = parent.Children - 1,
            Pzxid = _index,
        });
        if (node.Owner != 0)
        {
            _sessions[node.Owner].Ephemerals.Remove(node.Path);
        }
    }

    /// <summary>All or none; a failed one succeeds as a request and answers with each operation's error.</summary>
    private CoordErrorCode Multi(ref JuteReader reader, long sessionId, JuteWriter body)
    {
        _undo = [];
        int changes = _changes.Count;
        List<CoordErrorCode> codes = [];
        CoordErrorCode failure = CoordErrorCode.Ok;
        while (NextOperation(ref reader, out OpCode op))
        {
            // After a failure the rest is only read over; what that does to the model is taken back with all else.
            var one = new JuteWriter(64);
            CoordErrorCode code = Single(op, ref reader, sessionId, one);
            if (failure == CoordErrorCode.Ok && code == CoordErrorCode.Ok)
            {
                WriteHeader(body, (int)op, done: false, 0);
                body.WriteRaw(op == OpCode.Check ? default : one.Written);
            }

            codes.Add(failure != CoordErrorCode.Ok ? CoordErrorCode.RuntimeInconsistency : code);
            failure = failure != CoordErrorCode.Ok ? failure : code;
        }

        if (failure != CoordErrorCode.Ok)
        {
            body.Clear();
            codes.ForEach(code =>
            {
                WriteHeader(body, -1, done: false, (int)code);
                body.WriteInt((int)code);
            });
            TakeBack();
            _changes.RemoveRange(changes, _changes.Count - changes);
        }

        WriteHeader(body, -1, done: true, -1);
        _undo = null;
        return CoordErrorCode.Ok;
    }

    private void TakeBack()
    {
        foreach ((string path, int steps) in Enumerable.Reverse(_undo!))
        {
            List<ModelStep> all = _paths[path];
            ModelNode? now = all[^1].Node;
            all.RemoveRange(steps, all.Count - steps);
            ModelNode? before = all.Count == 0 ? null : all[^1].Node;
            if (now is { Owner: not 0 } && before is null)
            {
                _sessions[now.Owner].Ephemerals.Remove(path);
            }
            else if (before is { Owner: not 0 } && now is null)
            {
                _sessions[before.Owner].Ephemerals.Add(path);
            }
        }
    }

    private static bool NextOperation(ref JuteReader reader, out OpCode op)
    {
        op = (OpCode)reader.ReadInt();
        bool done = reader.ReadBool();
        reader.ReadInt();
        return !done && !reader.Failed;
    }

    private static void WriteHeader(JuteWriter body, int type, bool done, int error)
    {
        body.WriteInt(type);
        body.WriteBool(done);
        body.WriteInt(error);
    }
}
