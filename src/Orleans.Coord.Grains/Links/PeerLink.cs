using Microsoft.Extensions.Logging;
using Orleans.Coord.Grains.Placement;
using Orleans.Coord.Jute;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Grains.Links;

/// <summary>
/// The way to one other member: one grain call at a time, which takes all that was queued during the one before. So
/// envelopes arrive in their order, calls carry batches under load, and a link that fails is noticed by its call.
/// </summary>
internal sealed class PeerLink(
    (ReplicaId Id, ReplicaData Data) self,
    ReplicaId peer,
    IGrainFactory grains,
    ReplicaSilos silos,
    IPeerObserver observer,
    ILogger logger)
    : IThreadPoolWorkItem
{
    // Raft's own windows keep far below it.
    private const int MaxQueuedBytes = 32 << 20;
    private const int KeptBufferBytes = 256 << 10;
    private static readonly TimeSpan _retryDelay = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly JuteWriter _turn = new();
    private readonly JuteWriter _pending = new();
    private IReplicaGrain? _grain;
    private long _grainKey;
    private bool _sending;
    private bool _stopped;
    private bool _broken;

    /// <summary>Queues an envelope, in the turn; drops it where the queue is full.</summary>
    public void Send(ReadOnlySpan<byte> envelope)
    {
        if (_turn.Length + envelope.Length <= MaxQueuedBytes)
        {
            _turn.WriteBuffer(envelope);
        }
    }

    /// <summary>The turn is over: what it queued goes out.</summary>
    public void Flush()
    {
        if (_turn.Length == 0)
        {
            return;
        }

        lock (_lock)
        {
            if (!_stopped && _pending.Length + _turn.Length <= MaxQueuedBytes)
            {
                _pending.WriteRaw(_turn.Written);
            }

            _turn.Clear(KeptBufferBytes);
            if (_sending || _pending.Length == 0)
            {
                return;
            }

            _sending = true;
        }

        // A grain call costs too much for the replica's turn, and must not run in the turn of the grain, if any, whose
        // thread this is.
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
    }

    /// <summary>Drops what is queued, now and from now on.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopped = true;
            _pending.Clear();
        }
    }

    void IThreadPoolWorkItem.Execute() => _ = SendQueuedAsync();

    private async Task SendQueuedAsync()
    {
        while (TakeQueued() is { } batch)
        {
            try
            {
                // Asked first, as Orleans would log each call that nobody takes, or hold it for a frozen silo.
                long key = silos.KeyOf(peer) ?? throw new SiloUnavailableException("no active silo runs it");
                await GrainOf(key).ReceiveAsync(self.Id.Value, self.Data.Incarnation, self.Data.Generation, batch);
                Up();
            }
#pragma warning disable CA1031 // Whatever the call met: the envelopes are lost, and the link is tried again.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Down(exception);
                await Task.Delay(_retryDelay);
            }
        }
    }

    private IReplicaGrain GrainOf(long key)
    {
        if (_grain is null || _grainKey != key)
        {
            (_grain, _grainKey) = (grains.GetGrain<IReplicaGrain>(key), key);
        }

        return _grain;
    }

    private byte[]? TakeQueued()
    {
        lock (_lock)
        {
            if (_pending.Length == 0)
            {
                _sending = false;
                return null;
            }

            byte[] batch = _pending.Written.ToArray();
            _pending.Clear(KeptBufferBytes);
            return batch;
        }
    }

    private void Up()
    {
        if (_broken)
        {
            _broken = false;
            LinkLog.Up(logger, peer);
        }
    }

    private void Down(Exception exception)
    {
        lock (_lock)
        {
            _pending.Clear();
            if (_stopped)
            {
                return;
            }
        }

        if (!_broken)
        {
            _broken = true;
            LinkLog.Down(logger, peer, exception.Message);
        }

        observer.Unreachable(peer);
    }
}
