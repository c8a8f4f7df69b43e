namespace Orleans.Coord.LoadGenerator;

/// <summary>What the process tells its caller when it ends.</summary>
internal enum ExitCode
{
    Success = 0,
    ErrorReplies = 1,
    Usage = 2,
    CannotConnect = 3,
    ServerLost = 4,
}

/// <summary>A failure that ends the run with one clear sentence and no stack trace.</summary>
internal sealed class LoadException(ExitCode exitCode, string message) : Exception(message)
{
    public ExitCode ExitCode { get; } = exitCode;
}
