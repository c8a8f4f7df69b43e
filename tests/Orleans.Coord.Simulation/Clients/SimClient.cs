using System.Buffers.Binary;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Simulation;

/// <summary>
/// A client that speaks the wire protocol as stock clients do: it keeps its session over reconnects to any member,
/// pings, pipelines, arms its watches again, and trusts its session only up to a time-out after the sending of its
/// last answered ping.
/// </summary>
internal sealed partial class SimClient
{
    private const int PingXid = -2;
    private const int EventXid = -1;
    private const int RearmXid = -8;
    private readonly SimWorld _world;
    private readonly SplitMix64 _random;
    private readonly Queue<SimRequest> _pending = new();
    private readonly Queue<long> _pingsSentUs = new();
    private readonly JuteWriter _frames = new();
    private readonly int _timeoutMs;
    private SimConnection? _connection;
    private byte[] _password = new byte[CoordLimits.PasswordBytes];
    private long _lastZxid;
    private long _connectSentUs;
    private long _connectNotBeforeUs;
    private long _lastHeardUs;
    private long _lastPingUs;
    private int _xid;
    private bool _welcomed;
    private bool _silent;
    private bool _quiet;

    public SimClient(SimWorld world, int id, bool locks)
    {
        _world = world;
        Id = id;
        _locks = locks;
        IsOperator = world.Options.HasOperator && id == 1;
        _random = new SplitMix64(world.Random.Next());
        _timeoutMs = SimTimes.SessionMs * _random.Between(1, 2);
        // What only some clients do has a generator of its own, so that it changes nothing else that is drawn.
        _extras = new SplitMix64((world.Seed << 8) ^ (ulong)id);
        _numbers = _extras.OneIn(2);
        _seenLate = _extras.Pick(0, 1, 6);
        _linearizes = _extras.OneIn(2);
        _follows = _extras.OneIn(2);
        _followed = _extras.Pick("/", "/", Folder, Folder, LockFolder, "/r", "/r0");
        _ofSubtree = _extras.OneIn(2);
        _readsFirst = world.Options.LocalSessions && !IsOperator && _extras.OneIn(2);
        world.Time.After(_random.Below(50_000), Act);
    }

    public int Id { get; }

    /// <summary>The session it has, or has had last; 0 before the first.</summary>
    public long SessionId { get; private set; }

    /// <summary>Until when it may rely on its session, virtual time.</summary>
    public long BelievesUntilUs { get; private set; }

    /// <summary>Whether it said goodbye to its session, which then may end at any time.</summary>
    public bool SaidGoodbye { get; private set; }

    /// <summary>Whether it is connected and its session's answers come.</summary>
    public bool IsServed => _welcomed && _connection is not null;

    /// <summary>It fell silent for good; its session must expire.</summary>
    public bool IsSilent => _silent;

    /// <summary>Writes answered with success.</summary>
    public int Acknowledged { get; private set; }

    public bool IsIdle => _pending.Count == 0 && _unanswered.Count == 0;

    private long NowUs => _world.NowUs;

    private bool Believes => NowUs < BelievesUntilUs;

    /// <summary>It does nothing any more, and tells nobody.</summary>
    public void FallSilent()
    {
        _silent = true;
        Drop("falls silent", tell: false);
    }

    /// <summary>It leaves its member without a word, and goes elsewhere with its session.</summary>
    public void Leave()
    {
        if (!_silent)
        {
            Drop("leaves", tell: true);
        }
    }

    /// <summary>It ends its session.</summary>
    public void SayGoodbye()
    {
        if (IsServed && !SaidGoodbye && !_quiet)
        {
            SaidGoodbye = true;
            LoseLock();
            Send(OpCode.CloseSession, [], "", Purpose.Goodbye);
            Flush();
        }
    }

    /// <summary>It only keeps its session alive from now on.</summary>
    public void Quieten() => _quiet = true;

    /// <summary>The connection broke.</summary>
    public void Closed(SimConnection connection, string reason)
    {
        if (connection == _connection)
        {
            Drop(reason, tell: true);
        }
    }

    /// <summary>Bytes arrive: whole frames.</summary>
    public void Receive(SimConnection connection, byte[] bytes)
    {
        for (int at = 0; at < bytes.Length && connection == _connection;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at));
            _lastHeardUs = NowUs;
            if (_welcomed && !Believes)
            {
                Drop("too late: the session may be gone", tell: true);
            }
            else if (_welcomed)
            {
                Take(bytes.AsSpan(at + sizeof(int), length));
            }
            else
            {
                Welcome(bytes.AsSpan(at + sizeof(int), length));
            }

            at += sizeof(int) + length;
        }
    }

    public override string ToString() =>
        $"client {Id}: session 0x{SessionId:x} {(IsServed ? "served by " + _connection!.MemberId : "not served")}"
        + $"{(_silent ? ", silent" : "")}, {_pending.Count} pending, {Acknowledged} acknowledged, zxid {_lastZxid}";

    private void Act()
    {
        if (_silent)
        {
            return;
        }

        _world.Time.After(1000 + _random.Below(2000 * _world.Options.ThinkMs), Act);
        if (_connection is null)
        {
            if (NowUs >= _connectNotBeforeUs || _quiet)
            {
                Connect();
            }

            return;
        }

        bool lost = _welcomed ? !Believes : NowUs - _connectSentUs > _timeoutMs * 1000L;
        if (lost || NowUs - _lastHeardUs > _timeoutMs * 1000L * 2 / 3)
        {
            Drop("hears nothing", tell: true);
            return;
        }

        if (!_welcomed)
        {
            return;
        }

        if (NowUs - _lastPingUs >= _timeoutMs * 1000L / 3)
        {
            Ping();
        }

        if (!_quiet && _pending.Count < _world.Options.Pipeline && !SaidGoodbye)
        {
            Work();
        }

        Flush();
    }

    private void Connect()
    {
        if (_random.PickOf(_world.Servers).Process is not { IsAlive: true } process)
        {
            return;
        }

        _welcomed = false;
        _connectSentUs = _lastHeardUs = NowUs;
        _connection = new SimConnection(_world, this, process);
        _world.Connected(_connection);
        _world.Trace.Add(NowUs, TraceKind.Connects, 100 + Id, process.Id, SessionId);
        _connection.Connect(new ConnectRequest(0, _lastZxid, _timeoutMs, SessionId, _password, false, true));
    }

    private void Welcome(ReadOnlySpan<byte> frame)
    {
        var reader = new JuteReader(frame);
        reader.ReadInt();
        int timeout = reader.ReadInt();
        long session = reader.ReadLong();
        byte[] password = reader.ReadBuffer().ToArray();
        if (timeout == 0)
        {
            _world.Sessions.OnRefused(this, _connection!.Process);
            _world.Trace.Add(NowUs, TraceKind.Turned, 100 + Id, SessionId);
            LoseSession();
            Drop("no such session", tell: true);
            return;
        }

        SimViolationException.Unless(
            SessionId == 0 || session == SessionId, "session", $"client {Id} was given another session");
        bool isNew = SessionId == 0;
        (SessionId, _password) = (session, password);
        _welcomed = true;
        SaidGoodbye = false;
        _doesWithout = false;
        _lastPingUs = NowUs;
        _world.Trace.Add(NowUs, TraceKind.Welcomed, 100 + Id, session);
        Trust(_connectSentUs);
        if (isNew)
        {
            BeginSession(_connection!.Process);
        }
        else
        {
            Rearm();
        }

        BeginOperating();
        if (!isNew)
        {
            SendUnansweredAgain();
        }

        ResumeChanges();
        ResumeLock();
        Flush();
    }

    private void Take(ReadOnlySpan<byte> frame)
    {
        var reader = new JuteReader(frame);
        int xid = reader.ReadInt();
        long zxid = reader.ReadLong();
        var code = (CoordErrorCode)reader.ReadInt();
        if (xid == EventXid)
        {
            TakeEvent(reader.Rest);
            return;
        }

        if (xid == AuthXid)
        {
            // It names no zxid, ZooKeeper's neither.
            SimViolationException.Unless(code == CoordErrorCode.Ok, "reads", $"client {Id} is refused: {code}");
            return;
        }

        // What an event tells must come before anything that shows it.
        OnSeen(zxid);
        SimRequest? request = null;
        bool asked = xid == PingXid || (_pending.TryDequeue(out request) && request.Xid == xid);
        SimViolationException.Unless(asked, "session order", $"client {Id} got an answer to {xid} out of turn");
        // Only an answer that is repeated names an older zxid: the original one.
        SimViolationException.Unless(
            zxid >= _lastZxid || request is { Number: not 0 }, "session order",
            $"client {Id} saw zxid {_lastZxid} and then {zxid}");
        long before = _lastZxid;
        _lastZxid = Math.Max(before, zxid);
        if (request is null)
        {
            Trust(_pingsSentUs.Dequeue());
            return;
        }

        _world.Trace.Add(NowUs, TraceKind.Answered, 100 + Id, zxid, (long)code);
        _world.Replies.Check(this, request, before, zxid, code, reader.Rest);
        if (request.Op == OpCode.GetChanges)
        {
            _world.Changes.Check(this, _connection!.Process, request, zxid, code, reader.Rest);
        }

        Answered(request, zxid, code, reader.Rest);
    }

    private void Trust(long sentUs)
    {
        // A clock that runs fast elsewhere must not make a session end before its owner gives it up.
        long timeoutUs = _timeoutMs * (1000L - (3 * _world.Options.DriftPermille));
        BelievesUntilUs = Math.Max(BelievesUntilUs, sentUs + timeoutUs);
        _world.Sessions.OnTrusted(this);
    }

    private void Drop(string why, bool tell)
    {
        _world.Trace.Add(NowUs, TraceKind.Dropped, 100 + Id, 0, 0, why);
        _connection?.Leave(tell ? 1000 + _random.Below(_random.OneIn(5) ? 3_000_000 : 20_000) : 10_000_000);
        _connection = null;
        _welcomed = false;
        // Sometimes it takes its time, and relies on its session all the same.
        _connectNotBeforeUs = _random.OneIn(5) ? NowUs + _random.Below(_timeoutMs * 1000) : NowUs;
        foreach (SimRequest request in _pending)
        {
            OutcomeUnknown(request);
        }

        _pending.Clear();
        _pingsSentUs.Clear();
        _frames.Clear();
        ForgetUnansweredRearm();
    }

    private void LoseSession()
    {
        SessionId = 0;
        _password = new byte[CoordLimits.PasswordBytes];
        _lastZxid = 0;
        BelievesUntilUs = 0;
        SaidGoodbye = false;
        ForgetWatches();
        ForgetNumbers();
        LoseLock();
    }
}
