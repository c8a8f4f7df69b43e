using System.Globalization;
using Orleans.Coord.Client;
using Orleans.Coord.Recipes;

namespace Orleans.Coord.Chaos.Load;

/// <summary>
/// Sessions contend for one lock. Two never hold it at once, by the clock: a starved machine may cancel the lost token
/// late. Fencing tokens rise, and a guarded write of one who has lost it is refused.
/// </summary>
internal sealed class LockLoad(Run run) : ILoad
{
    private const string Path = "/chaos/lock";
    private const string Guarded = "/chaos/guarded";

    private readonly Lock _gate = new();
    private CoordHandle? _holder;
    private long _newestToken;
    private int _grants;

    public string Summary => $"{_grants} lock grants";

    public Task PrepareAsync(CoordClient client) => client.TryCreateAsync(Guarded, "0"u8.ToArray());

    public async Task RunAsync(int actor)
    {
        SplitMix64 choices = run.Choices(actor);
        await run.LiveAsync(async client =>
        {
            var mutex = new CoordLock(client, Path);
            while (!run.Stop.IsCancellationRequested)
            {
                await using CoordHandle handle = await mutex.AcquireAsync(cancellation: run.Stop);
                CancellationToken lost = handle.HandleLostToken;
                Enter(handle);
                try
                {
                    await WriteGuardedAsync(client, handle);
                    await Task.Delay(choices.Below(100), lost);
                }
                catch (OperationCanceledException)
                {
                    // Lost: the work is over at once.
                }
                finally
                {
                    Leave(handle);
                }
            }
        });
    }

    public Task FinishAsync(CoordClient client) => Task.CompletedTask;

    // Every holder leaves its token; the next one must not find a greater one than its own.
    private async Task WriteGuardedAsync(CoordClient client, CoordHandle handle)
    {
        ZnodeData before = await client.GetAsync(Guarded);
        long token = long.Parse(before.Data.Span, CultureInfo.InvariantCulture);
        byte[] own = System.Text.Encoding.ASCII.GetBytes(
            handle.FencingToken.ToString(CultureInfo.InvariantCulture));
        try
        {
            await handle.GuardedTransaction().Set(Guarded, own, before.Stat.Version).CommitAsync();
        }
        catch (TransactionFailedException)
        {
            // Lost meanwhile, and the write was refused: that is what the guard is for.
            return;
        }

        if (token > handle.FencingToken)
        {
            run.Report($"{Path}: token {handle.FencingToken} wrote after token {token}");
        }
    }

    private void Enter(CoordHandle handle)
    {
        lock (_gate)
        {
            if (!handle.IsHeld)
            {
                // Granted and lost before we came here: nothing was promised.
                return;
            }

            if (_holder is { IsHeld: true } other)
            {
                run.Report($"{Path}: granted to {handle.Path} while {other.Path} holds it");
            }

            if (handle.FencingToken <= _newestToken)
            {
                run.Report($"{Path}: token {handle.FencingToken} came after {_newestToken}");
            }

            _newestToken = handle.FencingToken;
            _holder = handle;
            _grants++;
        }
    }

    private void Leave(CoordHandle handle)
    {
        lock (_gate)
        {
            if (ReferenceEquals(_holder, handle))
            {
                _holder = null;
            }
        }
    }
}
