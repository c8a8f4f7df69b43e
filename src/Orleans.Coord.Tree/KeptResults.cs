using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Orleans.Coord.Tree;

/// <summary>The original answer to a numbered write.</summary>
/// <param name="Number">The client's number for it, from 1.</param>
/// <param name="Zxid">The entry that ran it.</param>
/// <param name="Code">The reply's code.</param>
/// <param name="Body">The reply's body; empty unless the code is 0.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct KeptResult(long Number, long Zxid, CoordErrorCode Code, byte[] Body);

/// <summary>A session's kept results as a snapshot has them.</summary>
internal sealed record KeptState(long Lowest, long Last, KeptResult[] Results);

/// <summary>
/// The answers that a session's client may not have seen yet: a write that is sent again gets its original answer
/// from here instead of running twice. Part of the replicated state.
/// </summary>
internal sealed class KeptResults
{
    /// <summary>How far a number may be above the lowest unanswered one: as many results are kept at most.</summary>
    public const int MaxCount = 1024;

    /// <summary>Bytes of kept bodies above which the session's next write is refused.</summary>
    public const int MaxBytes = 4 << 20;

    private readonly Queue<KeptResult> _results;
    private ulong _sum;
    private int _bytes;

    public KeptResults()
        : this(new KeptState(1, 0, []))
    {
    }

    public KeptResults(KeptState state)
    {
        Lowest = state.Lowest;
        Last = state.Last;
        _results = new Queue<KeptResult>(state.Results.Length);
        foreach (KeptResult result in state.Results)
        {
            Keep(result);
        }
    }

    /// <summary>The client has seen the answers to all numbers below.</summary>
    public long Lowest { get; private set; }

    /// <summary>The highest number that ran.</summary>
    public long Last { get; private set; }

    public bool IsFull => _bytes >= MaxBytes || _results.Count >= MaxCount;

    public ulong Digest => TreeHash.Step(_sum, (ulong)Lowest, (ulong)Last);

    /// <summary>Drops what the client has seen.</summary>
    public void Forget(long lowest)
    {
        Lowest = Math.Max(Lowest, lowest);
        while (_results.TryPeek(out KeptResult oldest) && oldest.Number < Lowest)
        {
            _results.Dequeue();
            _sum -= HashOf(oldest);
            _bytes -= oldest.Body.Length;
        }
    }

    public void Keep(in KeptResult result)
    {
        _results.Enqueue(result);
        Last = Math.Max(Last, result.Number);
        _sum += HashOf(result);
        _bytes += result.Body.Length;
    }

    public bool TryFind(long number, [MaybeNullWhen(false)] out KeptResult found)
    {
        foreach (KeptResult result in _results)
        {
            if (result.Number == number)
            {
                found = result;
                return true;
            }
        }

        found = default;
        return false;
    }

    public KeptState Save() => new(Lowest, Last, [.. _results]);

    private static ulong HashOf(in KeptResult result) => TreeHash.Step(
        TreeHash.Bytes(result.Body, (ulong)result.Number), (ulong)result.Zxid, (ulong)(long)result.Code);
}
