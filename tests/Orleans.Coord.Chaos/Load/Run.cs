using System.Collections.Concurrent;
using System.Diagnostics;
using Orleans.Coord.Client;

namespace Orleans.Coord.Chaos.Load;

/// <summary>What the loads of one run share: the servers, the seed, the clock and the end.</summary>
internal sealed class Run(string connectionString, ulong seed, CancellationToken stop)
{
    /// <summary>Requested by every session; faults last longer than that, too.</summary>
    public static readonly TimeSpan SessionTimeout = TimeSpan.FromSeconds(6);

    private readonly ConcurrentQueue<string> _violations = new();

    /// <summary>Cancelled when no further operation is to begin.</summary>
    public CancellationToken Stop { get; } = stop;

    /// <summary>Promises found broken so far.</summary>
    public IReadOnlyCollection<string> Violations => _violations;

    /// <summary>Ticks of one clock for all loads: each host's view of time does not matter here.</summary>
    public static long Now => Stopwatch.GetTimestamp();

    /// <summary>A generator of its own for one actor.</summary>
    public SplitMix64 Choices(int actor) => new(seed * 1000 + (ulong)actor);

    /// <summary>Notes a broken promise.</summary>
    public void Report(string violation) => _violations.Enqueue(violation);

    /// <summary>A client that is not connected yet: it looks for a server by itself.</summary>
    public CoordClient Client() => new(new CoordClientOptions
    {
        ConnectionString = connectionString,
        SessionTimeout = SessionTimeout,
        ConnectTimeout = TimeSpan.FromSeconds(1),
        MaxReconnectDelay = TimeSpan.FromMilliseconds(500),
    });

    /// <summary>
    /// Runs an actor's life again and again until the stop, each time with a new session: sessions are lost when
    /// faults outlast them.
    /// </summary>
    public async Task LiveAsync(Func<CoordClient, Task> life)
    {
        while (!Stop.IsCancellationRequested)
        {
            await using CoordClient client = Client();
            try
            {
                await life(client);
            }
            catch (Exception e) when (IsOrdinary(e))
            {
                await Task.Delay(50, CancellationToken.None);
            }
        }
    }

    /// <summary>Errors that faults explain: nothing was promised about such an operation.</summary>
    public bool IsOrdinary(Exception e) => e switch
    {
        SessionLostException or ObjectDisposedException => true,
        OperationCanceledException => Stop.IsCancellationRequested,
        // A read under which eight connections have died is given up, too.
        CoordException { Code: CoordErrorCode.SystemError or CoordErrorCode.ConnectionLoss } => true,
        _ => false,
    };
}
