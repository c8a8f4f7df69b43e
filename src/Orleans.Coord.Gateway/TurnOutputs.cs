using Orleans.Coord.Replication;

namespace Orleans.Coord.Gateway;

/// <summary>
/// The outputs that one turn wrote to, for a host's pump:
/// <code>
/// ICoordFrontend.FlushLater(output) => _outputs.Add(output);      // called within the turn
///
/// ...the turn's work...
/// List&lt;ITurnOutput&gt;? written = _outputs.EndTurn();               // the turn's last act
/// ...let the next turn begin...
/// _outputs.Flush(written);                                        // outside of the turn
/// </code>
/// </summary>
public sealed class TurnOutputs
{
    private List<ITurnOutput> _current = [];
    private List<ITurnOutput>? _spare = [];

    /// <summary>Notes an output that the turn wrote to. Part of the turn.</summary>
    public void Add(ITurnOutput output) => _current.Add(output);

    /// <summary>Ends the turn for all outputs noted.</summary>
    /// <returns>What <see cref="Flush"/> must be given; null when the turn wrote nothing.</returns>
    public List<ITurnOutput>? EndTurn()
    {
        if (_current.Count == 0)
        {
            return null;
        }

        List<ITurnOutput> written = _current;
        _current = Interlocked.Exchange(ref _spare, null) ?? [];
        foreach (ITurnOutput output in written)
        {
            output.EndTurn();
        }

        return written;
    }

    /// <summary>Sends what the turn wrote. Outside of the turn; the next one may be running.</summary>
    public void Flush(List<ITurnOutput>? written)
    {
        if (written is null)
        {
            return;
        }

        foreach (ITurnOutput output in written)
        {
            output.Flush();
        }

        written.Clear();
        Volatile.Write(ref _spare, written);
    }
}
