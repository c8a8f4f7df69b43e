using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Simulation;

/// <summary>
/// The state machine once more, written independently and as plainly as possible, with the whole history of each
/// path: it knows how each committed entry must be answered and what each read must return at the index it names.
/// </summary>
internal sealed partial class Model
{
    private readonly SortedDictionary<string, List<ModelStep>> _paths = new(StringComparer.Ordinal);
    private readonly Dictionary<long, ModelSession> _sessions = [];
    private readonly List<ModelResult> _results = [default];
    private readonly HashSet<long> _ended = [];
    private readonly Dictionary<(long SessionId, ulong BodyHash), Queue<long>> _requests = [];
    private readonly List<ModelChange> _changes = [];
    private List<(string Path, int Steps)>? _undo;
    private long _index;
    private long _time;
    private byte _level;

    public Model()
    {
        Put("/", new ModelNode("/", [], 0, 0, 0) { Cversion = -1, Children = 1 });
        Put("/zookeeper", new ModelNode("/zookeeper", [], 0, 0, 0) { Cversion = -2, Children = 2 });
        Put("/zookeeper/config", new ModelNode("/zookeeper/config", [], 0, 0, 0) { Aversion = -1 });
        Put("/zookeeper/quota", new ModelNode("/zookeeper/quota", [], 0, 0, 0));
    }

    /// <summary>Who is to be a member, as <c>/zookeeper/config</c> has it.</summary>
    public ModelEnsemble Ensemble { get; private set; } = ModelEnsemble.None;

    /// <summary>The last entry taken.</summary>
    public long Index => _index;

    public IReadOnlyDictionary<long, ModelSession> Sessions => _sessions;

    public bool HasEnded(long sessionId) => _ended.Contains(sessionId);

    /// <summary>How the entry must be answered.</summary>
    public ModelResult ResultAt(long index) => _results[(int)index];

    /// <summary>The index of an executed request that no answer was seen of; a huge one if there is none.</summary>
    /// <param name="request">Which request.</param>
    /// <param name="isUnique">Whether no other has the same body; if not, each is told another index.</param>
    public long TakeUnanswered((long SessionId, ulong BodyHash) request, bool isUnique)
    {
        bool found = _requests.TryGetValue(request, out Queue<long>? indexes) && indexes.Count > 0;
        return !found ? long.MaxValue / 4 : isUnique ? indexes!.Peek() : indexes!.Dequeue();
    }

    /// <summary>An executed request's answer was seen.</summary>
    public void Answered((long SessionId, ulong BodyHash) request, long index)
    {
        if (_requests.TryGetValue(request, out Queue<long>? indexes))
        {
            _requests[request] = new Queue<long>(indexes.Where(i => i != index));
        }
    }

    /// <summary>All znodes now.</summary>
    public IEnumerable<ModelNode> Nodes => _paths.Keys.Select(Find).OfType<ModelNode>();

    /// <summary>Everything that ever was at a path.</summary>
    public IReadOnlyList<ModelStep> HistoryOf(string path) =>
        _paths.TryGetValue(path, out List<ModelStep>? steps) ? steps : [];

    /// <summary>A path's znode just after an entry was applied.</summary>
    public ModelNode? NodeAt(string path, long index)
    {
        IReadOnlyList<ModelStep> steps = HistoryOf(path);
        int at = FirstAfter(steps, index) - 1;
        return at < 0 ? null : steps[at].Node;
    }

    /// <summary>Position of the first step after an index.</summary>
    public static int FirstAfter(IReadOnlyList<ModelStep> steps, long index)
    {
        int at = steps.Count;
        while (at > 0 && steps[at - 1].Index > index)
        {
            at--;
        }

        return at;
    }

    /// <summary>All changes after a zxid, in order.</summary>
    public ReadOnlySpan<ModelChange> ChangesAfter(long zxid)
    {
        int at = _changes.Count;
        while (at > 0 && _changes[at - 1].Zxid > zxid)
        {
            at--;
        }

        return CollectionsMarshal.AsSpan(_changes)[at..];
    }

    /// <summary>Names of a znode's children just after an entry was applied, sorted.</summary>
    public List<string> ChildrenAt(string path, long index)
    {
        string prefix = path == "/" ? "/" : path + "/";
        List<string> names = [];
        foreach (string child in _paths.Keys)
        {
            bool isChild = child.Length > prefix.Length && child.StartsWith(prefix, StringComparison.Ordinal)
                && child.IndexOf('/', prefix.Length) < 0;
            if (isChild && NodeAt(child, index) is not null)
            {
                names.Add(child[prefix.Length..]);
            }
        }

        return names;
    }

    /// <summary>An entry that changes nothing.</summary>
    public void Pass(long index)
    {
        Advance(index);
        _results.Add(default);
    }

    /// <summary>A command. Returns the session that it ended, or 0.</summary>
    public long Apply(long index, in Command command)
    {
        Advance(index);
        _time = Math.Max(_time, command.Time);
        _level = Math.Max(_level, command.Level);
        var body = new JuteWriter(64);
        bool was = _sessions.ContainsKey(command.SessionId);
        CoordErrorCode code = command.Kind switch
        {
            CommandKind.Request => Request(command, body),
            CommandKind.CreateSession => CreateSession(command),
            CommandKind.AttachSession => AttachSession(command),
            _ => ExpireSession(command),
        };
        byte[] reply = code == CoordErrorCode.Ok ? body.Written.ToArray() : [];
        long number = NumberOf(command, out OpCode op, out ReadOnlySpan<byte> write);
        ulong hash = HashOf(op, write);
        _results.Add(new ModelResult(command.SessionId, number, hash, code, reply));
        // A multi that was taken back succeeds as a request; its answer begins with an error, all ones.
        bool done = code == CoordErrorCode.Ok && !(op == OpCode.Multi && reply[0] == 0xFF)
            && (number == 0 || IndexOf(command.SessionId, number) == index);
        if (command.Kind == CommandKind.Request && done)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_requests, (command.SessionId, hash), out _) ??= new();
            _requests[(command.SessionId, hash)].Enqueue(index);
        }

        return was && !_sessions.ContainsKey(command.SessionId) ? command.SessionId : 0;
    }

    /// <summary>Tells requests apart.</summary>
    public static ulong HashOf(OpCode op, ReadOnlySpan<byte> body)
    {
        ulong h = 0xCBF29CE484222325 ^ (ulong)(uint)(int)op;
        foreach (byte b in body)
        {
            h = (h ^ b) * 0x100000001B3;
        }

        return h;
    }

    private void Advance(long index)
    {
        Invariant.Check(index == _index + 1);
        _index = index;
    }

    private CoordErrorCode CreateSession(in Command command)
    {
        if (_sessions.ContainsKey(command.SessionId))
        {
            return CoordErrorCode.NodeExists;
        }

        _sessions.Add(command.SessionId, new ModelSession(command.SessionId, command.PasswordHash.ToArray()));
        if (_ended.Remove(command.SessionId))
        {
            ForgetNumbers(command.SessionId);
        }

        return CoordErrorCode.Ok;
    }

    private CoordErrorCode AttachSession(in Command command)
    {
        if (!_sessions.TryGetValue(command.SessionId, out ModelSession? session)
            || !command.PasswordHash.SequenceEqual(session.PasswordHash))
        {
            return CoordErrorCode.SessionExpired;
        }

        session.Generation++;
        session.Position = 0;
        return CoordErrorCode.Ok;
    }

    private CoordErrorCode ExpireSession(in Command command)
    {
        if (!_sessions.TryGetValue(command.SessionId, out ModelSession? session))
        {
            return CoordErrorCode.SessionExpired;
        }

        if (session.Generation != command.Generation)
        {
            return CoordErrorCode.SessionMoved;
        }

        End(session);
        return CoordErrorCode.Ok;
    }

    private void End(ModelSession session)
    {
        foreach (string path in session.Ephemerals.ToArray())
        {
            Remove(NodeAt(path, _index)!);
        }

        _sessions.Remove(session.Id);
        _ended.Add(session.Id);
    }

    private void Put(string path, ModelNode? node)
    {
        if (!_paths.TryGetValue(path, out List<ModelStep>? steps))
        {
            _paths.Add(path, steps = []);
        }

        _undo?.Add((path, steps.Count));
        steps.Add(new ModelStep(_index, node));
    }

    private void Changed(WatchEventType type, string path) => _changes.Add(new ModelChange(_index, type, path));

    private ModelNode? Find(string path) =>
        _paths.TryGetValue(path, out List<ModelStep>? steps) && steps.Count > 0 ? steps[^1].Node : null;

    private static string ParentOf(string path)
    {
        int slash = path.LastIndexOf('/');
        return slash <= 0 ? "/" : path[..slash];
    }

    private static string Text(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8);

    private static string Numbered(string path, int number) =>
        path + number.ToString("D10", CultureInfo.InvariantCulture);
}
