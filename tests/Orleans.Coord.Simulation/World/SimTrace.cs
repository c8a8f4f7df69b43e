using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Orleans.Coord.Simulation;

/// <summary>What happened, as a trace line and as part of the trace's hash.</summary>
internal enum TraceKind : byte
{
    Start,
    Refused,
    Died,
    Halted,
    Leads,
    Follows,
    Applied,
    Sent,
    Lost,
    Took,
    Fault,
    Connects,
    Welcomed,
    Turned,
    Dropped,
    Asks,
    Answered,
    Event,
    SessionEnds,
    LockTaken,
    LockLeft,
    Phase,
}

/// <summary>The last events of a run, cheap to keep, and a hash over all of them: equal for equal runs.</summary>
internal sealed class SimTrace(int lines)
{
    private readonly Item[] _ring = new Item[lines];
    private long _count;

    public ulong Hash { get; private set; } = 0xCBF29CE484222325;

    public long Count => _count;

    public void Add(long us, TraceKind kind, int who, long a = 0, long b = 0, string? text = null)
    {
        _ring[_count++ % _ring.Length] = new Item(us, kind, who, a, b, text);
        Mix((ulong)us);
        Mix(((ulong)kind << 56) ^ ((ulong)(uint)who << 40) ^ (ulong)a);
        Mix((ulong)b);
    }

    /// <summary>The newest events, oldest first, one line each.</summary>
    public string Describe()
    {
        var text = new StringBuilder();
        for (long i = Math.Max(0, _count - _ring.Length); i < _count; i++)
        {
            Item item = _ring[i % _ring.Length];
            text.Append(CultureInfo.InvariantCulture, $"{item.Us / 1000.0,10:F3} ms  {item.Kind,-11} ");
            text.Append(CultureInfo.InvariantCulture, $"{Name(item.Who),-4} {item.A} {item.B} {item.Text}");
            text.Append('\n');
        }

        return text.ToString();
    }

    /// <summary>Takes into the hash what no line shows.</summary>
    public void Mix(ulong value)
    {
        ulong h = (Hash ^ value) * 0x9E3779B97F4A7C15;
        Hash = h ^ (h >> 29);
    }

    // Members are numbered from 1, clients from 101.
    private static string Name(int who) => who switch
    {
        0 => "-",
        > 100 => string.Create(CultureInfo.InvariantCulture, $"c{who - 100}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"m{who}"),
    };

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Item(long Us, TraceKind Kind, int Who, long A, long B, string? Text);
}
