namespace Orleans.Coord.Replication;

/// <summary>The two clocks, as the host read them when a turn began.</summary>
/// <param name="WallMs">Milliseconds since 1970; stamps entries, may jump.</param>
/// <param name="MonotonicMs">Milliseconds of a clock that never goes back; session deadlines are kept in it.</param>
public readonly record struct TurnTime(long WallMs, long MonotonicMs);
