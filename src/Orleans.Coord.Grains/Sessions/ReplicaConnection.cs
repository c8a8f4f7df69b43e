using System.Net;
using Orleans.Coord.Jute;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Grains.Sessions;

/// <summary>
/// A client's connection to the silo's replica without a socket. Frames go in as the client sent them; what the
/// replica's turns write goes to an <see cref="IOutputSink"/>.
/// </summary>
internal sealed class ReplicaConnection(LocalReplica replica, IOutputSink output) : IClientConnection, ITurnOutput
{
    private const int KeptBufferBytes = 64 << 10;
    private const int MaxOutstandingBytes = 4 << 20;

    private readonly Lock _lock = new();
    private readonly JuteWriter _turn = new();
    private TaskCompletionSource? _room;
    private long _outstanding;
    private bool _flushAsked;
    private bool _closed;

    /// <summary>
    /// Callers through Orleans have no address that could be trusted, so no entry of scheme <c>ip</c> names them.
    /// </summary>
    public IPEndPoint RemoteEndPoint { get; } = new(IPAddress.None, 0);

    public JuteWriter Output => _turn;

    public object? Attachment { get; set; }

    /// <summary>Whether the replica takes no more.</summary>
    public bool IsClosed => Volatile.Read(ref _closed);

    /// <summary>Asks for a session.</summary>
    public void Connect(ConnectRequest request) => OffGrain.Run(() => replica.Frontend.Connect(this, request));

    /// <summary>Posts whole frames. Completes when there is room for more.</summary>
    public Task PostAsync(ReadOnlyMemory<byte> frames)
    {
        lock (_lock)
        {
            _outstanding += frames.Length;
        }

        OffGrain.Run(() => replica.Frontend.Receive(this, new Batch(this, frames)));
        lock (_lock)
        {
            if (_outstanding <= MaxOutstandingBytes || IsClosed)
            {
                return Task.CompletedTask;
            }

            _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _room.Task;
        }
    }

    /// <summary>The client is gone.</summary>
    public void Disconnect() => OffGrain.Run(() => replica.Frontend.Disconnected(this));

    public void FlushAfterTurn()
    {
        if (!_flushAsked)
        {
            _flushAsked = true;
            replica.Frontend.FlushLater(this);
        }
    }

    public void Close(string reason)
    {
        Volatile.Write(ref _closed, true);
        FlushAfterTurn();
    }

    public void EndTurn()
    {
        _flushAsked = false;
        bool kept = _turn.Length == 0 || output.TryAdd(_turn.Written.ToArray());
        _turn.Clear(KeptBufferBytes);
        if (!kept)
        {
            Volatile.Write(ref _closed, true);
            replica.Frontend.Disconnected(this);
        }

        if (IsClosed)
        {
            output.End();
            Release(0);
        }
    }

    // The sink has it already; there is no socket to write to.
    public void Flush()
    {
    }

    private void Release(int bytes)
    {
        lock (_lock)
        {
            _outstanding -= bytes;
            if (_outstanding <= MaxOutstandingBytes / 2 || IsClosed)
            {
                _room?.TrySetResult();
                _room = null;
            }
        }
    }

    private sealed class Batch(ReplicaConnection connection, ReadOnlyMemory<byte> frames) : ClientFrames
    {
        public override ReadOnlyMemory<byte> Bytes => frames;

        public override void Release() => connection.Release(frames.Length);
    }
}
