using System.Net.Sockets;
using System.Text;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.SiloHost.Import;

/// <summary>
/// Reads a live ZooKeeper's persistent znodes over its protocol. It is read again and again, only what has changed
/// the second time, until nothing has: then what was read is what was there at one moment.
/// </summary>
internal sealed class LiveZooKeeper
{
    private const int TimeoutMs = 30_000;
    private const int Window = 256;
    private const int MaxPasses = 5;
    private const int MaxNamed = 5;

    private readonly ZooKeeperConnection _connection;
    private readonly Spool _spool;
    private readonly ProgressBar _progress;
    private readonly TreeImport _tree;
    private readonly Dictionary<string, Stat> _known;
    private readonly Queue<string> _waiting = new();
    private readonly Queue<(string Path, OpCode Op)> _sent = new();
    private readonly HashSet<string> _seen = [];
    private readonly List<string> _unreadable = [];
    private readonly Dictionary<string, (Stat Stat, byte[]? Data)> _halves = [];
    private long _changed;

    private LiveZooKeeper(
        ZooKeeperConnection connection, Spool spool, ProgressBar progress, TreeImport tree,
        Dictionary<string, Stat> known)
    {
        _connection = connection;
        _spool = spool;
        _progress = progress;
        _tree = tree;
        _known = known;
    }

    /// <summary>Reads it.</summary>
    /// <param name="source"><c>host:port</c>.</param>
    /// <param name="auth">Credentials, <c>scheme:credentials</c> each.</param>
    /// <param name="spoolFile">Where to keep what was read, for another try.</param>
    /// <param name="progress">Shown to the operator.</param>
    /// <exception cref="StartupException">It cannot be read, or does not stand still.</exception>
    public static TreeImport Read(string source, IEnumerable<string> auth, string spoolFile, ProgressBar progress)
    {
        if (!ZooKeeperConnection.TryParse(source, out string host, out ushort port))
        {
            throw new StartupException($"--from {source} must be HOST:PORT.");
        }

        var tree = new TreeImport();
        var known = new Dictionary<string, Stat>();
        using Spool spool = Spool.Open(spoolFile, (path, znode) =>
        {
            tree.Put(Encoding.UTF8.GetBytes(path), znode);
            known[path] = znode.Stat;
        });
        progress.Total = CountZnodes(ZooKeeperConnection.Ask(host, port, "srvr", TimeoutMs));
        if (known.Count > 0)
        {
            progress.Say($"{known.Count} znodes were read before; going on");
        }

        using ZooKeeperConnection connection = Open(host, port);
        foreach (string pair in auth)
        {
            int split = pair.IndexOf(':', StringComparison.Ordinal);
            string scheme = pair[..Math.Max(0, split)];
            if (connection.Authenticate(scheme, pair[(split + 1)..]) != CoordErrorCode.Ok)
            {
                throw new StartupException($"ZooKeeper does not accept the credentials of the scheme {scheme}.");
            }
        }

        new LiveZooKeeper(connection, spool, progress, tree, known).ReadAll();
        tree.Note(connection.LastZxid, 0);
        return tree;
    }

    private static ZooKeeperConnection Open(string host, int port)
    {
        try
        {
            return ZooKeeperConnection.Open(host, port, TimeoutMs);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            throw new StartupException($"ZooKeeper at {host}:{port} does not answer: {e.Message}", e);
        }
    }

    // How many znodes the server has, by its own word; 0 if it does not tell.
    private static long CountZnodes(string? answer)
    {
        const string Key = "Node count: ";
        string? line = answer?.Split('\n').FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal));
        return line is not null && long.TryParse(line[Key.Length..], out long count) ? count : 0;
    }

    private void ReadAll()
    {
        for (int pass = 1; pass <= MaxPasses; pass++)
        {
            _changed = 0;
            _seen.Clear();
            Walk();
            RemoveVanished();
            _progress.Say(pass == 1
                ? $"read {_tree.Count} znodes; reading again what has changed meanwhile"
                : $"pass {pass}: {_changed} znodes had changed");
            if (pass > 1 && _changed == 0)
            {
                return;
            }
        }

        throw new StartupException(
            "The source does not stop changing. Stop its writers and start again: what was read is kept.");
    }

    private void Walk()
    {
        _waiting.Enqueue("/");
        while (_waiting.Count > 0 || _sent.Count > 0)
        {
            while (_sent.Count < Window && _waiting.TryDequeue(out string? next))
            {
                Ask(next, OpCode.GetChildren2);
            }

            (string path, OpCode op) = _sent.Dequeue();
            CoordErrorCode code = _connection.Receive(out byte[] body);
            if (code == CoordErrorCode.Ok)
            {
                Take(path, op, body);
            }
            else if (code == CoordErrorCode.NoAuth)
            {
                _unreadable.Add(path);
            }
            else if (code != CoordErrorCode.NoNode)
            {
                throw new StartupException($"ZooKeeper answers {code} for {path}.");
            }
        }

        if (_unreadable.Count > 0)
        {
            throw new StartupException(
                $"{_unreadable.Count} znodes may not be read, "
                + $"{string.Join(", ", _unreadable.Take(MaxNamed))} among them; "
                + "give credentials that may, such as --auth digest:super:PASSWORD.");
        }
    }

    private void Ask(string path, OpCode op)
    {
        _connection.Send(op, body =>
        {
            body.WriteString(path);
            if (op != OpCode.GetAcl)
            {
                body.WriteBool(false);
            }
        });
        _sent.Enqueue((path, op));
    }

    private void Take(string path, OpCode op, byte[] body)
    {
        var reader = new JuteReader(body);
        switch (op)
        {
            case OpCode.GetChildren2:
                TakeChildren(path, ref reader);
                break;
            case OpCode.GetData:
                ReadOnlySpan<byte> data = reader.ReadBuffer(out bool isNull);
                byte[]? content = isNull ? null : data.ToArray();
                _halves[path] = (reader.ReadStat(), content);
                break;
            default:
                Invariant.Check(op == OpCode.GetAcl);
                TakeAcl(path, body);
                break;
        }
    }

    private void TakeChildren(string path, ref JuteReader reader)
    {
        var children = new List<string>();
        for (int count = reader.ReadInt(); count > 0; count--)
        {
            children.Add(Encoding.UTF8.GetString(reader.ReadString()));
        }

        Stat stat = reader.ReadStat();
        if (stat.EphemeralOwner != 0 || ZooKeeperSnapshot.Skipped(Encoding.UTF8.GetBytes(path)))
        {
            return;
        }

        _seen.Add(path);
        _progress.Show(_seen.Count);
        bool isSame = _known.TryGetValue(path, out Stat before)
            && (before.Mzxid, before.Aversion, before.Cversion) == (stat.Mzxid, stat.Aversion, stat.Cversion);
        if (!isSame)
        {
            _changed++;
            Ask(path, OpCode.GetData);
            Ask(path, OpCode.GetAcl);
        }

        foreach (string child in children)
        {
            _waiting.Enqueue(path == "/" ? "/" + child : path + "/" + child);
        }
    }

    private void TakeAcl(string path, byte[] body)
    {
        if (!_halves.Remove(path, out (Stat Stat, byte[]? Data) half))
        {
            return;
        }

        // The list, then a stat.
        const int StatBytes = 68;
        var znode = new ImportedZnode
        {
            Data = half.Data,
            Acl = body[..^StatBytes],
            Stat = half.Stat,
            CreatedChildren = (half.Stat.Cversion + half.Stat.NumChildren) / 2,
        };
        if (!_tree.Put(Encoding.UTF8.GetBytes(path), znode))
        {
            throw new StartupException($"Znode {path} cannot be kept here: its path or its list is not valid.");
        }

        _known[path] = half.Stat;
        _spool.Add(path, znode);
    }

    private void RemoveVanished()
    {
        // Children before their parents.
        IEnumerable<string> gone = _known.Keys.Where(path => !_seen.Contains(path));
        string[] vanished = [.. gone.OrderByDescending(path => path.Length)];
        foreach (string path in vanished)
        {
            _known.Remove(path);
            _changed++;
            _tree.Remove(Encoding.UTF8.GetBytes(path));
        }
    }
}
