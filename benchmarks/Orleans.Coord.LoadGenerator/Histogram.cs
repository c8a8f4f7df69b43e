using System.Numerics;

namespace Orleans.Coord.LoadGenerator;

/// <summary>
/// Log-linear histogram of nanosecond latencies: every power of two is cut into 128 equal buckets, so a percentile
/// is at most 0.8% above the true value, from 1 ns to hours, with one array increment per sample.
/// </summary>
internal sealed class Histogram
{
    private const int SubBucketBits = 7;
    private const int SubBuckets = 1 << SubBucketBits;
    private const int Octaves = 64 - SubBucketBits;

    private readonly long[] _counts = new long[Octaves * SubBuckets];

    public long Count { get; private set; }

    public long Max { get; private set; }

    public void Record(long nanoseconds)
    {
        long value = Math.Max(nanoseconds, 0);
        _counts[IndexOf(value)]++;
        Count++;
        if (value > Max)
        {
            Max = value;
        }
    }

    public void Add(Histogram other)
    {
        for (int i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }

        Count += other.Count;
        Max = Math.Max(Max, other.Max);
    }

    /// <summary>The least bucket bound that <paramref name="percent"/> of the samples do not exceed.</summary>
    public long Percentile(double percent)
    {
        long wanted = Math.Max(1, (long)Math.Ceiling(Count * percent / 100));
        long seen = 0;
        for (int i = 0; i < _counts.Length; i++)
        {
            seen += _counts[i];
            if (seen >= wanted)
            {
                return Math.Min(UpperBoundOf(i), Max);
            }
        }

        return Max;
    }

    private static int IndexOf(long value)
    {
        int shift = Math.Max(0, BitOperations.Log2((ulong)value | 1) - SubBucketBits);
        return (shift << SubBucketBits) + (int)(value >> shift);
    }

    private static long UpperBoundOf(int index)
    {
        if (index < 2 * SubBuckets)
        {
            return index;
        }

        // Above the first two octaves the stored mantissa keeps its leading one, hence the -1 in the shift.
        int shift = (index >> SubBucketBits) - 1;
        long mantissa = index - (shift << SubBucketBits);
        return ((mantissa + 1) << shift) - 1;
    }
}
