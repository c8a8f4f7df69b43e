using System.Globalization;
using System.Net;

namespace Orleans.Coord.LoadGenerator;

internal enum Operation
{
    Get,
    Set,
    Exists,
    Create,
    Delete,
    Mix,
    Load,
}

/// <summary>The command line, checked. Values that depend on the operation are filled in by the parser.</summary>
internal sealed record Options
{
    private const int MaxValueSize = 1024 * 1024;
    private const int MaxDepth = 65_536;
    private const uint MaxCount = uint.MaxValue;

    public Operation Operation { get; init; }
    public EndPoint[] Servers { get; init; } = [new IPEndPoint(IPAddress.Loopback, 2181)];
    public int Connections { get; init; } = 1;
    public int Depth { get; init; } = 1;
    public int Threads { get; init; } = 1;
    public double? Rate { get; init; }
    public double Seconds { get; init; } = 5;
    public double WarmUpSeconds { get; init; } = 1;
    public long? Count { get; init; }
    public int ReadPercent { get; init; } = 90;
    public int ValueSize { get; init; } = 100;
    public uint Keys { get; init; } = 10_000;
    public int Parents { get; init; } = 1;
    public string Root { get; init; } = "/coord-load";
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);
    public int[] ServerPids { get; init; } = [];
    public bool Json { get; init; }

    /// <summary>Reads the arguments; throws a usage error that names the argument at fault.</summary>
    public static Options Parse(string[] args)
    {
        var given = new Queue<string>(args);
        Options options = new();
        if (given.TryPeek(out string? first) && !first.StartsWith('-'))
        {
            options = WithDefaultsOf(OperationNamed(given.Dequeue()));
        }

        // --op decides defaults, so it is applied before the options that override them.
        int op = Array.IndexOf(args, "--op");
        if (op >= 0 && op + 1 < args.Length)
        {
            options = WithDefaultsOf(OperationNamed(args[op + 1]));
        }

        bool depthGiven = false;
        while (given.TryDequeue(out string? name))
        {
            depthGiven |= name is "--depth" or "-d";
            options = options.With(name, given);
        }

        if (options.Rate is not null && !depthGiven)
        {
            options = options with { Depth = Math.Max(options.Depth, 256) };
        }

        return options.Threads <= options.Connections
            ? options
            : throw Usage("--threads cannot exceed --connections.");
    }

    private static Options WithDefaultsOf(Operation operation) => operation switch
    {
        Operation.Load => new Options
        {
            Operation = operation,
            Connections = 8,
            Depth = 128,
            Count = 1_000_000,
            Parents = 1000,
            Root = "/load",
        },
        Operation.Delete => new Options { Operation = operation, Count = 100_000 },
        _ => new Options { Operation = operation },
    };

    private Options With(string name, Queue<string> given)
    {
        if (name == "--json")
        {
            return this with { Json = true };
        }

        string value = given.TryDequeue(out string? next) ? next : throw Usage($"{name} needs a value.");
        return name switch
        {
            "--op" => this,
            "--server" or "-s" => this with { Servers = [.. value.Split(',').Select(EndPointNamed)] },
            "--connections" or "-c" => this with { Connections = (int)Number(name, value, 1, 100_000) },
            "--depth" or "-d" => this with { Depth = (int)Number(name, value, 1, MaxDepth) },
            "--threads" => this with { Threads = (int)Number(name, value, 1, 64) },
            "--rate" => this with { Rate = Number(name, value, 0.001, 1e9) },
            "--seconds" => this with { Seconds = Number(name, value, 0.01, 1e7) },
            "--warm-up" => this with { WarmUpSeconds = Number(name, value, 0, 1e7) },
            "--ops" or "--count" => this with { Count = (long)Number(name, value, 1, MaxCount) },
            "--read-percent" => this with { ReadPercent = (int)Number(name, value, 0, 100) },
            "--value-size" => this with { ValueSize = (int)Number(name, value, 0, MaxValueSize) },
            "--keys" => this with { Keys = (uint)Number(name, value, 1, MaxCount) },
            "--parents" => this with { Parents = (int)Number(name, value, 1, NodePath.MaxParents) },
            "--root" => this with { Root = PathNamed(value) },
            "--patience" => this with { Patience = TimeSpan.FromSeconds(Number(name, value, 1, 86_400)) },
            "--pid" => this with
            {
                ServerPids = [.. value.Split(',').Select(pid => (int)Number(name, pid, 1, int.MaxValue))],
            },
            _ => throw Usage($"Unknown option {name}."),
        };
    }

    private static Operation OperationNamed(string name) =>
        Enum.TryParse(name, ignoreCase: true, out Operation operation) && !char.IsDigit(name[0])
            ? operation
            : throw Usage($"Unknown operation '{name}': use get, set, exists, create, delete, mix or load.");

    private static EndPoint EndPointNamed(string text)
    {
        if (IPEndPoint.TryParse(text, out IPEndPoint? address) && address.Port > 0)
        {
            return address;
        }

        int colon = text.LastIndexOf(':');
        return colon > 0 && ushort.TryParse(text.AsSpan(colon + 1), CultureInfo.InvariantCulture, out ushort port)
            ? new DnsEndPoint(text[..colon], port)
            : throw Usage($"--server {text} is not of the form host:port.");
    }

    private static string PathNamed(string text) =>
        text.Length > 1 && text[0] == '/' && text[^1] != '/' && !text.Contains("//", StringComparison.Ordinal)
            ? text
            : throw Usage($"--root {text} must be an absolute path such as /coord-load.");

    private static double Number(string name, string text, double least, double most) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
        && value >= least && value <= most
            ? value
            : throw Usage($"{name} {text} is not a number from {least} to {most}.");

    private static LoadException Usage(string message) => new(ExitCode.Usage, message + " See --help.");
}
