using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Orleans.Coord.Gateway;
using Orleans.Coord.Replication;
using Orleans.Coord.Wal;

namespace Orleans.Coord.SiloHost.Standalone;

/// <summary>One silo without a cluster runtime: data directory, replica, mailbox and gateway, wired together.</summary>
internal sealed class StandaloneSilo : IAsyncDisposable
{
    private const int TickMs = 50;

    private readonly CoordSettings _settings;
    private readonly DataDirectory _directory;
    private readonly ReplicaPump _pump;
    private readonly Timer _ticker;
    private readonly GatewayServer _gateway;
    private readonly string _pidFile;
    private readonly TaskCompletionSource<Exception> _failure;

    private StandaloneSilo(
        CoordSettings settings, DataDirectory directory, ReplicaPump pump, GatewayServer gateway,
        TaskCompletionSource<Exception> failure, string pidFile)
    {
        _settings = settings;
        _directory = directory;
        _pump = pump;
        _gateway = gateway;
        _failure = failure;
        _pidFile = pidFile;
        _ticker = new Timer(_ => _pump.Tick(), null, TickMs, TickMs);
    }

    /// <summary>Where clients connect, once served.</summary>
    public IPEndPoint ClientEndPoint => _gateway.EndPoint;

    /// <summary>Completes when the replica has to stop by itself.</summary>
    public Task<Exception> Failure => _failure.Task;
}
