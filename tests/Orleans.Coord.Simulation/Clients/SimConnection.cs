using System.Net;
using Orleans.Coord.Jute;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Simulation;

/// <summary>
/// One connection between a client and a process: bytes come in order in both directions, until the link is cut;
/// from then on none of that direction come, and neither side is told.
/// </summary>
internal sealed class SimConnection(SimWorld world, SimClient client, SimProcess process) : IClientConnection
{
    private static readonly IPEndPoint _address = new(IPAddress.Loopback, 40000);
    private bool _queued;
    private bool _serverClosed;
    private bool _stalledUp;
    private bool _stalledDown;
    private long _nextUpUs;
    private long _nextDownUs;
    private string? _closing;

    public IPEndPoint RemoteEndPoint => _address;

    public JuteWriter Output { get; } = new(256);

    public object? Attachment { get; set; }

    public int MemberId => process.Id;

    public SimProcess Process => process;

    /// <summary>Whether the process at the other end is still there.</summary>
    public bool HasPeer => process.IsAlive;

    /// <summary>Asks for a session.</summary>
    public void Connect(ConnectRequest request) =>
        Up(() => process.Post(replica => replica.Connect(this, request)));

    /// <summary>Sends whole frames.</summary>
    public void Send(byte[] frames) =>
        Up(() => process.Post(replica => replica.Receive(this, new Frames(frames))));

    /// <summary>The client leaves; the member hears of it, perhaps much later, or never.</summary>
    public void Leave(long delayUs)
    {
        _stalledDown = true;
        if (!_stalledUp)
        {
            world.Time.At(Math.Max(_nextUpUs, world.NowUs + delayUs), Disconnected);
        }
    }

    public void FlushAfterTurn()
    {
        if (!_queued)
        {
            _queued = true;
            process.FlushLater(this);
        }
    }

    public void Close(string reason)
    {
        _closing ??= reason;
        FlushAfterTurn();
    }

    /// <summary>The turn is over: what it wrote goes out.</summary>
    public void Flush()
    {
        _queued = false;
        if (_serverClosed)
        {
            Output.Clear();
            return;
        }

        if (Output.Length > 0)
        {
            byte[] bytes = Output.Written.ToArray();
            Output.Clear();
            Down(() => client.Receive(this, bytes));
        }

        if (_closing is { } reason)
        {
            _serverClosed = true;
            Down(() => client.Closed(this, reason));
            world.Time.After(100, Disconnected);
        }
    }

    /// <summary>The process has ended: the client's machine is told, if anything reaches it.</summary>
    public void Broken() => Down(() => client.Closed(this, "the member is gone"));

    private void Disconnected() => process.Post(replica => replica.Disconnected(this));

    private void Up(Action arrive)
    {
        _stalledUp |= world.Network.IsClientCut(client.Id, process.Id);
        if (!_stalledUp)
        {
            _nextUpUs = Math.Max(_nextUpUs, world.NowUs + world.Network.Delay());
            world.Time.At(_nextUpUs, arrive);
        }
    }

    private void Down(Action arrive)
    {
        _stalledDown |= world.Network.IsClientCut(client.Id, process.Id);
        if (!_stalledDown)
        {
            _nextDownUs = Math.Max(_nextDownUs, world.NowUs + world.Network.Delay());
            world.Time.At(_nextDownUs, arrive);
        }
    }

    private sealed class Frames(byte[] bytes) : ClientFrames
    {
        private bool _released;

        public override ReadOnlyMemory<byte> Bytes => bytes;

        public override void Release()
        {
            SimViolationException.Unless(!_released, "buffers", "frames were given back twice");
            _released = true;
        }
    }
}
