using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;

namespace Orleans.Coord.Gateway.Tests;

/// <summary>The way out of one connection, over a pair of sockets and without a gateway.</summary>
public sealed class OutputChannelTests : IDisposable
{
    private const int Pause = 1000;

    private readonly Socket _near;
    private readonly Socket _far;
    private readonly Owner _owner = new();
    private readonly IntakeGate _gate = new(maxBytes: 1000, maxFrames: 10, new SharedIntake(0, 0, 0));
    private readonly BufferPools _pools = new();
    private readonly OutputChannel _channel;

    public OutputChannelTests()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        _far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _far.Connect(listener.LocalEndPoint!);
        _near = listener.Accept();
        _near.SendBufferSize = 8 * 1024;
        _channel = new OutputChannel(_owner, new BareWire(_near), _pools, _gate, Pause);
    }

    public void Dispose()
    {
        _near.Dispose();
        _far.Dispose();
    }

    [Fact]
    public void Nothing_is_sent_before_the_flush()
    {
        Write(100, 1);
        Assert.Equal(100, _channel.EndTurn(last: false));
        Assert.Equal(0, _far.Available);
        Assert.Equal(0, _owner.Writes);
    }

    [Fact]
    public async Task Turns_that_end_before_a_flush_leave_together_and_in_order()
    {
        Write(100, 1);
        _channel.EndTurn(last: false);
        Write(50, 2);
        Assert.Equal(150, _channel.EndTurn(last: false));
        _channel.Flush();

        byte[] received = await ReceiveAsync(150);
        Assert.Equal([.. Enumerable.Repeat((byte)1, 100), .. Enumerable.Repeat((byte)2, 50)], received);
        Assert.Equal(1, _owner.Writes);
        Assert.Equal(0, _channel.EndTurn(last: false));
    }

    [Fact]
    public async Task A_flush_with_nothing_pending_does_nothing()
    {
        _channel.Flush();
        Write(10, 1);
        _channel.EndTurn(last: false);
        _channel.Flush();
        _channel.Flush();
        await ReceiveAsync(10);
        Assert.Equal(1, _owner.Writes);
        Assert.Equal(0, _owner.Finished);
    }

    [Fact]
    public async Task What_comes_during_a_send_follows_it()
    {
        const int large = 8_000_000;
        Write(large, 1);
        _channel.EndTurn(last: false);
        _channel.Flush();
        for (byte turn = 2; turn < 10; turn++)
        {
            Write(10, turn);
            Assert.True(_channel.EndTurn(last: false) >= large, "the far side has read nothing yet");
            _channel.Flush();
        }

        Assert.Equal(0, _owner.Writes);
        byte[] received = await ReceiveAsync(large + 80);
        Assert.All(Enumerable.Range(2, 8), turn => Assert.Equal(turn, received[large + ((turn - 2) * 10)]));
        await Eventually.TrueAsync(() => _owner.Writes == 2, "the small turns left in one write");
    }

    [Fact]
    public async Task The_gate_closes_while_too_much_is_unsent()
    {
        Write(8_000_000, 1);
        _channel.EndTurn(last: false);
        _channel.Flush();
        Task waiting = _gate.WaitAsync().AsTask();
        Assert.False(waiting.IsCompleted);
        await ReceiveAsync(8_000_000);
        await waiting.WaitAsync(Eventually.Patience);
    }

    [Fact]
    public void The_gate_stays_open_while_little_is_unsent()
    {
        Write(Pause, 1);
        _channel.EndTurn(last: false);
        Assert.True(_gate.WaitAsync().AsTask().IsCompletedSuccessfully);
        Write(1, 1);
        _channel.EndTurn(last: false);
        Assert.False(_gate.WaitAsync().AsTask().IsCompleted);
    }

    [Fact]
    public async Task The_last_byte_is_told_once()
    {
        Write(100, 1);
        _channel.EndTurn(last: true);
        Assert.Equal(0, _owner.Finished);
        _channel.Flush();
        await ReceiveAsync(100);
        Assert.Equal(1, _owner.Finished);
    }

    [Fact]
    public void The_last_byte_of_nothing_is_told_too()
    {
        _channel.EndTurn(last: true);
        _channel.Flush();
        Assert.Equal(1, _owner.Finished);
    }

    [Fact]
    public async Task A_send_that_fails_is_told_and_ends_it()
    {
        _near.Dispose();
        Write(100, 1);
        _channel.EndTurn(last: false);
        _channel.Flush();
        await Eventually.TrueAsync(() => _owner.Failures == 1, "the failure is told");

        Write(100, 1);
        _channel.EndTurn(last: false);
        _channel.Flush();
        Assert.Equal(1, _owner.Failures);
    }

    [Fact]
    public async Task A_send_that_fails_halfway_is_told()
    {
        Write(8_000_000, 1);
        _channel.EndTurn(last: false);
        _channel.Flush();
        _far.LingerState = new LingerOption(true, 0);
        _far.Close();
        await Eventually.TrueAsync(() => _owner.Failures == 1, "the failure is told");
        Assert.Equal(0, _owner.Finished);
    }

    [Fact]
    public void A_dead_channel_takes_and_forgets()
    {
        Write(100, 1);
        _channel.EndTurn(last: false);
        _channel.Kill();
        _channel.Flush();
        for (int turn = 0; turn < 5; turn++)
        {
            Assert.Equal(0, _channel.Turn.Length);
            Write(100, 1);
            _channel.EndTurn(last: turn == 4);
            _channel.Flush();
        }

        Assert.Equal(0, _far.Available);
        Assert.Equal((0, 0, 0), (_owner.Writes, _owner.Finished, _owner.Failures));
    }

    [Fact]
    public void An_idle_channel_holds_no_buffer()
    {
        Write(100, 1);
        _channel.EndTurn(last: false);
        _channel.Flush();
        _ = _channel.Turn;
        _channel.EndTurn(last: false);
        Assert.True(_channel.TurnBytes.IsEmpty);
        Assert.NotSame(_pools.RentWriter(), _pools.RentWriter());
    }

    private void Write(int count, byte value)
    {
        byte[] bytes = new byte[count];
        bytes.AsSpan().Fill(value);
        _channel.Turn.WriteRaw(bytes);
    }

    private async Task<byte[]> ReceiveAsync(int count)
    {
        byte[] bytes = new byte[count];
        int position = 0;
        while (position < count)
        {
            int read = await _far.ReceiveAsync(bytes.AsMemory(position)).AsTask().WaitAsync(Eventually.Patience);
            Assert.NotEqual(0, read);
            position += read;
        }

        return bytes;
    }

    private sealed class BareWire(Socket socket) : ClientWire
    {
        public override PipeReader Input => throw new NotSupportedException();

        public override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes) =>
            Assert.Equal(bytes.Length, await socket.SendAsync(bytes, SocketFlags.None));

        public override void EndSending() => throw new NotSupportedException();

        public override void Abort() => throw new NotSupportedException();

        public override void Dispose() => socket.Dispose();
    }

    private sealed class Owner : IOutputOwner
    {
        private int _writes;
        private int _finished;
        private int _failures;

        public int Writes => Volatile.Read(ref _writes);

        public int Finished => Volatile.Read(ref _finished);

        public int Failures => Volatile.Read(ref _failures);

        public void Sent() => Interlocked.Increment(ref _writes);

        public void LastByteSent() => Interlocked.Increment(ref _finished);

        public void SendFailed(Exception exception) => Interlocked.Increment(ref _failures);
    }
}
