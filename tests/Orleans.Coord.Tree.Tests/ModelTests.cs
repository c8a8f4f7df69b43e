using System.Globalization;
using Orleans.Coord.Jute;
using static Orleans.Coord.CoordErrorCode;

namespace Orleans.Coord.Tree.Tests;

/// <summary>The tree against a dictionary of strings that does the same in the most obvious way.</summary>
public sealed class ModelTests
{
    private readonly Harness _grid = new();
    private readonly SortedDictionary<string, Entry> _model = new(StringComparer.Ordinal);

    [Theory]
    [InlineData(71)]
    [InlineData(72)]
    [InlineData(73)]
    public void Random_writes_and_reads_agree_with_a_dictionary(ulong seed)
    {
        foreach (string path in (string[])["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"])
        {
            _model[path] = new Entry("") { Aversion = path == "/zookeeper/config" ? -1 : 0 };
        }

        var script = new Script(seed);
        _grid.Open(1);
        for (int i = 0; i < 3_000; i++)
        {
            Step(script);
            Compare(script.Path());
        }

        foreach (string path in _model.Keys)
        {
            Compare(path);
        }

        Assert.Equal(_model.Count, _grid.Machine.ZnodeCount);
        Assert.Equal(_model.Sum(e => e.Key.Length + (e.Value.Data?.Length ?? 0)), _grid.Machine.ApproximateDataSize);
        Assert.Equal(_model.Values.Count(e => e.Owner != 0), _grid.Machine.EphemeralCount);
    }

    private static string ParentOf(string path)
    {
        int slash = path.LastIndexOf('/');
        return slash == 0 ? "/" : path[..slash];
    }

    private void Step(Script script)
    {
        _grid.Time++;
        string path = script.Path();
        long zxid = _grid.Machine.LastApplied + 1;
        string? data = script.Below(4) == 0 ? null : new string('x', script.Below(30));
        int version = script.Below(3) - 1;
        switch (script.Below(4))
        {
            case 0:
                Assert.Equal(Delete(path, version, zxid), _grid.Delete(path, version));
                break;
            case 1:
                Assert.Equal(SetData(path, data, version, zxid), _grid.SetData(path, data, version));
                break;
            default:
                int flags = script.Below(4);
                CoordErrorCode expected = Create(path, flags, data, zxid, out string created);
                Assert.Equal(expected, _grid.Create(path, flags, session: 1, data));
                if (expected == Ok)
                {
                    Assert.Equal(created, _grid.CreatedPath());
                }

                break;
        }
    }

    private CoordErrorCode Create(string path, int flags, string? data, long zxid, out string created)
    {
        created = path;
        if (!_model.TryGetValue(ParentOf(path), out Entry? parent))
        {
            return NoNode;
        }

        if ((flags & 2) != 0)
        {
            created += parent.Created.ToString("D10", CultureInfo.InvariantCulture);
        }

        if (_model.ContainsKey(created))
        {
            return NodeExists;
        }

        if (parent.Owner != 0)
        {
            return NoChildrenForEphemerals;
        }

        parent.Created++;
        parent.Pzxid = zxid;
        _model[created] = new Entry(data)
        {
            Owner = flags & 1,
            Czxid = zxid,
            Mzxid = zxid,
            Pzxid = zxid,
            Ctime = _grid.Time,
            Mtime = _grid.Time,
        };
        return Ok;
    }

    private CoordErrorCode Delete(string path, int version, long zxid)
    {
        if (!_model.TryGetValue(path, out Entry? entry))
        {
            return NoNode;
        }

        if (version != -1 && version != entry.Version)
        {
            return BadVersion;
        }

        if (Children(path).Length > 0)
        {
            return NotEmpty;
        }

        _model.Remove(path);
        _model[ParentOf(path)].Pzxid = zxid;
        return Ok;
    }

    private CoordErrorCode SetData(string path, string? data, int version, long zxid)
    {
        if (!_model.TryGetValue(path, out Entry? entry))
        {
            return NoNode;
        }

        if (version != -1 && version != entry.Version)
        {
            return BadVersion;
        }

        (entry.Data, entry.Mzxid, entry.Mtime) = (data, zxid, _grid.Time);
        entry.Version++;
        return Ok;
    }

    private void Compare(string path)
    {
        if (!_model.TryGetValue(path, out Entry? entry))
        {
            Assert.Equal(NoNode, _grid.Exists(path));
            return;
        }

        string[] children = Children(path);
        var stat = new Stat(
            entry.Czxid,
            entry.Mzxid,
            entry.Ctime,
            entry.Mtime,
            entry.Version,
            (entry.Created * 2) - children.Length,
            entry.Aversion,
            entry.Owner,
            entry.Data?.Length ?? 0,
            children.Length,
            entry.Pzxid);
        Assert.Equal(stat, _grid.Stat(path));
        Assert.Equal(entry.Data, _grid.Data(path));
        Assert.Equal(children, _grid.Children(path));
        string below = path == "/" ? path : path + "/";
        Assert.Equal(Ok, _grid.Read(OpCode.GetAllChildrenNumber, Body.Path(path)));
        Assert.Equal(
            _model.Keys.Count(p => p != "/" && p.StartsWith(below, StringComparison.Ordinal)),
            new JuteReader(_grid.Reply.Written).ReadInt());
    }

    private string[] Children(string path) =>
        [.. _model.Keys.Where(p => p != "/" && ParentOf(p) == path).Select(p => p[(p.LastIndexOf('/') + 1)..])];

    private sealed class Entry(string? data)
    {
        public string? Data { get; set; } = data;

        public long Owner { get; set; }

        public long Czxid { get; set; }

        public long Mzxid { get; set; }

        public long Pzxid { get; set; }

        public long Ctime { get; set; }

        public long Mtime { get; set; }

        public int Version { get; set; }

        public int Aversion { get; set; }

        public int Created { get; set; }
    }
}
