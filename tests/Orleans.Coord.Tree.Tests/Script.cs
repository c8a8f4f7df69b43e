using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree.Tests;

/// <summary>A seeded stream of commands over few paths and sessions, so that they collide often.</summary>
internal sealed class Script(ulong seed, bool withQuotas = false)
{
    private static readonly string[] QuotaPaths =
    [
        "/zookeeper/quota/a", "/zookeeper/quota/a/zookeeper_limits", "/zookeeper/quota/a/zookeeper_stats",
        "/zookeeper/quota/a/b", "/zookeeper/quota/a/b/zookeeper_limits", "/zookeeper/quota/a/b/zookeeper_stats",
    ];

    private static readonly string[] Names = ["a", "b", "c", "q"];

    private static readonly OpCode[] Creates =
        [OpCode.Create, OpCode.Create2, OpCode.CreateContainer, OpCode.CreateTtl];

    private readonly SplitMix64 _random = new(seed);
    private long _number = 1;

    /// <summary>Options that every command carries.</summary>
    public CommandOptions Always { get; init; }

    /// <summary>Whether sessions number some of their writes, and send some of those twice.</summary>
    public bool WithNumbers { get; init; }

    public int Below(int exclusive) => _random.Below(exclusive);

    /// <summary>Applies one random command through the harness.</summary>
    public void Step(Harness grid)
    {
        grid.Time += Below(5) - 1;
        grid.Options = Below(2) == 0 ? CommandOptions.None : CommandOptions.ExtendedTypesAllowed;
        grid.Options |= Always;
        if (withQuotas)
        {
            grid.Options |= Below(3) > 0 ? CommandOptions.EnforceQuota : CommandOptions.None;
        }

        long session = Below(5);
        switch (Below(12))
        {
            case 0:
                grid.Open(1 + Below(4));
                break;
            case 1:
                grid.Attach(1 + Below(4));
                break;
            case 2:
                grid.Expire(1 + Below(4), 1 + Below(3));
                break;
            case 3:
                grid.Write(OpCode.CloseSession, [], session);
                break;
            case 4:
                (OpCode, byte[])[] operations = new (OpCode, byte[])[Below(5)];
                for (int i = 0; i < operations.Length; i++)
                {
                    operations[i] = Write(allowAll: false);
                }

                grid.Write(OpCode.Multi, Body.Multi(operations), session);
                break;
            default:
                (OpCode op, byte[] body) = Write(allowAll: true);
                if (WithNumbers && Below(2) == 0)
                {
                    _number = Math.Max(1, _number + Below(4) - 1);
                    long lowest = Math.Max(1, _number - Below(6));
                    (op, body) = (OpCode.Numbered, NumberedWriteTests.Wrap(_number, lowest, op, body));
                }

                grid.Write(op, body, session);
                break;
        }
    }

    public string Path()
    {
        if (withQuotas && Below(3) == 0)
        {
            return QuotaPaths[Below(QuotaPaths.Length)];
        }

        int depth = 1 + Below(3);
        string path = "";
        for (int i = 0; i < depth; i++)
        {
            path += "/" + Names[Below(Names.Length)];
        }

        return path;
    }

    private (OpCode Op, byte[] Body) Write(bool allowAll)
    {
        int version = Below(3) - 1;
        byte[]? data = Below(5) == 0 ? null : new byte[Below(40)];
        if (withQuotas && Below(2) == 0)
        {
            data = Harness.Bytes($"count={Below(4) - 1},bytes=9=;byteHardLimit={Below(60)};countHardLimit={Below(6)}");
        }

        switch (Below(allowAll ? 10 : 8))
        {
            case 0 or 1 or 2:
                OpCode create = Creates[Below(Creates.Length)];
                int flags = Below(8);
                return create == OpCode.CreateTtl
                    ? (create, Body.CreateTtl(Path(), data, 5, 1 + Below(4)))
                    : (create, Body.Create(Path(), data, flags, RandomAcl()));
            case 3 or 4:
                return (OpCode.Delete, Body.PathInt(Path(), version));
            case 5 or 6:
                return (OpCode.SetData, Body.SetData(Path(), data, version));
            case 7:
                return (OpCode.Check, Body.PathInt(Path(), version));
            case 8:
                return (OpCode.SetAcl, Body.SetAcl(Path(), version, RandomAcl()));
            default:
                return (OpCode.DeleteContainer, Body.Path(Path()));
        }
    }

    private Acl[] RandomAcl() => Below(6) switch
    {
        0 => [Acl.ReadOnly, new Acl(Permissions.All, "ip", "127.0.0.0/8")],
        1 => [new Acl(Permissions.All & ~Permissions.Delete, "world", "anyone")],
        2 => [new Acl(Permissions.All, "digest", "nobody:x"), Acl.Open],
        _ => [Acl.Open],
    };
}
