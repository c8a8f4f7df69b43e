using System.Collections.Concurrent;
using System.Diagnostics;
using Orleans.Coord.Client;

namespace Orleans.Coord.Chaos.Load;

/// <summary>
/// Sessions come and go, each with an ephemeral znode: it is there as long as its session, and not longer.
/// </summary>
internal sealed class EphemeralLoad(Run run) : ILoad
{
    private const string Parent = "/chaos/ephemerals";

    private readonly ConcurrentDictionary<string, Life> _lives = new();
    private int _looks;

    public string Summary => $"{_lives.Count} ephemerals, looked at {_looks} times";

    public Task PrepareAsync(CoordClient client) => client.EnsurePathAsync(Parent);

    public async Task RunAsync(int actor)
    {
        SplitMix64 choices = run.Choices(actor);
        int number = 0;
        await run.LiveAsync(async client =>
        {
            string name = $"{actor}-{number++}";
            var life = new Life();
            _lives[name] = life;
            await client.CreateAsync($"{Parent}/{name}", mode: CreateMode.Ephemeral);
            life.Client = client;
            life.Since = Run.Now;
            await LookAroundAsync(client, choices.Below(40));
            life.Until = Run.Now;
            if (choices.Below(2) == 0)
            {
                await client.DeleteAsync($"{Parent}/{name}");
                life.GoneSince = Run.Now;
            }

            // Otherwise the session's end takes it along. A goodbye may go unheard, so that can be its time-out later.
        });
    }

    public async Task FinishAsync(CoordClient client)
    {
        // Every session of ours has ended or been lost. The last of them expires within its time-out, unless a starved
        // machine makes a leader late or has another one chosen: each gives all sessions their full time anew.
        IReadOnlyList<string> left = await ListAsync(client);
        for (long begun = Run.Now; left.Count > 0 && Stopwatch.GetElapsedTime(begun) < Run.SessionTimeout * 10;)
        {
            await Task.Delay(500, CancellationToken.None);
            left = await ListAsync(client);
        }

        if (left.Count > 0)
        {
            run.Report($"{Parent}: outlived their sessions: {string.Join(", ", left.Take(5))}");
        }
    }

    private static async Task<IReadOnlyList<string>> ListAsync(CoordClient client)
    {
        Task sync = client.SyncAsync(Parent);
        Task<ZnodeChildren> list = client.GetChildrenAsync(Parent);
        await Task.WhenAll(sync, list);
        return (await list).Names;
    }

    private async Task LookAroundAsync(CoordClient client, int times)
    {
        for (int i = 0; i < times && !run.Stop.IsCancellationRequested; i++)
        {
            long begun = Run.Now;
            HashSet<string> present = [.. await ListAsync(client)];
            Compare(present, begun, Run.Now);
            Interlocked.Increment(ref _looks);
            await Task.Delay(50, CancellationToken.None);
        }
    }

    private void Compare(HashSet<string> present, long begun, long ended)
    {
        foreach ((string name, Life life) in _lives)
        {
            // The order matters: a life that ends while we look is judged by what held during the whole look.
            bool wasThere = life.Since < begun && life.Until > ended;
            if (wasThere && !life.IsOver && !present.Contains(name))
            {
                run.Report($"{Parent}/{name}: absent although its session lives");
            }
            else if (life.GoneSince < begun && present.Contains(name))
            {
                run.Report($"{Parent}/{name}: present although it was given up");
            }
        }
    }

    /// <summary>When an ephemeral must be there (from since to until) and when it must not (from gone on).</summary>
    private sealed class Life
    {
        private long _since = long.MaxValue;
        private long _until = long.MaxValue;
        private long _goneSince = long.MaxValue;

        public CoordClient? Client { get; set; }

        /// <summary>Whether its session has ended, by the clock.</summary>
        public bool IsOver => Client!.State is SessionState.Expired or SessionState.Closed;

        public long Since { get => Volatile.Read(ref _since); set => Volatile.Write(ref _since, value); }

        public long Until { get => Volatile.Read(ref _until); set => Volatile.Write(ref _until, value); }

        public long GoneSince { get => Volatile.Read(ref _goneSince); set => Volatile.Write(ref _goneSince, value); }
    }
}
