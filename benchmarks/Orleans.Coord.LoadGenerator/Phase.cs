namespace Orleans.Coord.LoadGenerator;

/// <summary>One stretch of load with one kind of work; it ends by count or by time, then drains.</summary>
internal sealed record Phase
{
    /// <summary>Makes the work of one worker, given the worker's number.</summary>
    public required Func<int, Workload> WorkloadFor { get; init; }

    /// <summary>Requests of all workers together, or null to run until the time is up.</summary>
    public long? Count { get; init; }

    public double? Seconds { get; init; }

    public required int Depth { get; init; }

    /// <summary>Requests per second of all workers together; null means a closed loop.</summary>
    public double? Rate { get; init; }

    /// <summary>An error code that counts as success, or 0.</summary>
    public int ToleratedError { get; init; }
}
