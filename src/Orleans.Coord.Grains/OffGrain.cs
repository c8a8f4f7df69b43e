namespace Orleans.Coord.Grains;

/// <summary>
/// Runs a replica's turn that a grain's turn set off: on the same thread, so that nothing is handed over between
/// threads, but outside of the grain's scheduler. A send that completes later would otherwise go on in the grain's
/// turns, and never once the grain is gone.
/// </summary>
internal static class OffGrain
{
    public static void Run(Action action)
    {
        var task = new Task(action);
        task.RunSynchronously(TaskScheduler.Default);
        task.GetAwaiter().GetResult();
    }
}
