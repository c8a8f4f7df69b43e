namespace Orleans.Coord.Recipes;

/// <summary>Waiting with limits, for steps that must not be cut short.</summary>
internal static class Steps
{
    /// <summary>
    /// Runs the body with a time limit; null when it ran out, which for a zero limit the body decides.
    /// </summary>
    public static async Task<T?> TryAsync<T>(
        TimeSpan timeout, Func<CancellationToken, Task<T?>> body, CancellationToken cancellation)
        where T : class
    {
        if (timeout < TimeSpan.Zero && timeout != Timeout.InfiniteTimeSpan)
        {
            throw new ArgumentOutOfRangeException(nameof(timeout), timeout, "Not negative, or infinite");
        }

        cancellation.ThrowIfCancellationRequested();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (timeout > TimeSpan.Zero)
        {
            limit.CancelAfter(timeout);
        }

        try
        {
            return await body(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            cancellation.ThrowIfCancellationRequested();
            return null;
        }
    }

    /// <summary>Turns a wait that ran out of time into an exception.</summary>
    public static async Task<T> OrThrowAsync<T>(Task<T?> attempt, string path)
        where T : class =>
        await attempt.ConfigureAwait(false) ?? throw new TimeoutException($"Not granted in time: {path}");

    /// <summary>
    /// Waits for a step that leaves something behind. When the caller gives up, the step goes on by itself, and what
    /// it leaves is undone as soon as that is known.
    /// </summary>
    public static async Task<T> OrUndoAsync<T>(Task<T> step, Func<T, Task> undo, CancellationToken cancellation)
    {
        try
        {
            return await step.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            UndoAsync(step, undo).Forget();
            throw;
        }
    }

    /// <summary>
    /// Lets a task end by itself; when it fails, the session has ended and with it what the task was for.
    /// </summary>
    public static void Forget(this Task task) => _ = task.ContinueWith(
        static ended => _ = ended.Exception,
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);

    private static async Task UndoAsync<T>(Task<T> step, Func<T, Task> undo) =>
        await undo(await step.ConfigureAwait(false)).ConfigureAwait(false);
}
