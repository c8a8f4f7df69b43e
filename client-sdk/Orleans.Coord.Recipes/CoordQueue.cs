using System.Globalization;
using System.Text;

namespace Orleans.Coord.Recipes;

/// <summary>
/// A queue of small entries, each worked on by one consumer at a time and removed when that one says so; by priority,
/// then in order. The layout is that of kazoo's <c>LockingQueue</c>. For thousands of entries, not for millions.
/// </summary>
public sealed class CoordQueue
{
    private readonly CoordClient _client;
    private readonly WaitingLine _line;
    private readonly string _entries;
    private readonly string _taken;

    /// <summary>Names a queue; nothing is sent.</summary>
    /// <param name="client">The session to produce and consume with.</param>
    /// <param name="path">The znode that the queue lives below; created when missing.</param>
    public CoordQueue(CoordClient client, string path)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(path);
        _client = client;
        _entries = Paths.Join(path, "entries");
        _taken = Paths.Join(path, "taken");
        _line = new WaitingLine(client, Paths.Join(path, "waiting"), new());
        Path = path;
    }

    /// <summary>The znode that the queue lives below.</summary>
    public string Path { get; }

    /// <summary>Puts an entry in.</summary>
    /// <param name="data">The entry. Not to be changed before the task has ended.</param>
    /// <param name="priority">0 to 999; entries of a lower number are taken first.</param>
    /// <param name="cancellation">Gives up waiting; the entry may be put in all the same.</param>
    /// <exception cref="OutcomeUnknownException">The connection was lost before the answer came.</exception>
    public async Task EnqueueAsync(
        ReadOnlyMemory<byte> data, int priority = 100, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(priority);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(priority, 999);
        string prefix = Paths.Join(_entries, string.Create(CultureInfo.InvariantCulture, $"entry-{priority:D3}-"));
        while (true)
        {
            CoordResult<CreatedZnode> made = await _client.TryCreateAsync(
                prefix, data, CreateMode.PersistentSequential, cancellation: cancellation).ConfigureAwait(false);
            if (made.Succeeded)
            {
                return;
            }

            await _client.EnsureAsync(_entries, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Counts the entries, those taken included.</summary>
    /// <param name="cancellation">Gives up.</param>
    public async Task<int> CountAsync(CancellationToken cancellation = default) =>
        (await _client.ExistsAsync(_entries, cancellation).ConfigureAwait(false))?.NumChildren ?? 0;

    /// <summary>Waits for an entry and takes it.</summary>
    /// <param name="timeout">How long; null for as long as it takes.</param>
    /// <param name="cancellation">Gives up; nothing stays taken.</param>
    /// <exception cref="TimeoutException">There was none in time.</exception>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public Task<QueueItem> TakeAsync(TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        Steps.OrThrowAsync(TryTakeAsync(timeout ?? Timeout.InfiniteTimeSpan, cancellation), Path);

    /// <summary>Takes an entry, or null when there is none in time.</summary>
    /// <param name="timeout">How long to wait; zero for one look.</param>
    /// <param name="cancellation">Gives up; nothing stays taken.</param>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public Task<QueueItem?> TryTakeAsync(TimeSpan timeout = default, CancellationToken cancellation = default) =>
        Steps.TryAsync(
            timeout,
            async limit => await TakeFirstAsync(limit).ConfigureAwait(false)
                ?? (timeout == TimeSpan.Zero ? null : await WaitAsync(limit).ConfigureAwait(false)),
            cancellation);

    /// <summary>Of all who find the queue empty one alone watches it; the others stand in line behind.</summary>
    private async Task<QueueItem?> WaitAsync(CancellationToken cancellation)
    {
        CreatedZnode? turn =
            await _line.EnterAsync(LockPart.Whole, wait: true, cancellation).ConfigureAwait(false);
        try
        {
            while (true)
            {
                Watched<ZnodeChildren?> entries =
                    await _client.ListAndWatchAsync(_entries, cancellation).ConfigureAwait(false);
                Watched<ZnodeChildren?> taken =
                    await _client.ListAndWatchAsync(_taken, cancellation).ConfigureAwait(false);
                if (await TakeFirstAsync(cancellation).ConfigureAwait(false) is { } item)
                {
                    return item;
                }

                await Task.WhenAny(entries.Changed, taken.Changed).WaitAsync(cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            _line.LeaveAsync(turn!).Forget();
        }
    }

    private async Task<QueueItem?> TakeFirstAsync(CancellationToken cancellation)
    {
        Task<ZnodeChildren?> listing = _client.ListAsync(_entries, cancellation);
        listing.Forget();
        ZnodeChildren? taken = await _client.ListAsync(_taken, cancellation).ConfigureAwait(false);
        if (taken is null)
        {
            await _client.EnsureAsync(_taken, cancellation).ConfigureAwait(false);
        }

        ZnodeChildren? entries = await listing.ConfigureAwait(false);
        foreach (string name in (entries?.Names ?? []).Except(taken?.Names ?? []).Order(StringComparer.Ordinal))
        {
            QueueItem? item = await Steps.OrUndoAsync(
                ClaimAsync(name), late => late?.DisposeAsync().AsTask() ?? Task.CompletedTask, cancellation)
                .ConfigureAwait(false);
            if (item is not null)
            {
                return item;
            }
        }

        return null;
    }

    private async Task<QueueItem?> ClaimAsync(string name)
    {
        string entry = Paths.Join(_entries, name);
        string claim = Paths.Join(_taken, name);
        ReadOnlyMemory<byte> id = Encoding.UTF8.GetBytes(Paths.Unique());
        CreatedZnode? node = await OwnNode.TryCommitAsync(_client, claim, id, () => _client.Transaction()
            .Check(entry)
            .Create(claim, id, CreateMode.Ephemeral)).ConfigureAwait(false);
        if (node is null)
        {
            return null;
        }

        var handle = new CoordHandle(_client, node);
        QueueItem? item = null;
        try
        {
            // Null when another program removed what this one has claimed.
            ZnodeData? read = await _client.ReadAsync(entry, CancellationToken.None).ConfigureAwait(false);
            item = read is null ? null : new QueueItem(_client, handle, entry, read.Data);
            return item;
        }
        finally
        {
            if (item is null)
            {
                await handle.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
