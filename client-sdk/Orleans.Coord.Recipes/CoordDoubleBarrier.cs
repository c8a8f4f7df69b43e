namespace Orleans.Coord.Recipes;

/// <summary>
/// Lets a fixed number of participants begin together and end together. One instance for each participant; when all
/// have left it can be entered again.
/// </summary>
public sealed class CoordDoubleBarrier
{
    private const string ReadyName = "ready";
    private readonly CoordClient _client;
    private readonly string _ready;
    private CreatedZnode? _own;
    private HashSet<string> _round = [];

    /// <summary>Names a double barrier; nothing is sent.</summary>
    /// <param name="client">The session to take part with.</param>
    /// <param name="path">The znode whose children are the participants; created when missing.</param>
    /// <param name="participants">How many take part: the same number everywhere.</param>
    public CoordDoubleBarrier(CoordClient client, string path, int participants)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(path);
        ArgumentOutOfRangeException.ThrowIfLessThan(participants, 1);
        _client = client;
        _ready = Paths.Join(path, ReadyName);
        Path = path;
        Participants = participants;
    }

    /// <summary>The znode whose children are the participants.</summary>
    public string Path { get; }

    /// <summary>How many take part.</summary>
    public int Participants { get; }

    /// <summary>Waits until all participants have entered.</summary>
    /// <param name="timeout">How long; null for as long as it takes.</param>
    /// <param name="cancellation">Gives up, and does not take part.</param>
    /// <exception cref="InvalidOperationException">This participant has entered and not left.</exception>
    /// <exception cref="TimeoutException">Not all have entered in time.</exception>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public async Task EnterAsync(TimeSpan? timeout = null, CancellationToken cancellation = default)
    {
        if (_own is not null)
        {
            throw new InvalidOperationException("This participant has entered and not left");
        }

        _own = await Steps.OrThrowAsync(
            Steps.TryAsync(timeout ?? Timeout.InfiniteTimeSpan, JoinAsync, cancellation), Path).ConfigureAwait(false);
    }

    /// <summary>Waits until all participants have left or are lost with their sessions.</summary>
    /// <param name="cancellation">Gives up waiting; this participant has left all the same.</param>
    /// <exception cref="InvalidOperationException">This participant has not entered.</exception>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public async Task LeaveAsync(CancellationToken cancellation = default)
    {
        CreatedZnode own = _own ?? throw new InvalidOperationException("This participant has not entered");
        _own = null;
        try
        {
            await WaitForOthersAsync(own, cancellation).ConfigureAwait(false);
        }
        catch
        {
            OwnNode.DeleteAsync(_client, own.Path).Forget();
            throw;
        }
    }

    private async Task<CreatedZnode?> JoinAsync(CancellationToken cancellation)
    {
        CreatedZnode? own = null;
        try
        {
            own = await Steps.OrUndoAsync(
                OwnNode.TryCreateAsync(_client, Paths.Join(Path, Paths.Unique()), default), UndoAsync, cancellation)
                .ConfigureAwait(false);
            await WaitForReadyAsync(cancellation).ConfigureAwait(false);
            return own;
        }
        catch
        {
            UndoAsync(own).Forget();
            throw;
        }
    }

    private async Task UndoAsync(CreatedZnode? own)
    {
        if (own is not null)
        {
            await OwnNode.DeleteAsync(_client, own.Path).ConfigureAwait(false);
        }
    }

    private async Task WaitForReadyAsync(CancellationToken cancellation)
    {
        bool announced = false;
        while (true)
        {
            Watched<Stat?> ready = await _client.LookAndWatchAsync(_ready, cancellation).ConfigureAwait(false);
            _round = MembersOf(await _client.ListAsync(Path, cancellation).ConfigureAwait(false));
            if (announced || ready.Value is not null)
            {
                return;
            }

            if (_round.Count >= Participants)
            {
                // Ephemeral, so that it does not let the next ones pass when all of these crash.
                await OwnNode.TryCreateAsync(_client, _ready, default).ConfigureAwait(false);
                return;
            }

            // It may be gone again before this one looks: that it came is enough.
            WatchEvent what = await ready.Changed.WaitAsync(cancellation).ConfigureAwait(false);
            announced = what.Kind == WatchEventKind.Created;
        }
    }

    /// <summary>
    /// The lowest waits for the highest, again and again, and goes last; the others go at once and wait for the lowest.
    /// </summary>
    private async Task WaitForOthersAsync(CreatedZnode own, CancellationToken cancellation)
    {
        string self = Paths.NameOf(own.Path);
        while (true)
        {
            ZnodeChildren? children = await _client.ListAsync(Path, cancellation).ConfigureAwait(false);
            // Those who were quick to leave may have entered the next round already.
            string[] present = [.. MembersOf(children).Where(_round.Contains).Order(StringComparer.Ordinal)];
            bool isPresent = present.Contains(self);
            if (present.Length == (isPresent ? 1 : 0))
            {
                await EndRoundAsync(own, isPresent, children).ConfigureAwait(false);
                return;
            }

            string awaited = present[0] == self ? present[^1] : present[0];
            if (isPresent && present[0] != self)
            {
                await OwnNode.DeleteAsync(_client, own.Path).ConfigureAwait(false);
            }

            Watched<ZnodeData>? other = await _client
                .ReadAndWatchAsync(Paths.Join(Path, awaited), cancellation).ConfigureAwait(false);
            if (other is { } still)
            {
                await still.Changed.WaitAsync(cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task EndRoundAsync(CreatedZnode own, bool isPresent, ZnodeChildren? children)
    {
        // In this order: whoever sees this participant gone must not find the round open still.
        if (children?.Names.Contains(ReadyName) == true)
        {
            await new CoordBarrier(_client, _ready).RemoveAsync(CancellationToken.None).ConfigureAwait(false);
        }

        if (isPresent)
        {
            await OwnNode.DeleteAsync(_client, own.Path).ConfigureAwait(false);
        }
    }

    private static HashSet<string> MembersOf(ZnodeChildren? children) =>
        [.. (children?.Names ?? []).Where(static name => name != ReadyName)];
}
