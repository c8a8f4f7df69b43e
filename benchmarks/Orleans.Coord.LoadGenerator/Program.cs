using Orleans.Coord.LoadGenerator;

if (args.Length == 0 || args.Contains("--help") || args.Contains("-h"))
{
    Console.WriteLine(Help.Text);
    return (int)ExitCode.Success;
}

try
{
    if (!OperatingSystem.IsLinux())
    {
        throw new LoadException(ExitCode.Usage, "coord-load runs on Linux only: it is built on epoll.");
    }

    Options options = Options.Parse(args);
    using var runner = new Runner(options);
    Report report = runner.Run();
    Console.WriteLine(options.Json ? report.ToJson() : report.ToText());
    if (report.Tally.Unsent > 0)
    {
        Console.Error.WriteLine(
            $"coord-load: the server did not keep up; {report.Tally.Unsent:N0} requests were due and never sent, "
            + "so the true latencies are worse than the ones shown.");
    }

    if (report.Tally.Failed > 0)
    {
        Console.Error.WriteLine($"coord-load: error replies: {report.Tally.DescribeErrors()}.");
        return (int)ExitCode.ErrorReplies;
    }

    return (int)ExitCode.Success;
}
catch (LoadException error)
{
    Console.Error.WriteLine($"coord-load: {error.Message}");
    return (int)error.ExitCode;
}
