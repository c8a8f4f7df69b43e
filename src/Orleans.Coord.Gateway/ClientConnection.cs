using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Orleans.Coord.Jute;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Gateway;

/// <summary>
/// One client's connection. Three parties use it: its read loop (here), the replica's turns
/// (<c>ClientConnection.Output.cs</c>), and the gateway's sweep, which looks after time-outs.
/// </summary>
internal sealed partial class ClientConnection : IClientConnection, ITurnOutput, IOutputOwner
{
    // A handshake is 28 bytes and the password; a client that announces much more speaks something else.
    private const int MinHandshakeBytes = 28;
    private const int MaxHandshakeBytes = 1024;

    // More than a read of small requests brings. A single larger frame is a batch of its own.
    private const int MaxBatchBytes = 64 * 1024;

    private readonly GatewayContext _gateway;
    private readonly ClientWire _wire;
    private readonly IntakeGate _gate;
    private readonly OutputChannel _output;

    private readonly TaskCompletionSource _lastByteSent = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // A large request's length while its bytes come in; once it is posted, its batch has the room.
    private int _incomingLarge;

    // When the sweep must end the connection, by Environment.TickCount64; never, once the client has said hello.
    private long _deadline;

    public ClientConnection(GatewayContext gateway, ClientWire wire, IPEndPoint client)
    {
        _gateway = gateway;
        _wire = wire;
        RemoteEndPoint = client;
        _gate = new IntakeGate(
            gateway.Options.MaxOutstandingBytes, gateway.Options.MaxOutstandingRequests, gateway.Intake);
        _output = new OutputChannel(this, wire, gateway.Pools, _gate, gateway.Options.UnsentBytesToPause);
        _deadline = Environment.TickCount64 + (long)gateway.Options.HandshakeTimeout.TotalMilliseconds;
    }

    /// <inheritdoc/>
    public IPEndPoint RemoteEndPoint { get; }

    /// <summary>Whether the client speaks TLS.</summary>
    public bool IsSecure => _wire is TlsWire;

    /// <inheritdoc/>
    public IReadOnlyList<(string Scheme, string Id)> TransportIdentities => _wire.Identities;

    /// <summary>Requests that the client waits for.</summary>
    public int Outstanding => _gate.OutstandingFrames;

    /// <summary>What <c>cons</c> tells of this connection.</summary>
    public ConnectionStatistics Statistics { get; } = new();

    /// <summary>When the connection is over unless the client is heard of, as <c>dump</c> lists it.</summary>
    public DateTimeOffset ExpiresAt => Statistics.SessionId == 0
        ? Statistics.Established + _gateway.Options.HandshakeTimeout
        : DateTimeOffset.UtcNow.AddMilliseconds(
            Statistics.TimeoutMs - (Environment.TickCount64 - Statistics.LastResponseMs));

    /// <summary>Serves the client until either side ends it. Never throws.</summary>
    public async Task RunAsync()
    {
        bool connected = false;
        try
        {
            connected = await ReadHandshakeAsync();
            if (connected)
            {
                await ReadFramesAsync();
            }

            if (_isClosing)
            {
                // The client may have closed its half already; it is owed the rest all the same.
                await _lastByteSent.Task;
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException
            or OperationCanceledException)
        {
            _gateway.Log.Ended(RemoteEndPoint, exception.Message);
        }
#pragma warning disable CA1031 // Whatever one connection meets must not harm the others.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _gateway.Log.Fault(RemoteEndPoint, exception);
        }

        _gate.Stop();
        _output.Kill();
        _gateway.Intake.LeaveLarge(_incomingLarge);
        if (connected)
        {
            _gateway.Frontend.Disconnected(this);
        }
    }

    /// <summary>The replica executed some of the requests. Part of its turn.</summary>
    public void Executed(FrameScan scan, long receivedAt)
    {
        long now = Stopwatch.GetTimestamp();
        _gateway.Counters.Latency.Add(now - receivedAt, scan.Frames);
        Statistics.NoteExecuted(now, now - receivedAt, scan.Frames);
        _gate.Leave(scan.Bytes, scan.Frames);
        int length = scan.Bytes - FrameDecoder.PrefixBytes;
        if (scan.Frames == 1 && _gateway.Intake.IsLarge(length))
        {
            _gateway.Intake.LeaveLarge(length);
        }
    }

    /// <summary>Ends the connection if its time is up. Called by the sweep.</summary>
    public void EnforceDeadline(long now)
    {
        if (now >= Volatile.Read(ref _deadline))
        {
            Volatile.Write(ref _deadline, long.MaxValue);
            if (_isClosing)
            {
                _gateway.Log.Ended(RemoteEndPoint, "closed for good: the client left its end open");
                Stop();
            }
            else
            {
                Abort("it sent no whole first frame in time");
            }
        }
    }

    /// <summary>Ends the connection at once, without sending what is left.</summary>
    public void Abort(string reason)
    {
        _gateway.Counters.AddMalformed();
        _gateway.Log.Malformed(RemoteEndPoint, reason);
        Stop();
    }

    /// <summary>The same without a word in the log.</summary>
    public void Stop()
    {
        _output.Kill();
        _gate.Stop();
        _wire.Abort();
        _lastByteSent.TrySetResult();
    }

    private async ValueTask<bool> ReadHandshakeAsync()
    {
        PipeReader input = _wire.Input;
        while (true)
        {
            ReadResult result = await input.ReadAsync();
            ReadOnlySequence<byte> buffer = result.Buffer;
            int length = 0;
            if (buffer.Length >= FrameDecoder.PrefixBytes)
            {
                length = ReadLength(buffer);
                if (FourLetterWord.Find(length) is { } word)
                {
                    int more = FourLetterWord.ArgumentBytes(word);
                    if (buffer.Length >= FrameDecoder.PrefixBytes + more || result.IsCompleted)
                    {
                        long argument = ReadArgument(buffer.Slice(FrameDecoder.PrefixBytes), more);
                        input.AdvanceTo(buffer.End);
                        await AnswerAsync(word, argument);
                        return false;
                    }

                    length = more;
                }
                else if (!FrameDecoder.IsAllowed(length, MinHandshakeBytes, MaxHandshakeBytes))
                {
                    Malformed($"its first frame has a length of {length}, so it is no connect request");
                    return false;
                }
            }

            int needed = FrameDecoder.PrefixBytes + length;
            if (length > 0 && buffer.Length >= needed)
            {
                byte[] body = buffer.Slice(FrameDecoder.PrefixBytes, length).ToArray();
                input.AdvanceTo(buffer.GetPosition(needed));
                return Connect(body);
            }

            input.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted)
            {
                if (buffer.Length > 0)
                {
                    Malformed("it ended within its first frame");
                }

                return false;
            }
        }
    }

    // No session and no turn: the output is this loop's own.
    private async ValueTask AnswerAsync(string word, long argument)
    {
        Statistics.NoteFirstFrame();
        _gateway.Counters.AddReceived(1);
        Volatile.Write(ref _deadline, long.MaxValue);
        string answer = await _gateway.Words.AnswerAsync(word, argument);
        _gateway.Log.Word(RemoteEndPoint, word);
        _output.Turn.WriteRaw(Encoding.UTF8.GetBytes(answer));
        StartClosing();
        _output.EndTurn(last: true);
        _output.Flush();
        await ReadFramesAsync();
    }

    private bool Connect(byte[] body)
    {
        ConnectRequest? request = ConnectRequest.TryRead(body);
        if (request is null)
        {
            Malformed("its first frame is no connect request");
            return false;
        }

        if (!_gateway.NewSessions.TryTake())
        {
            _gateway.Counters.AddRefused();
            _gateway.Log.Refused(RemoteEndPoint, "more clients connect than the limit of a second allows");
            return false;
        }

        Volatile.Write(ref _deadline, long.MaxValue);
        Statistics.NoteFirstFrame();
        _gateway.Counters.AddReceived(1);
        _gateway.Frontend.Connect(this, request);
        return true;
    }

    private async ValueTask ReadFramesAsync()
    {
        PipeReader input = _wire.Input;
        while (true)
        {
            ReadResult result = await input.ReadAsync();
            ReadOnlySequence<byte> buffer = result.Buffer;
            bool more = false;
            long consumed = _isClosing ? buffer.Length : Post(buffer, out more);
            if (consumed < 0)
            {
                return;
            }

            // Unless all that can be taken is taken, the next read must not wait for more to come.
            SequencePosition end = buffer.GetPosition(consumed);
            input.AdvanceTo(end, more ? end : buffer.End);
            if (result.IsCompleted && !more)
            {
                EndOfInput(buffer.Length - consumed);
                return;
            }

            await _gate.WaitAsync();
        }
    }

    // Posts the whole frames at the start of the buffer, all that there is room for, as one batch. Returns their
    // bytes, or -1 to close.
    private long Post(ReadOnlySequence<byte> buffer, out bool more)
    {
        more = false;
        if (buffer.Length < FrameDecoder.PrefixBytes)
        {
            return 0;
        }

        int max = _gateway.Options.MaxFrameBytes;
        int length = ReadLength(buffer);
        if (!FrameDecoder.IsAllowed(length, FrameDecoder.MinRequestBytes, max))
        {
            return BadLength(length);
        }

        if (_incomingLarge == 0 && _gateway.Intake.IsLarge(length))
        {
            if (!_gateway.Intake.TryEnterLarge(length))
            {
                Malformed($"there is no room for a request of {length} bytes beside the large ones under way");
                return -1;
            }

            _incomingLarge = length;
        }

        int needed = FrameDecoder.PrefixBytes + length;
        if (buffer.Length < needed)
        {
            return 0;
        }

        _incomingLarge = 0;
        ReadOnlySequence<byte> taken = buffer.Slice(0, Math.Min(buffer.Length, Math.Max(needed, MaxBatchBytes)));
        FrameBatch batch = _gateway.Pools.RentBatch();
        int room = _gate.Room;
        FrameScan scan = batch.Load(taken, max, room);
        more = scan.Frames == room || taken.Length < buffer.Length;
        _gateway.Counters.AddReceived(scan.Frames);
        Statistics.NoteReceived(scan.Frames, batch.FrameAt(scan.LastFrame));
        _gate.Enter(scan.Bytes, scan.Frames);
        batch.Post(this);
        _gateway.Frontend.Receive(this, batch);
        return scan.BadLength is { } bad ? BadLength(bad) : scan.Bytes;
    }

    private long BadLength(int length)
    {
        Malformed(
            $"it sent a frame of length {length}; " +
            $"allowed are {FrameDecoder.MinRequestBytes} to {_gateway.Options.MaxFrameBytes - 1}");
        return -1;
    }

    private void EndOfInput(long unread)
    {
        if (unread > 0)
        {
            Malformed($"it ended within a frame, after {unread} bytes of it");
        }
        else
        {
            _gateway.Log.Ended(RemoteEndPoint, "closed by the client");
        }
    }

    private void Malformed(string reason)
    {
        _gateway.Counters.AddMalformed();
        _gateway.Log.Malformed(RemoteEndPoint, reason);
    }

    private static long ReadArgument(ReadOnlySequence<byte> buffer, int length)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        bytes.Clear();
        ReadOnlySequence<byte> taken = buffer.Slice(0, Math.Min(buffer.Length, length));
        taken.CopyTo(bytes);
        return BinaryPrimitives.ReadInt64BigEndian(bytes);
    }

    private static int ReadLength(ReadOnlySequence<byte> buffer)
    {
        if (buffer.FirstSpan.Length >= sizeof(int))
        {
            return BinaryPrimitives.ReadInt32BigEndian(buffer.FirstSpan);
        }

        Span<byte> bytes = stackalloc byte[sizeof(int)];
        buffer.Slice(0, sizeof(int)).CopyTo(bytes);
        return BinaryPrimitives.ReadInt32BigEndian(bytes);
    }
}
