using System.Runtime.CompilerServices;

namespace Orleans.Coord.Recipes;

/// <summary>A member of a group.</summary>
/// <param name="Id">Its name, unique in the group.</param>
/// <param name="Data">What it says of itself.</param>
/// <param name="FencingToken">Greater for whoever joined later.</param>
public sealed record GroupMember(string Id, ReadOnlyMemory<byte> Data, long FencingToken);

/// <summary>Who is there: members have names, and vanish with their sessions.</summary>
public sealed class CoordGroup
{
    private readonly CoordClient _client;

    /// <summary>Names a group; nothing is sent.</summary>
    /// <param name="client">The session to join and look with.</param>
    /// <param name="path">The znode whose children are the members; created when missing.</param>
    public CoordGroup(CoordClient client, string path)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(path);
        _client = client;
        Path = path;
    }

    /// <summary>The znode whose children are the members.</summary>
    public string Path { get; }

    /// <summary>
    /// Joins; disposing the handle leaves. Waits while another has the name, most often this member's own session of
    /// before a restart.
    /// </summary>
    /// <param name="id">The member's name.</param>
    /// <param name="data">What it says of itself. Not to be changed before the task has ended.</param>
    /// <param name="timeout">How long to wait; null for as long as it takes.</param>
    /// <param name="cancellation">Gives up; nothing is left behind.</param>
    /// <exception cref="TimeoutException">The name was not free in time.</exception>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public Task<CoordHandle> JoinAsync(
        string id,
        ReadOnlyMemory<byte> data = default,
        TimeSpan? timeout = null,
        CancellationToken cancellation = default) =>
        Steps.OrThrowAsync(TryJoinAsync(id, data, timeout ?? Timeout.InfiniteTimeSpan, cancellation), Path);

    /// <summary>Joins; null when another has the name and keeps it.</summary>
    /// <param name="id">The member's name.</param>
    /// <param name="data">What it says of itself. Not to be changed before the task has ended.</param>
    /// <param name="timeout">How long to wait; zero for one attempt.</param>
    /// <param name="cancellation">Gives up; nothing is left behind.</param>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public Task<CoordHandle?> TryJoinAsync(
        string id,
        ReadOnlyMemory<byte> data = default,
        TimeSpan timeout = default,
        CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        return Steps.TryAsync(timeout, limit => EnterAsync(id, data, timeout != TimeSpan.Zero, limit), cancellation);
    }

    /// <summary>Reads all members, in the order of their names.</summary>
    /// <param name="cancellation">Gives up.</param>
    public async Task<IReadOnlyList<GroupMember>> GetMembersAsync(CancellationToken cancellation = default)
    {
        ZnodeChildren? children = await _client.ListAsync(Path, cancellation).ConfigureAwait(false);
        return await ReadAsync(children, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// The members, then their new list whenever one has come or gone; a slow consumer may miss some lists in
    /// between, never the last.
    /// </summary>
    /// <param name="cancellation">Ends the stream.</param>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public async IAsyncEnumerable<IReadOnlyList<GroupMember>> WatchMembersAsync(
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await foreach (ZnodeChildren? children in
            _client.WatchChildrenAsync(Path, cancellation).ConfigureAwait(false))
        {
            yield return await ReadAsync(children, cancellation).ConfigureAwait(false);
        }
    }

    private async Task<CoordHandle?> EnterAsync(
        string id, ReadOnlyMemory<byte> data, bool wait, CancellationToken cancellation)
    {
        string path = Paths.Join(Path, id);
        while (true)
        {
            CreatedZnode? node = await Steps.OrUndoAsync(
                OwnNode.TryCreateAsync(_client, path, data), UndoAsync, cancellation).ConfigureAwait(false);
            if (node is not null || !wait)
            {
                return node is null ? null : new CoordHandle(_client, node);
            }

            Watched<ZnodeData>? other = await _client.ReadAndWatchAsync(path, cancellation).ConfigureAwait(false);
            if (other is { } present)
            {
                await present.Changed.WaitAsync(cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task UndoAsync(CreatedZnode? node)
    {
        if (node is not null)
        {
            await OwnNode.DeleteAsync(_client, node.Path).ConfigureAwait(false);
        }
    }

    private async Task<IReadOnlyList<GroupMember>> ReadAsync(ZnodeChildren? children, CancellationToken cancellation)
    {
        string[] names = [.. (children?.Names ?? []).Order(StringComparer.Ordinal)];
        ZnodeData?[] nodes = await Task.WhenAll(
            names.Select(name => _client.ReadAsync(Paths.Join(Path, name), cancellation))).ConfigureAwait(false);
        var members = new List<GroupMember>(names.Length);
        foreach ((string name, ZnodeData? node) in names.Zip(nodes))
        {
            if (node is not null)
            {
                members.Add(new(name, node.Data, node.Stat.Czxid));
            }
        }

        return members;
    }
}
