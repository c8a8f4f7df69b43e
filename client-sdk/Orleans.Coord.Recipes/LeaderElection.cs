using System.Runtime.CompilerServices;

namespace Orleans.Coord.Recipes;

/// <summary>
/// One leader among the candidates at a path, and the next in line when it goes. It is a lock at that path, so kazoo's
/// elections and locks take part.
/// </summary>
public sealed class LeaderElection
{
    private readonly CoordClient _client;
    private readonly WaitingLine _line;

    /// <summary>Names an election; nothing is sent.</summary>
    /// <param name="client">The session to stand with.</param>
    /// <param name="path">The znode whose children are the candidates; created when missing.</param>
    /// <param name="candidate">What this candidate calls itself; others read it.</param>
    /// <param name="layout">How it names its znodes.</param>
    public LeaderElection(
        CoordClient client, string path, string candidate, LockLayout layout = LockLayout.Kazoo)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(candidate);
        _client = client;
        _line = new WaitingLine(client, path, new() { Layout = layout, Identifier = candidate });
        Path = path;
    }

    /// <summary>The znode whose children are the candidates.</summary>
    public string Path { get; }

    /// <summary>Stands for election and waits until elected. Disposing the handle resigns.</summary>
    /// <param name="timeout">How long; null for as long as it takes.</param>
    /// <param name="cancellation">Gives up; the candidacy is withdrawn.</param>
    /// <exception cref="TimeoutException">Not elected in time.</exception>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public Task<CoordHandle> CampaignAsync(TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        Steps.OrThrowAsync(TryCampaignAsync(timeout ?? Timeout.InfiniteTimeSpan, cancellation), Path);

    /// <summary>Stands for election; null when not elected in time.</summary>
    /// <param name="timeout">How long to stand; zero for one attempt.</param>
    /// <param name="cancellation">Gives up; the candidacy is withdrawn.</param>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public Task<CoordHandle?> TryCampaignAsync(
        TimeSpan timeout = default, CancellationToken cancellation = default) =>
        _line.TryHoldAsync(LockPart.Whole, timeout, cancellation);

    /// <summary>Waits until elected, leads for one term and resigns.</summary>
    /// <param name="lead">
    /// What to do as leader. Its token is cancelled when the leadership is lost or the caller gives up.
    /// </param>
    /// <param name="cancellation">Gives up, before or during the term.</param>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public async Task RunAsync(
        Func<CoordHandle, CancellationToken, Task> lead, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(lead);
        CoordHandle leadership = await CampaignAsync(null, cancellation).ConfigureAwait(false);
        await using (leadership.ConfigureAwait(false))
        {
            using var term = new LostLink(_client, leadership.HandleLostToken, cancellation);
            await lead(leadership, term.Token).ConfigureAwait(false);
        }
    }

    /// <summary>Reads who leads; null when nobody does.</summary>
    /// <param name="cancellation">Gives up.</param>
    public async Task<LockContender?> GetLeaderAsync(CancellationToken cancellation = default)
    {
        while (true)
        {
            List<string> names = await _line.ListNamesAsync(cancellation).ConfigureAwait(false);
            if (names.Count == 0)
            {
                return null;
            }

            string first = Paths.Join(Path, names[0]);
            if (await _client.ReadAsync(first, cancellation).ConfigureAwait(false) is { } node)
            {
                return WaitingLine.Describe(node);
            }
        }
    }

    /// <summary>
    /// Who leads (null for nobody), then each new leader; a slow consumer may miss some in between, never the last.
    /// Watches the leader's znode alone, so that the coming and going of other candidates wakes nobody.
    /// </summary>
    /// <param name="cancellation">Ends the stream.</param>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public async IAsyncEnumerable<LockContender?> WatchLeaderAsync(
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        bool first = true;
        LockContender? last = null;
        while (true)
        {
            (LockContender? leader, Task changed) = await ReadAndWatchAsync(cancellation).ConfigureAwait(false);
            if (first || leader != last)
            {
                yield return leader;
            }

            first = false;
            last = leader;
            await changed.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    private async Task<(LockContender? Leader, Task Changed)> ReadAndWatchAsync(CancellationToken cancellation)
    {
        while (true)
        {
            List<string> names = await _line.ListNamesAsync(cancellation).ConfigureAwait(false);
            if (names.Count > 0)
            {
                string path = Paths.Join(Path, names[0]);
                Watched<ZnodeData>? node =
                    await _client.ReadAndWatchAsync(path, cancellation).ConfigureAwait(false);
                if (node is { } leader)
                {
                    return (WaitingLine.Describe(leader.Value), leader.Changed);
                }

                continue;
            }

            Watched<ZnodeChildren?> children =
                await _client.ListAndWatchAsync(Path, cancellation).ConfigureAwait(false);
            if (WaitingLine.Order(children.Value?.Names ?? []).Count == 0)
            {
                return (null, children.Changed);
            }
        }
    }
}
