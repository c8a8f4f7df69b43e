using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Orleans.Coord.Tree;

/// <summary>The sessions: created, attached, checked and removed by log entries alone.</summary>
public sealed class SessionTable
{
    /// <summary>Bytes of a password hash.</summary>
    public const int PasswordHashBytes = SHA256.HashSizeInBytes;

    private readonly Dictionary<long, Session> _byId = [];

    /// <summary>Number of sessions.</summary>
    public int Count => _byId.Count;

    /// <summary>All sessions; not to be held across an apply.</summary>
    public IReadOnlyCollection<Session> All => _byId.Values;

    /// <summary>Rolling digest: the sum of all sessions' hashes.</summary>
    internal ulong Digest { get; private set; }

    internal TreeFaults Faults { get; set; }

    /// <summary>Told before a session changes or goes, while a snapshot runs.</summary>
    internal TreeSnapshot? Snapshot { get; set; }

    /// <summary>What the state keeps of a password: copies of the tree don't let anyone take sessions over.</summary>
    public static byte[] HashPassword(ReadOnlySpan<byte> password) => SHA256.HashData(password);

    /// <summary>Finds a session.</summary>
    public bool TryGet(long id, [NotNullWhen(true)] out Session? session) => _byId.TryGetValue(id, out session);

    internal CoordErrorCode Create(long id, ReadOnlySpan<byte> passwordHash, int timeoutMs, out Session? session)
    {
        session = null;
        if (id == 0 || timeoutMs <= 0 || passwordHash.Length != PasswordHashBytes)
        {
            return CoordErrorCode.BadArguments;
        }

        if (_byId.ContainsKey(id))
        {
            return CoordErrorCode.NodeExists;
        }

        session = new Session(id, passwordHash.ToArray()) { TimeoutMs = timeoutMs, Generation = 1 };
        Add(session);
        return CoordErrorCode.Ok;
    }

    internal CoordErrorCode Attach(long id, ReadOnlySpan<byte> passwordHash, int timeoutMs, out Session? session)
    {
        if (!_byId.TryGetValue(id, out session) || !passwordHash.SequenceEqual(session.PasswordHash))
        {
            return CoordErrorCode.SessionExpired;
        }

        if (timeoutMs <= 0)
        {
            return CoordErrorCode.BadArguments;
        }

        BeforeChange(session);
        session.Results = Has(TreeFaults.ForgetResults) ? null : session.Results;
        session.Generation = checked(session.Generation + 1);
        session.LastPosition = 0;
        session.TimeoutMs = timeoutMs;
        Digest += session.Hash;
        return CoordErrorCode.Ok;
    }

    /// <summary>Lets a request through if it is the next one of the session's newest connection.</summary>
    internal CoordErrorCode Admit(long id, int generation, long position)
    {
        if (!_byId.TryGetValue(id, out Session? session))
        {
            return CoordErrorCode.SessionExpired;
        }

        if (generation != session.Generation && !Has(TreeFaults.AdmitOldGeneration))
        {
            return CoordErrorCode.SessionMoved;
        }

        if (position != session.LastPosition + 1 && !Has(TreeFaults.AdmitOutOfOrder))
        {
            return CoordErrorCode.ConnectionLoss;
        }

        BeforeChange(session);
        session.LastPosition = position;
        Digest += session.Hash;
        return CoordErrorCode.Ok;
    }

    /// <summary>Drops the results that the session's client has seen; returns those that are left.</summary>
    internal KeptResults ForgetResults(Session session, long lowest)
    {
        BeforeChange(session);
        session.Results ??= new KeptResults();
        session.Results.Forget(lowest);
        Digest += session.Hash;
        return session.Results;
    }

    internal void KeepResult(Session session, in KeptResult result)
    {
        Invariant.Check(session.Results is not null);
        BeforeChange(session);
        if (Has(TreeFaults.DropUnseen))
        {
            session.Results.Forget(result.Number);
        }

        session.Results.Keep(result);
        Digest += session.Hash;
    }

    /// <summary>Gives a session of a snapshot its results.</summary>
    internal void RestoreResults(Session session, KeptState state)
    {
        Invariant.Check(session.Results is null);
        BeforeChange(session);
        session.Results = new KeptResults(state);
        Digest += session.Hash;
    }

    internal void Remove(Session session)
    {
        BeforeChange(session);
        bool removed = _byId.Remove(session.Id);
        Invariant.Check(removed);
        Invariant.Check(_byId.Count > 0 || Digest == 0);
    }

    /// <summary>Adds a session that is not there: a new one, or one of a snapshot.</summary>
    internal void Add(Session session)
    {
        Invariant.Check(!_byId.ContainsKey(session.Id));
        Invariant.Check(session.Generation > 0);
        session.SnapshotMark = Snapshot?.Mark ?? 0;
        _byId.Add(session.Id, session);
        Digest += session.Hash;
    }

    internal bool Has(TreeFaults fault) => (Faults & fault) != 0;

    private void BeforeChange(Session session)
    {
        Snapshot?.BeforeChange(session);
        Digest -= session.Hash;
    }
}
