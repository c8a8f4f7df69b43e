namespace Orleans.Coord.Grains.Clustering;

/// <summary>Keeps the table of a cluster's silos.</summary>
internal interface ISiloTableStore
{
    /// <summary>Makes the store ready; called before all else.</summary>
    Task InitializeAsync();

    /// <summary>Reads the table; an empty one when there is none yet.</summary>
    Task<SiloTable> ReadAsync();

    /// <summary>Changes the newest table, which nobody else changes meanwhile.</summary>
    /// <param name="change">Returns whether it changed anything; may be called again with a newer table.</param>
    /// <returns>What <paramref name="change"/> returned last.</returns>
    Task<bool> ChangeAsync(Func<SiloTable, bool> change);

    /// <summary>Shows, where the store can, that a silo of this process runs.</summary>
    void ShowAlive(string silo)
    {
    }
}
