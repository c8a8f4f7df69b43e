using System.Globalization;

namespace Orleans.Coord.Recipes;

/// <summary>
/// Divides numbered partitions evenly among the workers that are there. Each partition is held under a lock, so it is
/// worked on by one worker at a time also while workers come and go.
/// </summary>
public sealed class CoordPartitioner
{
    private readonly CoordClient _client;
    private readonly CoordGroup _workers;
    private readonly string _locks;

    /// <summary>Names a partitioner; nothing is sent.</summary>
    /// <param name="client">The session to work with.</param>
    /// <param name="path">The znode that it lives below; created when missing.</param>
    /// <param name="partitions">How many there are: the same number everywhere.</param>
    public CoordPartitioner(CoordClient client, string path, int partitions)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(path);
        ArgumentOutOfRangeException.ThrowIfLessThan(partitions, 1);
        _client = client;
        _workers = new CoordGroup(client, Paths.Join(path, "workers"));
        _locks = Paths.Join(path, "locks");
        Path = path;
        Partitions = partitions;
    }

    /// <summary>The znode that it lives below.</summary>
    public string Path { get; }

    /// <summary>How many partitions there are.</summary>
    public int Partitions { get; }

    /// <summary>Takes a share of the partitions and works on it until cancelled.</summary>
    /// <param name="worker">This worker's name, unique among the workers.</param>
    /// <param name="work">
    /// What to do with one partition, under its lock. Its token is cancelled when the partition goes to another
    /// worker, which waits until this has ended, or when it is lost. When it ends by itself it is called again only
    /// after the workers have changed.
    /// </param>
    /// <param name="cancellation">Ends the work and leaves.</param>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and has left.</exception>
    /// <exception cref="Exception">What the work threw: the worker has left then.</exception>
    public async Task RunAsync(
        string worker, Func<int, CoordHandle, CancellationToken, Task> work, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(work);
        CoordHandle membership =
            await _workers.JoinAsync(worker, default, null, cancellation).ConfigureAwait(false);
        await using (membership.ConfigureAwait(false))
        {
            var running = new Dictionary<int, Share>();
            using var leave = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            try
            {
                await foreach (IReadOnlyList<GroupMember> members in
                    _workers.WatchMembersAsync(leave.Token).ConfigureAwait(false))
                {
                    await AssignAsync(worker, members, running, work, leave).ConfigureAwait(false);
                }
            }
            finally
            {
                await leave.CancelAsync().ConfigureAwait(false);
                await StopAsync(running, [.. running.Keys]).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The partitions of one worker when these are there: every n-th, by the order of the names.</summary>
    internal static IEnumerable<int> ShareOf(string worker, IReadOnlyList<string> workers, int partitions)
    {
        string[] sorted = [.. workers.Order(StringComparer.Ordinal)];
        int place = Array.IndexOf(sorted, worker);
        return place < 0 ? [] : Enumerable.Range(0, partitions).Where(i => i % sorted.Length == place);
    }

    private async Task AssignAsync(
        string worker, IReadOnlyList<GroupMember> members, Dictionary<int, Share> running,
        Func<int, CoordHandle, CancellationToken, Task> work, CancellationTokenSource leave)
    {
        var mine = ShareOf(worker, [.. members.Select(static member => member.Id)], Partitions).ToHashSet();
        await StopAsync(running, [.. running.Keys.Where(i => !mine.Contains(i) || running[i].Work.IsCompleted)])
            .ConfigureAwait(false);
        foreach (int partition in mine.Where(i => !running.ContainsKey(i)))
        {
            var stop = CancellationTokenSource.CreateLinkedTokenSource(leave.Token);
            running.Add(partition, new(stop, HoldAsync(partition, work, leave, stop.Token)));
        }
    }

    // Those who take over wait for the locks, so all stop at once and are awaited after.
    private static async Task StopAsync(Dictionary<int, Share> running, List<int> doomed)
    {
        foreach (int partition in doomed)
        {
            await running[partition].Stop.CancelAsync().ConfigureAwait(false);
        }

        List<Share> stopped = doomed.ConvertAll(partition => running[partition]);
        doomed.ForEach(partition => running.Remove(partition));
        try
        {
            // All of them, also when one has failed.
            await Task.WhenAll(stopped.Select(static share => share.Work)).ConfigureAwait(false);
        }
        finally
        {
            stopped.ForEach(static share => share.Stop.Dispose());
        }
    }

    private async Task HoldAsync(
        int partition, Func<int, CoordHandle, CancellationToken, Task> work, CancellationTokenSource leave,
        CancellationToken cancellation)
    {
        string path = Paths.Join(_locks, partition.ToString(CultureInfo.InvariantCulture));
        try
        {
            bool lost = true;
            while (lost)
            {
                CoordHandle handle =
                    await new CoordLock(_client, path).AcquireAsync(null, cancellation).ConfigureAwait(false);
                await using (handle.ConfigureAwait(false))
                {
                    lost = await IsLostAsync(work, partition, handle, cancellation).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // It goes to another worker.
        }
        catch
        {
            await leave.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Works on a partition; true when its lock was lost meanwhile, so that it must be taken again.</summary>
    private async Task<bool> IsLostAsync(
        Func<int, CoordHandle, CancellationToken, Task> work, int partition, CoordHandle handle,
        CancellationToken cancellation)
    {
        using var end = new LostLink(_client, handle.HandleLostToken, cancellation);
        try
        {
            await work(partition, handle, end.Token).ConfigureAwait(false);
            return false;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested && !handle.IsHeld)
        {
            return true;
        }
    }

    private sealed record Share(CancellationTokenSource Stop, Task Work);
}
