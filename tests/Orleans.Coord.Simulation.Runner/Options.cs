using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Orleans.Coord.Simulation;

/// <summary>What the command line asks for.</summary>
internal sealed record Options
{
    private const string Usage = """
        usage: ./coord sim [--seeds N] [--from S] [--threads T] [--bug NAME] [--hunt] [--keep-going] [--lines L]

          --seeds N     how many seeds, 500 if not said; with --hunt at most so many for each bug, 1000 if not said
          --from S      the first seed, 1 if not said
          --threads T   seeds that run at the same time, one for each processor if not said
          --bug NAME    plants a bug; the run then says which seeds find it
          --hunt        for every bug that can be planted, finds the first seed that a checker sees it with
          --keep-going  does not stop at the first failure, and prints one line for each
          --lines L     how many of the newest events a failure shows; more than 80 runs each seed only once
        """;

    public long Seeds { get; init; } = 500;

    public ulong From { get; init; } = 1;

    public int Threads { get; init; } = Environment.ProcessorCount;

    public PlantedBug Bug { get; init; }

    public int Lines { get; init; } = SimWorld.DefaultTraceLines;

    public bool Hunt { get; init; }

    public bool KeepGoing { get; init; }

    public static int Refuse(string? complaint)
    {
        if (complaint is null)
        {
            Console.WriteLine(Usage);
            return 0;
        }

        Console.Error.WriteLine($"coord sim: {complaint}");
        Console.Error.WriteLine(Usage);
        return 2;
    }

    public static bool TryParse(string[] args, [NotNullWhen(true)] out Options? options, out string? complaint)
    {
        options = null;
        complaint = null;
        var read = new Options();
        bool seedsNamed = false;
        for (int i = 0; i < args.Length; i++)
        {
            string value = i + 1 < args.Length ? args[i + 1] : "";
            switch (args[i])
            {
                case "--hunt":
                    read = read with { Hunt = true, Seeds = seedsNamed ? read.Seeds : 1000 };
                    continue;
                case "--keep-going":
                    read = read with { KeepGoing = true };
                    continue;
                case "--seeds" when long.TryParse(value, CultureInfo.InvariantCulture, out long n) && n > 0:
                    read = read with { Seeds = n };
                    seedsNamed = true;
                    break;
                case "--from" when ulong.TryParse(value, CultureInfo.InvariantCulture, out ulong s):
                    read = read with { From = s };
                    break;
                case "--threads" when byte.TryParse(value, CultureInfo.InvariantCulture, out byte t) && t > 0:
                    read = read with { Threads = t };
                    break;
                case "--lines" when int.TryParse(value, CultureInfo.InvariantCulture, out int l) && l > 0:
                    read = read with { Lines = l };
                    break;
                case "--bug" when Enum.TryParse(value, ignoreCase: true, out PlantedBug bug):
                    read = read with { Bug = bug };
                    break;
                case "--help":
                    return false;
                default:
                    complaint = $"'{args[i]}{(value.Length > 0 ? " " + value : "")}' is not understood";
                    return false;
            }

            i++;
        }

        options = read;
        return true;
    }
}
