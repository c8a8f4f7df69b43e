using Orleans.Coord.Jute;

namespace Orleans.Coord.Client;

/// <summary>What one operation of a committed transaction did.</summary>
/// <param name="Path">The znode.</param>
public abstract record TransactionResult(string Path);

/// <summary>A create; the path has the digits that a sequential create got.</summary>
/// <param name="Path">The znode.</param>
public sealed record CreateResult(string Path) : TransactionResult(Path);

/// <summary>A write of data.</summary>
/// <param name="Path">The znode.</param>
/// <param name="Stat">Its new metadata.</param>
public sealed record SetResult(string Path, Stat Stat) : TransactionResult(Path);

/// <summary>A delete.</summary>
/// <param name="Path">The znode.</param>
public sealed record DeleteResult(string Path) : TransactionResult(Path);

/// <summary>A version check that held.</summary>
/// <param name="Path">The znode.</param>
public sealed record CheckResult(string Path) : TransactionResult(Path);

/// <summary>How a transaction ended.</summary>
/// <param name="Code"><see cref="CoordErrorCode.Ok"/> when it was committed, else why it was refused.</param>
/// <param name="FailedIndex">The operation that was refused, from 0; −1 for none, or when it is not known.</param>
/// <param name="Results">What each operation did; empty when the transaction was refused.</param>
public sealed record TransactionOutcome(
    CoordErrorCode Code, int FailedIndex, IReadOnlyList<TransactionResult> Results)
{
    /// <summary>True when all operations happened.</summary>
    public bool Committed => Code == CoordErrorCode.Ok;
}

/// <summary>
/// Several writes of which all happen or none, in order. Built by one caller at a time, committed once.
/// </summary>
public sealed class CoordTransaction
{
    private readonly Session _session;
    private readonly List<TransactionStep> _steps = [];
    private bool _committed;

    internal CoordTransaction(Session session) => _session = session;

    /// <summary>Adds a create.</summary>
    /// <param name="path">The znode; for the sequential modes what its path begins with.</param>
    /// <param name="data">Its data. Not to be changed before the commit has ended.</param>
    /// <param name="mode">Its kind.</param>
    /// <param name="acl">Its access control list; null for <see cref="CoordClientOptions.DefaultAcl"/>.</param>
    /// <param name="ttl">Its time to live, for the two modes that have one and only for them.</param>
    /// <exception cref="ArgumentException">The path or the time to live is not valid.</exception>
    public CoordTransaction Create(
        string path,
        ReadOnlyMemory<byte> data = default,
        CreateMode mode = CreateMode.Persistent,
        IReadOnlyList<Acl>? acl = null,
        TimeSpan? ttl = null)
    {
        CreateOperation create = _session.NewCreate(path, data, mode, acl, ttl);
        // Inside a transaction servers answer both kinds of create with the path alone.
        OpCode code = create.Code == OpCode.Create2 ? OpCode.Create : create.Code;
        return Add(new(code, path, writer => create.Write(writer, watch: false)));
    }

    /// <summary>Adds a write of data.</summary>
    /// <param name="path">The znode.</param>
    /// <param name="data">The new data. Not to be changed before the commit has ended.</param>
    /// <param name="version">The version it must have.</param>
    /// <exception cref="ArgumentException">The path is not valid.</exception>
    public CoordTransaction Set(string path, ReadOnlyMemory<byte> data, int version = CoordClient.AnyVersion)
    {
        var set = new SetOperation(_session.Root.ToServer(path), data, version);
        return Add(new(set.Code, path, writer => set.Write(writer, watch: false)));
    }

    /// <summary>Adds a delete.</summary>
    /// <param name="path">The znode.</param>
    /// <param name="version">The version it must have.</param>
    /// <exception cref="ArgumentException">The path is not valid.</exception>
    public CoordTransaction Delete(string path, int version = CoordClient.AnyVersion)
    {
        var delete = new DeleteOperation(_session.Root.ToServer(path), version);
        return Add(new(delete.Code, path, writer => delete.Write(writer, watch: false)));
    }

    /// <summary>Adds a condition: the znode exists and has the version.</summary>
    /// <param name="path">The znode.</param>
    /// <param name="version">The version it must have.</param>
    /// <exception cref="ArgumentException">The path is not valid.</exception>
    public CoordTransaction Check(string path, int version = CoordClient.AnyVersion)
    {
        // A check's record is that of a delete.
        var check = new DeleteOperation(_session.Root.ToServer(path), version);
        return Add(new(OpCode.Check, path, writer => check.Write(writer, watch: false)));
    }

    /// <summary>Commits and returns what each operation did, in order.</summary>
    /// <param name="cancellation">Gives up waiting; the transaction may happen all the same.</param>
    /// <exception cref="TransactionFailedException">An operation was refused; nothing happened.</exception>
    /// <exception cref="OutcomeUnknownException">The connection was lost before the answer came.</exception>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public async Task<IReadOnlyList<TransactionResult>> CommitAsync(CancellationToken cancellation = default)
    {
        TransactionOutcome outcome = await TryCommitAsync(cancellation).ConfigureAwait(false);
        int index = outcome.FailedIndex;
        return outcome.Committed
            ? outcome.Results
            : throw new TransactionFailedException(outcome.Code, index < 0 ? null : _steps[index].Path, index);
    }

    /// <summary>Commits, or tells which operation was refused and why; then nothing happened.</summary>
    /// <param name="cancellation">Gives up waiting; the transaction may happen all the same.</param>
    /// <exception cref="OutcomeUnknownException">The connection was lost before the answer came.</exception>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    /// <exception cref="InvalidOperationException">It was committed before.</exception>
    public async Task<TransactionOutcome> TryCommitAsync(CancellationToken cancellation = default)
    {
        ThrowIfCommitted();
        _committed = true;
        var operation = new MultiOperation(_steps, _session.Root);
        CoordResult<TransactionOutcome> result = await _session.SendAsync(
            new Request<MultiOperation, TransactionOutcome>(operation), cancellation).ConfigureAwait(false);
        return result switch
        {
            { Succeeded: true } => result.Value,
            { Code: CoordErrorCode.SessionExpired } => throw new SessionLostException(null),
            _ => new TransactionOutcome(result.Code, -1, []),
        };
    }

    private CoordTransaction Add(TransactionStep step)
    {
        ThrowIfCommitted();
        _steps.Add(step);
        return this;
    }

    private void ThrowIfCommitted()
    {
        if (_committed)
        {
            throw new InvalidOperationException("The transaction was committed before");
        }
    }
}
