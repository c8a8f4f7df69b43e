using System.Globalization;
using System.Text;
using Orleans.Coord.Client;

namespace Orleans.Coord.Chaos.Load;

/// <summary>
/// One actor counts in a znode, the others watch it: what a watcher sees never goes back, is never older than the
/// event that told of it, and ends with the last value.
/// </summary>
internal sealed class WatchLoad(Run run) : ILoad
{
    private const string Counter = "/chaos/counter";

    private long _written;
    private int _seen;

    public string Summary => $"{_seen} watch events";

    public Task PrepareAsync(CoordClient client) => client.TryCreateAsync(Counter, "0"u8.ToArray());

    public Task RunAsync(int actor) => actor % 2 == 0 ? CountAsync() : WatchAsync(actor);

    public async Task FinishAsync(CoordClient client)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await using CoordClient watcher = run.Client();
        Task<long> last = SeeAsync(watcher, long.MaxValue, patience.Token);

        // A watcher on another connection learns of the very last write, or a watch was lost.
        await client.SetAsync(Counter, "-1"u8.ToArray(), cancellation: patience.Token);
        try
        {
            await last;
        }
        catch (OperationCanceledException)
        {
            run.Report($"{Counter}: a watcher never saw the last write");
        }
    }

    private Task CountAsync() => run.LiveAsync(async client =>
    {
        while (!run.Stop.IsCancellationRequested)
        {
            long next = Interlocked.Increment(ref _written);
            await client.SetAsync(Counter, Encoding.ASCII.GetBytes(next.ToString(CultureInfo.InvariantCulture)));
            await Task.Delay(10, CancellationToken.None);
        }
    });

    private Task WatchAsync(int actor) => run.LiveAsync(async client =>
    {
        long zxid = 0;
        await foreach (WatchEvent what in client.WatchAsync(Counter, cancellation: run.Stop))
        {
            ZnodeData now = await client.GetAsync(Counter, run.Stop);
            Interlocked.Increment(ref _seen);
            if (what.Zxid > now.Stat.Mzxid)
            {
                run.Report($"{Counter}: watcher {actor} was told of 0x{what.Zxid:x} and read 0x{now.Stat.Mzxid:x}");
            }

            if (now.Stat.Mzxid < zxid)
            {
                run.Report($"{Counter}: watcher {actor} went back from 0x{zxid:x} to 0x{now.Stat.Mzxid:x}");
            }

            zxid = now.Stat.Mzxid;
        }
    });

    private static async Task<long> SeeAsync(CoordClient client, long until, CancellationToken patience)
    {
        await foreach (ZnodeData? now in client.WatchDataAsync(Counter, patience))
        {
            if (now is not null && Encoding.ASCII.GetString(now.Data.Span) == "-1")
            {
                return now.Stat.Mzxid;
            }
        }

        return until;
    }
}
