using System.Runtime.CompilerServices;
using Orleans.Coord.Grains.Placement;
using Orleans.Coord.Jute;
using Orleans.GrainDirectory;
using Orleans.Placement;

namespace Orleans.Coord.Grains.Sessions;

/// <summary>Carries one connection's frames between Orleans and the silo's replica.</summary>
[PreferLocalPlacement]
[GrainDirectory(EchoDirectory.Name)]
[CollectionAgeLimit(Minutes = 2)]
internal sealed class SessionGrain : IGrainBase, ISessionGrain
{
    // Shows the reader that the stream lives; Orleans drops one that nobody has asked for half a minute.
    private static readonly TimeSpan _keepAlive = TimeSpan.FromSeconds(10);

    private readonly int _maxFrameBytes;
    private readonly OutputLog _output = new();
    private readonly ReplicaConnection _connection;
    private long _taken;

    public SessionGrain(IGrainContext context, LocalReplicas replicas)
    {
        GrainContext = context;
        _maxFrameBytes = replicas.MaxFrameBytes;
        _connection = new ReplicaConnection(replicas.Own, _output);
    }

    public IGrainContext GrainContext { get; }

    public Task SendAsync(long number, long received, byte[] frames)
    {
        if (number <= _taken)
        {
            return Task.CompletedTask;
        }

        if (number != _taken + 1 || _connection.IsClosed)
        {
            throw new ReplicaRefusedException(_connection.IsClosed
                ? "The connection is closed."
                : $"Batch {number} does not follow batch {_taken}: the connection is not here. Make another one.");
        }

        FrameScan scan = FrameDecoder.Scan(frames, FrameDecoder.MinRequestBytes, _maxFrameBytes);
        if (scan.Frames == 0 || scan.Bytes != frames.Length)
        {
            throw new ReplicaRefusedException(
                $"A batch of {frames.Length} bytes is not whole frames of {FrameDecoder.MinRequestBytes} to "
                + $"{_maxFrameBytes - 1} bytes.");
        }

        _output.Forget(received);
        ReadOnlyMemory<byte> requests = number == 1 ? Connect(frames) : frames;
        _taken = number;
        return requests.IsEmpty ? Task.CompletedTask : _connection.PostAsync(requests);
    }

    public async IAsyncEnumerable<SessionOutput> ReceiveAsync(
        long after, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        while (true)
        {
            (SessionOutput[] outputs, bool ended, Task changed) = _output.ReadAfter(after)
                ?? throw new ReplicaRefusedException($"Output {after} is not here. Make another connection.");
            foreach (SessionOutput next in outputs)
            {
                after = next.Number;
                yield return next;
            }

            if (ended)
            {
                yield break;
            }

            if (outputs.Length == 0)
            {
                await Task.WhenAny(changed, Task.Delay(_keepAlive, cancellation));
                cancellation.ThrowIfCancellationRequested();
                if (!changed.IsCompleted)
                {
                    yield return new SessionOutput(after, []);
                }
            }
        }
    }

    public Task CloseAsync()
    {
        this.DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public Task OnDeactivateAsync(DeactivationReason reason, CancellationToken token)
    {
        _connection.Disconnect();
        _output.End();
        return Task.CompletedTask;
    }

    // Returns the frames that follow the connect request.
    private ReadOnlyMemory<byte> Connect(byte[] frames)
    {
        int length = new JuteReader(frames).ReadInt();
        ConnectRequest request = ConnectRequest.TryRead(frames.AsSpan(FrameDecoder.PrefixBytes, length))
            ?? throw new ReplicaRefusedException("The first frame is no connect request.");
        _connection.Connect(request);
        return frames.AsMemory(FrameDecoder.PrefixBytes + length);
    }
}
