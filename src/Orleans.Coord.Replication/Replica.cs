namespace Orleans.Coord.Replication;

/// <summary>One member of the consensus group.</summary>
public sealed class Replica
{
}
