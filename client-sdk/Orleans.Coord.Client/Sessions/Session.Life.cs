namespace Orleans.Coord.Client;

/// <content>Keeping the session alive, and closing it.</content>
internal sealed partial class Session : IHeartbeatTarget
{
    private static readonly Func<string?, bool, Exception> Disposed =
        static (_, _) => new ObjectDisposedException(nameof(CoordClient));

    // The part of a time-out by which the client is earlier than the server: for clocks that run at different speeds,
    // and for a busy machine that gives the heartbeat thread its turn late.
    private const int MarginPart = 20;

    private int _timeoutMs;
    private long _confirmedMs;

    /// <summary>The time-out that the server granted; zero before the first connection.</summary>
    public TimeSpan Timeout => TimeSpan.FromMilliseconds(Volatile.Read(ref _timeoutMs));

    /// <summary>A server has confirmed the session for a full time-out from that moment on.</summary>
    /// <param name="sentAtMs">When the confirmed ping or handshake was sent; 0 for a ping that was never sent.</param>
    public void Confirm(long sentAtMs)
    {
        if (sentAtMs > Volatile.Read(ref _confirmedMs))
        {
            Volatile.Write(ref _confirmedMs, sentAtMs);
        }
    }

    /// <summary>
    /// The session ends here a little before its time-out has passed since the sending of the last answered ping
    /// (<see cref="DeadlineOf"/>). The server counts from a later moment, so it gives what the session held to nobody
    /// before this client knows it is lost.
    /// </summary>
    public long Beat(long nowMs)
    {
        if (Volatile.Read(ref _end) is not null)
        {
            return long.MaxValue;
        }

        Connection? connection = _connection;
        connection?.Drain();
        if (IsOverdue(nowMs, out long deadline))
        {
            return long.MaxValue;
        }

        if (connection is null || connection.Lost.IsCompleted)
        {
            return deadline;
        }

        long giveUp = Volatile.Read(ref _confirmedMs) + (_timeoutMs * 2L / 3);
        if (nowMs >= giveUp)
        {
            connection.Abort("the server did not answer a heartbeat");
            return deadline;
        }

        if (nowMs >= connection.LastPingMs + (_timeoutMs / 3))
        {
            connection.SendPing(nowMs);
        }

        return Math.Min(giveUp, Math.Max(nowMs + 1, connection.LastPingMs + (_timeoutMs / 3)));
    }

    /// <summary>Where the session stands now, by the clock: the heartbeat thread may not have had its turn.</summary>
    public SessionState StateNow
    {
        get
        {
            IsOverdue(HeartbeatThread.NowMs, out _);
            return Volatile.Read(ref _end)?.State ?? State.Value;
        }
    }

    private bool IsOverdue(long nowMs, out long deadline)
    {
        // In this order: what confirmed the session is noted before the time-out that it came with.
        int timeout = Volatile.Read(ref _timeoutMs);
        deadline = timeout == 0 ? long.MaxValue : DeadlineOf(Volatile.Read(ref _confirmedMs), timeout);
        if (nowMs < deadline)
        {
            return false;
        }

        Expire("its time-out passed without an answered heartbeat");
        return true;
    }

    /// <summary>When a session is given up that a ping of that moment was the last to confirm; milliseconds.</summary>
    internal static long DeadlineOf(long confirmedMs, int timeoutMs) =>
        confirmedMs + timeoutMs - (timeoutMs / MarginPart);

    /// <summary>Ends the session on the server when one is in reach, and here in any case.</summary>
    public async Task CloseAsync()
    {
        bool first = !Interlocked.Exchange(ref _closing, true);
        if (first && State.Value == SessionState.Connected)
        {
            Task<CoordResult<Nothing>> closed = SendOwn(new Request<CloseOperation, Nothing>(default));
            await Task.WhenAny(closed, Task.Delay(Options.CloseTimeout, Lost)).ConfigureAwait(false);
        }

        End(SessionState.Closed, Disposed);
        await _run.ConfigureAwait(false);
    }
}
