using System.Collections.Concurrent;
using System.Text;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Tcp.Tests;

/// <summary>Keeps what a transport brings.</summary>
internal sealed class FakeObserver : IPeerObserver
{
    private readonly ConcurrentQueue<(ReplicaId From, ReadOnlyMemory<byte> Envelope)> _received = new();
    private readonly int[] _unreachable = new int[256];

    /// <summary>Called for each envelope, where a test wants to misbehave or to count only.</summary>
    public Func<ReplicaId, ReadOnlyMemory<byte>, bool>? Intercept { get; set; }

    public int Count => _received.Count;

    public IReadOnlyList<(ReplicaId From, ReadOnlyMemory<byte> Envelope)> All => [.. _received];

    public string[] Texts => [.. _received.Select(r => $"{r.From}:{Encoding.UTF8.GetString(r.Envelope.Span)}")];

    public int UnreachableCount(byte peer) => Volatile.Read(ref _unreachable[peer]);

    public void Received(ReplicaId from, ReadOnlyMemory<byte> envelope)
    {
        if (Intercept?.Invoke(from, envelope) != true)
        {
            _received.Enqueue((from, envelope));
        }
    }

    public void Unreachable(ReplicaId peer) => Interlocked.Increment(ref _unreachable[peer.Value]);
}
