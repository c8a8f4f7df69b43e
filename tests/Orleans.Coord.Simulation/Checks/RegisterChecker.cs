using System.Globalization;

namespace Orleans.Coord.Simulation;

/// <summary>What an operation does to one register, a znode.</summary>
internal enum RegisterKind : byte
{
    Read,
    Create,
    Set,
    Delete,
}

/// <summary>One operation on one register, from the client's side: when it was sent and when answered.</summary>
internal sealed class RegisterOp(RegisterKind kind, string path, string value, int expected, long sentUs)
{
    public RegisterKind Kind { get; } = kind;

    public string Path { get; } = path;

    /// <summary>What it writes; for a read, what it saw.</summary>
    public string Value { get; set; } = value;

    /// <summary>The version that it expects; −1 for any.</summary>
    public int Expected { get; } = expected;

    public long SentUs { get; } = sentUs;

    /// <summary>When its outcome was known; the largest number if never: it may have happened, then or later.</summary>
    public long AnsweredUs { get; set; } = long.MaxValue;

    public CoordErrorCode Code { get; set; }

    /// <summary>The version that a read saw or a write made.</summary>
    public int Version { get; set; }

    /// <summary>It certainly did not happen: the multi that it was part of failed.</summary>
    public bool IsVoid { get; set; }

    /// <summary>
    /// Where the search tries it first: after its entry's index. A hint makes the search short, never its verdict.
    /// </summary>
    public long Hint { get; set; } = long.MaxValue;

    /// <summary>The request, to find a hint where no answer came.</summary>
    public (long SessionId, ulong BodyHash) Request { get; init; }

    /// <summary>The second write of a multi.</summary>
    public bool IsSecond { get; init; }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Kind} {Path} '{Value}' expected {Expected}: {Code} version {Version}, {SentUs} to {AnsweredUs} us");
}

/// <summary>
/// Linearizability of writes and synced reads, split by znode: Wing and Gong's search with Lowe's cache of visited
/// states (Lowe: "Testing for linearizability", 2017). The search is bounded; one that does not end within its budget
/// counts as a failure.
/// </summary>
internal sealed class RegisterChecker
{
    private const int MaxSteps = 400_000;
    private readonly Dictionary<string, List<RegisterOp>> _histories = new(StringComparer.Ordinal);

    public int Operations => _histories.Values.Sum(ops => ops.Count);

    public void Add(RegisterOp op)
    {
        if (!_histories.TryGetValue(op.Path, out List<RegisterOp>? history))
        {
            _histories.Add(op.Path, history = []);
        }

        history.Add(op);
    }

    public void Verify(Model model)
    {
        foreach (RegisterOp op in _histories.Values.SelectMany(ops => ops).Where(op => op.AnsweredUs == long.MaxValue))
        {
            op.Hint = model.TakeUnanswered(op.Request, op.Kind != RegisterKind.Delete) * 2;
        }

        foreach ((string path, List<RegisterOp> history) in _histories)
        {
            RegisterOp[] ops = [.. history.Where(op => !op.IsVoid).OrderBy(op => op.Hint)];
            (bool linearizable, bool ended) = new Search(ops).Run(MaxSteps);
            SimViolationException.Unless(ended, "linearizability", $"the search over {path} exceeds its budget");
            if (!linearizable)
            {
                string text = string.Join('\n', ops.Select(op => op.ToString()));
                throw new SimViolationException("linearizability", $"{path} has no order that explains\n{text}");
            }
        }
    }

    private readonly record struct State(bool Exists, int Version, string Value);

    private sealed class Search(RegisterOp[] ops)
    {
        private readonly ulong[] _done = new ulong[(ops.Length / 64) + 1];
        private readonly HashSet<(State, UInt128)> _visited = [];
        private readonly Stack<(int Op, State Before)> _path = new();
        private UInt128 _doneHash;

        public (bool Linearizable, bool Ended) Run(int maxSteps)
        {
            State state = default;
            int left = ops.Count(op => op.AnsweredUs != long.MaxValue);
            int next = 0;
            for (int steps = 0; steps < maxSteps; steps++)
            {
                if (left == 0)
                {
                    return (true, true);
                }

                if (TryStep(ref next, ref state))
                {
                    left -= ops[_path.Peek().Op].AnsweredUs != long.MaxValue ? 1 : 0;
                    next = 0;
                }
                else if (_path.TryPop(out (int Op, State Before) last))
                {
                    Flip(last.Op);
                    left += ops[last.Op].AnsweredUs != long.MaxValue ? 1 : 0;
                    state = last.Before;
                    next = last.Op + 1;
                }
                else
                {
                    return (false, true);
                }
            }

            return (false, false);
        }

        // Takes the next operation that may come first among those left, from a position on.
        private bool TryStep(ref int next, ref State state)
        {
            // Whoever was sent after another was answered comes after it.
            long limit = long.MaxValue;
            for (int i = 0; i < ops.Length; i++)
            {
                limit = IsDone(i) ? limit : Math.Min(limit, ops[i].AnsweredUs);
            }

            for (; next < ops.Length; next++)
            {
                if (ops[next].SentUs > limit || IsDone(next) || !TryApply(ops[next], state, out State after))
                {
                    continue;
                }

                Flip(next);
                if (_visited.Add((after, _doneHash)))
                {
                    _path.Push((next, state));
                    state = after;
                    return true;
                }

                Flip(next);
            }

            return false;
        }

        private bool IsDone(int op) => (_done[op >> 6] >> (op & 63) & 1) != 0;

        private void Flip(int op)
        {
            _done[op >> 6] ^= 1UL << (op & 63);
            // Zobrist's way: the set's hash is the exclusive or of its members' numbers.
            var random = new SplitMix64((ulong)op + 1);
            _doneHash ^= new UInt128(random.Next(), random.Next());
        }

        private static bool TryApply(RegisterOp op, State state, out State after)
        {
            after = state;
            bool known = op.AnsweredUs != long.MaxValue;
            CoordErrorCode code = op.Kind switch
            {
                RegisterKind.Create => state.Exists ? CoordErrorCode.NodeExists : CoordErrorCode.Ok,
                _ when !state.Exists => CoordErrorCode.NoNode,
                RegisterKind.Read => CoordErrorCode.Ok,
                _ => op.Expected == -1 || op.Expected == state.Version ? CoordErrorCode.Ok : CoordErrorCode.BadVersion,
            };
            if (code == CoordErrorCode.Ok)
            {
                after = op.Kind switch
                {
                    RegisterKind.Create => new State(true, 0, op.Value),
                    RegisterKind.Set => new State(true, state.Version + 1, op.Value),
                    RegisterKind.Delete => default,
                    _ => state,
                };
            }

            bool fits = !known || (code == op.Code && (code != CoordErrorCode.Ok || Agrees(op, after)));
            // An operation without an answer that would change nothing need not be tried.
            return fits && (known || code == CoordErrorCode.Ok);
        }

        private static bool Agrees(RegisterOp op, State after) => op.Kind switch
        {
            RegisterKind.Read => op.Version == after.Version && op.Value == after.Value,
            RegisterKind.Set => op.Version == after.Version,
            _ => true,
        };
    }
}
