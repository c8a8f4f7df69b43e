using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree.Tests;

/// <summary>Nothing that a client, a log or a peer sends may throw.</summary>
public sealed class FuzzTests
{
    private static readonly OpCode[] Ops = Enum.GetValues<OpCode>();

    [Theory]
    [InlineData(31)]
    [InlineData(32)]
    public void Random_payloads_never_throw(ulong seed)
    {
        var random = new SplitMix64(seed);
        var machine = new CoordStateMachine();
        var result = new ApplyResult();
        for (int i = 0; i < 20_000; i++)
        {
            byte[] payload = Noise(random, random.Below(120));
            if (payload.Length > 0 && random.Below(2) == 0)
            {
                payload[0] = (byte)(1 + random.Below(4));
            }

            machine.Apply(i + 1, payload, result);
        }
    }

    [Theory]
    [InlineData(41)]
    [InlineData(42)]
    public void Requests_with_damaged_bodies_never_throw(ulong seed)
    {
        var random = new SplitMix64(seed);
        var script = new Script(seed);
        var grid = new Harness { Options = CommandOptions.ExtendedTypesAllowed };
        grid.AddWatch("/", 1, session: 9);
        var healthy = new Harness();
        for (int i = 0; i < 6_000; i++)
        {
            script.Step(healthy);
            byte[] payload = (byte[])healthy.Log[^1].Clone();
            for (int hits = random.Below(4); hits > 0; hits--)
            {
                payload[random.Below(payload.Length)] = (byte)random.Next();
            }

            grid.Apply(random.Below(4) == 0 ? payload[..random.Below(payload.Length)] : payload);
        }

        Assert.Equal(grid.Machine.Digest, grid.Replay().Digest);
        CoordStateMachine restored = CoordStateMachine.Restore(Harness.Finish(grid.Machine.BeginSnapshot()));
        Assert.Equal(grid.Machine.Digest, restored.Digest);
    }

    [Theory]
    [InlineData(51)]
    [InlineData(52)]
    public void Random_reads_and_watch_operations_never_throw(ulong seed)
    {
        var random = new SplitMix64(seed);
        var script = new Script(seed);
        var grid = new Harness();
        for (int i = 0; i < 500; i++)
        {
            script.Step(grid);
        }

        ulong digest = grid.Machine.Digest;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] body = random.Below(2) == 0
                ? Noise(random, random.Below(60))
                : Damage(random, Body.PathWatch(script.Path(), random.Below(2) == 0));
            OpCode op = Ops[random.Below(Ops.Length)];
            grid.Read(op, body, session: 1 + random.Below(3));
            grid.WatchOp(op, body, session: 1 + random.Below(3));
        }

        Assert.Equal(digest, grid.Machine.Digest);
    }

    [Fact]
    public void Random_snapshots_are_refused_and_nothing_else()
    {
        var random = new SplitMix64(61);
        var grid = new Harness();
        var script = new Script(61);
        for (int i = 0; i < 200; i++)
        {
            script.Step(grid);
        }

        byte[] whole = [.. Harness.Finish(grid.Machine.BeginSnapshot()).SelectMany(c => c.ToArray())];
        for (int i = 0; i < 3_000; i++)
        {
            byte[] bytes = i % 3 == 0 ? Noise(random, random.Below(200)) : Damage(random, whole);
            try
            {
                CoordStateMachine.Restore([bytes]);
            }
            catch (SnapshotFormatException e)
            {
                Assert.StartsWith("This is no usable snapshot", e.Message, StringComparison.Ordinal);
            }
            catch (FeatureLevelException e)
            {
                Assert.StartsWith("The snapshot is of feature level", e.Message, StringComparison.Ordinal);
            }
        }
    }

    private static byte[] Noise(SplitMix64 random, int length)
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
        {
            // Small numbers and slashes make lengths and paths that are nearly right.
            bytes[i] = random.Below(3) switch
            {
                0 => (byte)random.Next(),
                1 => (byte)random.Below(4),
                _ => (byte)'/',
            };
        }

        return bytes;
    }

    private static byte[] Damage(SplitMix64 random, byte[] bytes)
    {
        byte[] copy = (byte[])bytes.Clone();
        for (int hits = 1 + random.Below(3); hits > 0; hits--)
        {
            copy[random.Below(copy.Length)] = (byte)random.Next();
        }

        return random.Below(3) == 0 ? copy[..random.Below(copy.Length)] : copy;
    }
}
