namespace Orleans.Coord.Simulation;

/// <summary>Bugs that can be planted in the code under test.</summary>
public enum PlantedBug
{
    /// <summary>None: the code as it is shipped.</summary>
    None,
}
