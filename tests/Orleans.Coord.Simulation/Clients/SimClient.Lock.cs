using System.Globalization;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Simulation;

/// <content>
/// ZooKeeper's lock recipe: the lowest ephemeral sequential znode holds, the others watch the one before.
/// </content>
internal sealed partial class SimClient
{
    private const string LockFolder = "/lock";
    private readonly bool _locks;
    private LockState _lock;
    private string? _ticket;
    private string _watched = "";
    private long _holdUntilUs;

    private enum LockState : byte
    {
        Idle,
        Creating,
        Listing,
        Waiting,
        Holding,
        Leaving,
    }

    /// <summary>Whether it holds the lock and may rely on that.</summary>
    public bool HoldsLock => _lock == LockState.Holding && Believes;

    // True: the lock is what it works on now.
    private bool WorkOnLock()
    {
        switch (_lock)
        {
            case LockState.Idle when _random.OneIn(3):
                _lock = LockState.Creating;
                Send(
                    OpCode.Create, RequestBody.Create(TicketPrefix, "", 3), TicketPrefix, Purpose.LockCreate);
                return true;
            case LockState.Holding when NowUs >= _holdUntilUs:
                // Let go before the request leaves: from then on another may hold it.
                _lock = LockState.Leaving;
                _world.Locks.OnLeft(this);
                Send(OpCode.Delete, RequestBody.Versioned(_ticket!, -1), _ticket!, Purpose.LockDelete);
                return true;
            default:
                return _random.OneIn(2);
        }
    }

    private string TicketPrefix => LockFolder + "/c" + Id.ToString(CultureInfo.InvariantCulture) + "-";

    // After a reconnect nothing is sure but the znodes: look whose turn it is.
    private void ResumeLock()
    {
        if (_locks && _lock is not (LockState.Idle or LockState.Holding))
        {
            List();
        }
    }

    private void LoseLock()
    {
        if (_lock == LockState.Holding)
        {
            _world.Locks.OnLeft(this);
        }

        _lock = LockState.Idle;
        _ticket = null;
    }

    private void List()
    {
        _lock = LockState.Listing;
        Send(OpCode.GetChildren2, RequestBody.Read(LockFolder, false), LockFolder, Purpose.LockList);
    }

    private void OnLockEvent(string path)
    {
        if (_lock == LockState.Waiting && path == _watched)
        {
            List();
            Flush();
        }
    }

    private void TakeForLock(SimRequest request, CoordErrorCode code, ReadOnlySpan<byte> body)
    {
        switch (request.Purpose)
        {
            case Purpose.LockCreate or Purpose.LockDelete:
                List();
                break;
            case Purpose.LockList when _lock == LockState.Listing && code == CoordErrorCode.Ok:
                LookAround(body);
                break;
            case Purpose.LockWatch when _lock == LockState.Waiting && code == CoordErrorCode.NoNode:
                List();
                break;
        }

        Flush();
    }

    private void LookAround(ReadOnlySpan<byte> body)
    {
        List<string> names = [];
        var reader = new JuteReader(body);
        for (int left = reader.ReadInt(); left > 0; left--)
        {
            names.Add(System.Text.Encoding.UTF8.GetString(reader.ReadString()));
        }

        names.Sort((a, b) => string.CompareOrdinal(a[^CoordLimits.SequenceDigits..], b[^CoordLimits.SequenceDigits..]));
        int own = names.FindIndex(name => (LockFolder + "/" + name).StartsWith(TicketPrefix, StringComparison.Ordinal)
            && IsOwn(name));
        if (own < 0)
        {
            _lock = LockState.Idle;
            _ticket = null;
            return;
        }

        _ticket = LockFolder + "/" + names[own];
        if (own == 0)
        {
            _lock = LockState.Holding;
            _holdUntilUs = NowUs + _random.Below(200_000);
            long token = long.Parse(names[0].AsSpan(^CoordLimits.SequenceDigits), CultureInfo.InvariantCulture);
            _world.Locks.OnTaken(this, token);
            return;
        }

        _lock = LockState.Waiting;
        _watched = LockFolder + "/" + names[own - 1];
        Send(OpCode.Exists, RequestBody.Read(_watched, true), _watched, Purpose.LockWatch, watch: true);
    }

    // A znode of an earlier session of this client may still be there.
    private bool IsOwn(string name) =>
        _world.Model.HistoryOf(LockFolder + "/" + name) is { Count: > 0 } steps
        && steps[0].Node?.Owner == SessionId;
}
