using System.Buffers.Binary;
using System.Collections.Concurrent;
using Orleans.Coord.Jute;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Gateway.Tests;

/// <summary>
/// A replica that answers every request with a reply header and the request's own body. Turns exclude each other,
/// flushes do not, as in the real hosts.
/// </summary>
internal sealed class FakeFrontend : ICoordFrontend
{
    public const int SessionTimeoutMs = 10_000;

    private readonly Lock _turn = new();
    private readonly TurnOutputs _outputs = new();
    private readonly List<(IClientConnection Connection, ClientFrames Frames)> _held = [];
    private long _sessions;
    private long _zxid;

    /// <summary>Takes the place of the answer to a request, if set: connection, frame without its length.</summary>
    public Action<IClientConnection, byte[]>? OnRequest { get; set; }

    /// <summary>Takes the place of the welcome, if set.</summary>
    public Action<IClientConnection, ConnectRequest>? OnConnect { get; set; }

    /// <summary>Keeps the frames unexecuted until <see cref="ReleaseHeld"/>.</summary>
    public bool Hold { get; set; }

    public ConcurrentQueue<ConnectRequest> Connects { get; } = new();

    public ConcurrentQueue<IClientConnection> Connections { get; } = new();

    public ConcurrentQueue<IClientConnection> Gone { get; } = new();

    /// <summary>Number of requests in each batch received.</summary>
    public ConcurrentQueue<int> Batches { get; } = new();

    public int Requests => Batches.Sum();

    public void Connect(IClientConnection connection, ConnectRequest request)
    {
        Connects.Enqueue(request);
        Connections.Enqueue(connection);
        Turn(() =>
        {
            if (OnConnect is { } custom)
            {
                custom(connection, request);
            }
            else
            {
                Welcome(connection, request);
            }
        });
    }

    public void Receive(IClientConnection connection, ClientFrames frames)
    {
        List<byte[]> requests = Wire.Split(frames.Bytes.Span);
        Batches.Enqueue(requests.Count);
        Turn(() =>
        {
            if (Hold)
            {
                _held.Add((connection, frames));
            }
            else
            {
                Execute(connection, requests, frames);
            }
        });
    }

    public void Disconnected(IClientConnection connection) => Gone.Enqueue(connection);

    public void Inspect(Action<Replica> inspection) => throw new NotSupportedException();

    public void FlushLater(ITurnOutput output) => _outputs.Add(output);

    /// <summary>Runs something as a turn, then flushes.</summary>
    public void Turn(Action action)
    {
        List<ITurnOutput>? written;
        lock (_turn)
        {
            action();
            written = _outputs.EndTurn();
        }

        _outputs.Flush(written);
    }

    /// <summary>Executes everything held so far.</summary>
    public void ReleaseHeld() => Turn(() =>
    {
        foreach ((IClientConnection connection, ClientFrames frames) in _held)
        {
            Execute(connection, Wire.Split(frames.Bytes.Span), frames);
        }

        _held.Clear();
    });

    /// <summary>Appends a reply to a request.</summary>
    public void Reply(IClientConnection connection, byte[] request)
    {
        JuteWriter output = connection.Output;
        output.WriteInt(16 + request.Length - 8);
        output.WriteInt(BinaryPrimitives.ReadInt32BigEndian(request));
        output.WriteLong(++_zxid);
        output.WriteInt(0);
        output.WriteRaw(request.AsSpan(8));
        connection.FlushAfterTurn();
    }

    private void Welcome(IClientConnection connection, ConnectRequest request)
    {
        JuteWriter output = connection.Output;
        int start = output.Length;
        output.WriteInt(0);
        output.WriteInt(request.ProtocolVersion);
        output.WriteInt(SessionTimeoutMs);
        output.WriteLong(++_sessions);
        output.WriteBuffer(new byte[CoordLimits.PasswordBytes]);
        output.PatchInt(start, output.Length - start - sizeof(int));
        connection.FlushAfterTurn();
    }

    private void Execute(IClientConnection connection, List<byte[]> requests, ClientFrames frames)
    {
        foreach (byte[] request in requests)
        {
            if (OnRequest is { } custom)
            {
                custom(connection, request);
            }
            else
            {
                Reply(connection, request);
            }
        }

        frames.Release();
    }
}
