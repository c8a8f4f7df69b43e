namespace Orleans.Coord.Simulation;

/// <summary>
/// Session lifetime: while a client may rely on its session (a time-out from the sending of its last answered ping),
/// no entry ends it; and none is refused that has not ended.
/// </summary>
internal sealed class SessionChecker(SimWorld world)
{
    /// <summary>An entry ended a session.</summary>
    public void OnEnded(long sessionId)
    {
        world.Trace.Add(world.NowUs, TraceKind.SessionEnds, 0, sessionId);
        foreach (SimClient client in world.Clients.Where(client => client.SessionId == sessionId))
        {
            Check(client);
        }
    }

    /// <summary>A client learned that it may rely on its session for longer.</summary>
    public void OnTrusted(SimClient client)
    {
        if (world.Model.HasEnded(client.SessionId))
        {
            Check(client);
        }
    }

    /// <summary>A member says that it knows no such session.</summary>
    public void OnRefused(SimClient client, SimProcess process)
    {
        bool isElsewhere = client.MayBeLocal && !client.MustBeKnownTo(process);
        SimViolationException.Unless(
            client.SessionId != 0 && (world.Model.HasEnded(client.SessionId) || isElsewhere), "session lifetime",
            $"client {client.Id} was refused its session 0x{client.SessionId:x}, which has not ended");
    }

    private void Check(SimClient client) => SimViolationException.Unless(
        client.SaidGoodbye || client.IsSilent || client.BelievesUntilUs <= world.NowUs, "session lifetime",
        $"session 0x{client.SessionId:x} has ended, but client {client.Id} may rely on it until "
        + $"{client.BelievesUntilUs} us");
}

/// <summary>Lock exclusion: nobody takes the lock while another may rely on holding it, and tokens rise.</summary>
internal sealed class LockChecker(SimWorld world)
{
    private long _token = -1;
    private int _owner;

    /// <summary>How often the lock was taken.</summary>
    public int Taken { get; private set; }

    public void OnTaken(SimClient client, long token)
    {
        Taken++;
        world.Trace.Add(world.NowUs, TraceKind.LockTaken, 100 + client.Id, token);
        SimClient? other = world.Clients.FirstOrDefault(c => c != client && c.HoldsLock);
        SimViolationException.Unless(
            other is null, "lock exclusion", $"client {client.Id} has the lock, and so has client {other?.Id}");
        bool rises = token > _token || (token == _token && client.Id == _owner);
        SimViolationException.Unless(rises, "fencing token", $"{token} comes after {_token}");
        (_token, _owner) = (token, client.Id);
    }

    public void OnLeft(SimClient client) => world.Trace.Add(world.NowUs, TraceKind.LockLeft, 100 + client.Id);
}
