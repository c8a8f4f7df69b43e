namespace Orleans.Coord.Replication;

/// <summary>
/// Output gathered in a replica's turn, which the host sends when the turn is over: first
/// <see cref="EndTurn"/> as the turn's last act, then <see cref="Flush"/> outside of it.
/// </summary>
public interface ITurnOutput
{
    /// <summary>
    /// Takes over what the turn wrote, so that the next turn may write at once. Part of the turn; cheap.
    /// </summary>
    void EndTurn();

    /// <summary>
    /// Sends all that was taken over, in one socket write. Outside of the turn, from any thread, also while a later
    /// turn runs or flushes the same output: bytes leave in the order of the turns all the same.
    /// </summary>
    void Flush();
}
