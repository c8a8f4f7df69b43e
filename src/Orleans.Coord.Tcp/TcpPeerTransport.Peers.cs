using System.Net;

namespace Orleans.Coord.Tcp;

/// <content>Who the others are, and links that come and go with them.</content>
public sealed partial class TcpPeerTransport
{
    private readonly Lock _changing = new();
    private readonly List<Task> _running = [];
    private readonly bool[] _isRefused = new bool[byte.MaxValue + 1];
    private IReadOnlyDictionary<ReplicaId, DnsEndPoint> _wanted;

    /// <inheritdoc/>
    public void SetPeers(IReadOnlyDictionary<ReplicaId, DnsEndPoint> peers, IReadOnlySet<ReplicaId> refused)
    {
        ArgumentNullException.ThrowIfNull(peers);
        ArgumentNullException.ThrowIfNull(refused);
        Invariant.Check(!peers.ContainsKey(ReplicaId.None));
        lock (_changing)
        {
            _wanted = peers;
            for (int value = 1; value <= byte.MaxValue; value++)
            {
                _isRefused[value] = refused.Contains(new ReplicaId((byte)value));
            }

            if (_observer is not null && !_stopping.IsCancellationRequested)
            {
                Link(peers);
            }
        }
    }

    private Admission AdmissionOf(ReplicaId peer)
    {
        OutgoingLink? link = Volatile.Read(ref _linkOf[peer.Value]);
        bool maybe = _context.Options.AdmitGuests && peer != _context.Options.Self && peer != ReplicaId.None;
        return link is { IsGuest: false } ? Admission.Peer
            : maybe && !Volatile.Read(ref _isRefused[peer.Value]) ? Admission.Guest
            : Admission.Refused;
    }

    private void HeardOf(Hello hello, EndPoint? remote)
    {
        int value = hello.From.Value;
        if (Volatile.Read(ref _linkOf[value]) is { IsGuest: false } link)
        {
            link.Wake();
            return;
        }

        lock (_changing)
        {
            bool admit = remote is IPEndPoint && AdmissionOf(hello.From) == Admission.Guest;
            if (!admit || _stopping.IsCancellationRequested)
            {
                return;
            }

            var address = new DnsEndPoint(((IPEndPoint)remote!).Address.ToString(), hello.Port);
            if (_linkOf[value] is { } known && known.Address.Equals(address))
            {
                known.Wake();
                return;
            }

            PeerLog.Guest(_context.Logger, hello.From, address.Host, address.Port);
            Drop(hello.From);
            Add(new OutgoingLink(hello.From, address, _context, _observer!) { IsGuest = true }, hello.From);
            _outgoing = [.. _linkOf.OfType<OutgoingLink>()];
        }
    }

    // Links that are as wanted stay untouched; a new address is a new link, and so is a guest's that becomes a peer.
    private void Link(IReadOnlyDictionary<ReplicaId, DnsEndPoint> peers)
    {
        _running.RemoveAll(task => task.IsCompleted);
        for (int value = 1; value <= byte.MaxValue; value++)
        {
            var peer = new ReplicaId((byte)value);
            DnsEndPoint? address = peer == _context.Options.Self ? null : peers.GetValueOrDefault(peer);
            bool stays = _linkOf[value] is { } link
                && (link.IsGuest ? address is null && !_isRefused[value] : link.Address.Equals(address));
            if (!stays)
            {
                Drop(peer);
            }

            if (address is not null && _linkOf[value] is null)
            {
                Add(new OutgoingLink(peer, address, _context, _observer!), peer);
            }
        }

        _outgoing = [.. _linkOf.OfType<OutgoingLink>()];
    }

    private void Add(OutgoingLink link, ReplicaId peer)
    {
        Volatile.Write(ref _linkOf[peer.Value], link);
        _running.Add(link.Start(_stopping.Token));
    }

    private void Drop(ReplicaId peer)
    {
        if (_linkOf[peer.Value] is { } link)
        {
            Volatile.Write(ref _linkOf[peer.Value], null);
            _isReported[peer.Value] = false;
            _running.Add(link.LeaveAsync());
            _incoming!.Drop(peer);
            PeerLog.Left(_context.Logger, peer);
        }
    }
}
