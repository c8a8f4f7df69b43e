using Orleans.Coord.Jute;

namespace Orleans.Coord.Client;

/// <summary>What one read of a multi-read found.</summary>
/// <param name="Path">The znode.</param>
public abstract record ReadResult(string Path);

/// <summary>A znode's data.</summary>
/// <param name="Path">The znode.</param>
/// <param name="Node">Its data and metadata.</param>
public sealed record DataResult(string Path, ZnodeData Node) : ReadResult(Path);

/// <summary>A znode's children.</summary>
/// <param name="Path">The znode.</param>
/// <param name="Names">The children's names, in no particular order.</param>
public sealed record ChildrenResult(string Path, IReadOnlyList<string> Names) : ReadResult(Path);

/// <summary>A read that the server refused.</summary>
/// <param name="Path">The znode.</param>
/// <param name="Code">Why.</param>
public sealed record FailedRead(string Path, CoordErrorCode Code) : ReadResult(Path);

/// <summary>Several reads made in one round trip, each of which may fail by itself. Built by one caller.</summary>
public sealed class CoordMultiRead
{
    private readonly Session _session;
    private readonly List<ReadStep> _steps = [];

    internal CoordMultiRead(Session session) => _session = session;

    /// <summary>Adds a read of a znode's data.</summary>
    /// <param name="path">The znode.</param>
    /// <exception cref="ArgumentException">The path is not valid.</exception>
    public CoordMultiRead Get(string path) => Add(OpCode.GetData, path);

    /// <summary>Adds a listing of a znode's children.</summary>
    /// <param name="path">The parent.</param>
    /// <exception cref="ArgumentException">The path is not valid.</exception>
    public CoordMultiRead GetChildren(string path) => Add(OpCode.GetChildren, path);

    /// <summary>Makes the reads; the results stand in the order in which the reads were added.</summary>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="CoordException">
    /// The server does not know the operation (<see cref="CoordErrorCode.Unimplemented"/>, before ZooKeeper 3.6).
    /// </exception>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public Task<IReadOnlyList<ReadResult>> ExecuteAsync(CancellationToken cancellation = default) =>
        ExecuteAsync(ReadMode.Local, cancellation);

    /// <inheritdoc cref="ExecuteAsync(CancellationToken)"/>
    /// <param name="mode">How new the answers must be.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<IReadOnlyList<ReadResult>> ExecuteAsync(
        ReadMode mode, CancellationToken cancellation = default)
    {
        var request = new Request<MultiReadOperation, ReadResult[]>(new([.. _steps]))
        {
            IsLinearizable = mode == ReadMode.Linearizable,
        };
        CoordResult<ReadResult[]> result = await _session.SendAsync(request, cancellation).ConfigureAwait(false);
        return result.Succeeded ? result.Value : throw CoordException.For(result.Code, null);
    }

    private CoordMultiRead Add(OpCode code, string path)
    {
        _steps.Add(new(code, path, _session.Root.ToServer(path)));
        return this;
    }
}
