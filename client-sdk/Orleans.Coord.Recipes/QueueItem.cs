namespace Orleans.Coord.Recipes;

/// <summary>
/// An entry of a queue that this consumer has taken. Others cannot take it until it is disposed without
/// <see cref="CompleteAsync"/>, or the session is lost.
/// </summary>
public sealed class QueueItem : IAsyncDisposable
{
    private readonly CoordClient _client;
    private readonly CoordHandle _claim;
    private readonly string _entry;
    private volatile Task? _completion;

    internal QueueItem(CoordClient client, CoordHandle claim, string entry, ReadOnlyMemory<byte> data)
    {
        _client = client;
        _claim = claim;
        _entry = entry;
        Data = data;
    }

    /// <summary>What was put in.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>
    /// Greater at every taking, also of the same entry: for other stores to refuse a late write with.
    /// </summary>
    public long FencingToken => _claim.FencingToken;

    /// <summary>Cancelled when the entry is lost to other consumers; not by completing or giving back.</summary>
    public CancellationToken HandleLostToken => _claim.HandleLostToken;

    /// <summary>False once it was completed or given back or is known to be lost.</summary>
    public bool IsHeld => _claim.IsHeld;

    /// <summary>
    /// Removes the entry for good, if it is still held. Happens once, also over a broken connection.
    /// </summary>
    /// <param name="with">
    /// Adds writes that happen with the removal or not at all; may run several times, of which one counts.
    /// </param>
    /// <exception cref="TransactionFailedException">It was no longer held, or an added write was refused.</exception>
    /// <exception cref="SessionLostException">The session has expired; another consumer may get the entry.</exception>
    /// <exception cref="InvalidOperationException">It was completed or given back before.</exception>
    public async Task CompleteAsync(Action<CoordTransaction>? with = null)
    {
        bool mine = false;
        Task done = _claim.ReleaseByAsync(() =>
        {
            mine = true;
            return _completion = RemoveAsync(with);
        });
        if (!mine)
        {
            throw new InvalidOperationException("The entry was completed or given back before");
        }

        await done.ConfigureAwait(false);
    }

    /// <summary>Gives the entry back, unless it was completed: it is the first to be taken next.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_completion is { } completion)
        {
            // How that went its own caller has learnt.
            await completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        await _claim.DisposeAsync().ConfigureAwait(false);
    }

    private async Task RemoveAsync(Action<CoordTransaction>? with)
    {
        bool unsure = false;
        while (true)
        {
            try
            {
                if (unsure && await IsGoneAsync().ConfigureAwait(false))
                {
                    return;
                }

                unsure = true;
                CoordTransaction removal = _client.Transaction().Delete(_claim.Path).Delete(_entry);
                with?.Invoke(removal);
                await removal.CommitAsync().ConfigureAwait(false);
                return;
            }
            catch (TransactionFailedException e) when (e.FailedIndex != 0)
            {
                await OwnNode.DeleteAsync(_client, _claim.Path).ConfigureAwait(false);
                throw;
            }
            catch (CoordException e) when (e.Code == CoordErrorCode.ConnectionLoss)
            {
                // Nobody else removes what this one has claimed: the next round finds out.
            }
        }
    }

    private async Task<bool> IsGoneAsync()
    {
        await _client.SyncAsync(_entry).ConfigureAwait(false);
        return await _client.ExistsAsync(_entry).ConfigureAwait(false) is null;
    }
}
