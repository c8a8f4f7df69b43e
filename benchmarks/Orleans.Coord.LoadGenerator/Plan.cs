namespace Orleans.Coord.LoadGenerator;

/// <summary>The phases of a run: what to prepare, how to warm up, what to measure.</summary>
internal sealed record Plan(IReadOnlyList<Phase> Preparation, Phase? WarmUp, Phase Measured)
{
    public int MaxDepth => All.Max(phase => phase.Depth);

    public int MaxFrameLength => All.Max(phase => phase.WorkloadFor(0).MaxFrameLength);

    private IEnumerable<Phase> All => Preparation.Append(Measured);
}

/// <summary>Turns the options into a plan.</summary>
internal sealed class Planner
{
    // Preparation is not measured; it only has to be quick.
    private const int PreparationDepth = 128;

    private readonly Options _options;
    private readonly byte[] _value;

    private Planner(Options options)
    {
        _options = options;
        _value = new byte[options.ValueSize];
        new Random(1).NextBytes(_value);
    }

    public static Plan PlanFor(Options options)
    {
        var planner = new Planner(options);
        return options.Operation switch
        {
            Operation.Load => planner.Load(),
            Operation.Create => planner.Create(),
            Operation.Delete => planner.Delete(),
            _ => planner.UseKeys(),
        };
    }

    private Plan UseKeys()
    {
        string root = _options.Root + "/keys";
        NodePath keys = NodePath.NodesUnder(root, _options.Parents);
        List<Phase> preparation =
        [
            .. EnsureParents(root),
            Prepare(RequestTemplate.Create(keys, _value), _options.Keys),

            // Keys of an earlier run may hold values of another size.
            Prepare(RequestTemplate.Set(keys, _value), _options.Keys),
        ];
        Phase measured = Measure(worker => KeyWorkload(keys, (ulong)worker));
        return new Plan(preparation, WarmUpOf(measured), measured);
    }

    private RandomKeyWorkload KeyWorkload(NodePath keys, ulong seed)
    {
        RequestTemplate read = _options.Operation == Operation.Exists
            ? RequestTemplate.Exists(keys)
            : RequestTemplate.Get(keys);
        int readPercent = _options.Operation switch
        {
            Operation.Set => 0,
            Operation.Mix => _options.ReadPercent,
            _ => 100,
        };
        return new RandomKeyWorkload(read, RequestTemplate.Set(keys, _value), readPercent, _options.Keys, seed);
    }

    private Plan Create()
    {
        string run = NewRunRoot();
        Phase measured = Measure(_ => CreateUnder(run));
        Phase? warmUp = WarmUpOf(measured) is { } phase
            ? phase with { WorkloadFor = _ => CreateUnder(run + "/warm-up") }
            : null;
        return new Plan([.. EnsureParents(run), .. EnsureParents(run + "/warm-up")], warmUp, measured);
    }

    private Plan Delete()
    {
        string run = NewRunRoot();
        NodePath nodes = NodePath.NodesUnder(run, _options.Parents);
        Phase fill = Prepare(RequestTemplate.Create(nodes, _value), _options.Count!.Value);
        Phase measured = Measure(_ => new SequentialWorkload(RequestTemplate.Delete(nodes)));
        return new Plan([.. EnsureParents(run), fill], null, measured);
    }

    private Plan Load() =>
        new([.. EnsureParents(_options.Root)], null, Measure(_ => CreateUnder(_options.Root)));

    private SequentialWorkload CreateUnder(string root) =>
        new(RequestTemplate.Create(NodePath.NodesUnder(root, _options.Parents), _value));

    /// <summary>Creates what is missing of the root's ancestors, the root itself and its parent nodes.</summary>
    private IEnumerable<Phase> EnsureParents(string root)
    {
        for (int slash = root.IndexOf('/', 1); ; slash = root.IndexOf('/', slash + 1))
        {
            string path = slash < 0 ? root : root[..slash];
            yield return Prepare(RequestTemplate.Create(NodePath.Fixed(path), []), 1);
            if (slash < 0)
            {
                break;
            }
        }

        yield return Prepare(RequestTemplate.Create(NodePath.ParentsUnder(root), []), _options.Parents);
    }

    /// <summary>A run that creates nodes needs a place where no earlier run left any.</summary>
    private string NewRunRoot() => $"{_options.Root}/run-{DateTimeOffset.UtcNow.ToUnixTimeMilliseconds():x}";

    private static Phase Prepare(RequestTemplate request, long count) => new()
    {
        WorkloadFor = _ => new SequentialWorkload(request),
        Count = count,
        Depth = PreparationDepth,
        ToleratedError = ErrorCode.NodeExists,
    };

    private Phase Measure(Func<int, Workload> workloadFor) => new()
    {
        WorkloadFor = workloadFor,
        Count = _options.Count,
        Seconds = _options.Count is null ? _options.Seconds : null,
        Depth = _options.Depth,
        Rate = _options.Rate,
    };

    private Phase? WarmUpOf(Phase measured) => _options.WarmUpSeconds > 0
        ? measured with { Count = null, Seconds = _options.WarmUpSeconds }
        : null;
}
