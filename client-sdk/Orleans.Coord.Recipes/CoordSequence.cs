namespace Orleans.Coord.Recipes;

/// <summary>
/// Numbers of which none is ever given twice and each is greater than those given before, with gaps. One write each,
/// however many ask at a time: the number is the zxid of that write.
/// </summary>
public sealed class CoordSequence
{
    private readonly CoordClient _client;

    /// <summary>Names a sequence; nothing is sent.</summary>
    /// <param name="client">The session to write with.</param>
    /// <param name="path">The znode that is written; created when missing.</param>
    public CoordSequence(CoordClient client, string path)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(path);
        _client = client;
        Path = path;
    }

    /// <summary>The znode that is written.</summary>
    public string Path { get; }

    /// <summary>Takes the next number. A lost connection costs a number and nothing else.</summary>
    /// <param name="cancellation">Gives up; the number is never given.</param>
    /// <exception cref="SessionLostException">The session has expired.</exception>
    public async Task<long> NextAsync(CancellationToken cancellation = default)
    {
        while (true)
        {
            try
            {
                CoordResult<Stat> set = await _client
                    .TrySetAsync(Path, default, CoordClient.AnyVersion, cancellation).ConfigureAwait(false);
                if (set.Succeeded)
                {
                    return set.Value.Mzxid;
                }

                await _client.EnsurePathAsync(Path, cancellation: cancellation).ConfigureAwait(false);
            }
            catch (CoordException e) when (e.Code == CoordErrorCode.ConnectionLoss)
            {
                // Whether that write happened or not, its number was given to nobody.
            }
        }
    }
}
