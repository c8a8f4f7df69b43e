namespace Orleans.Coord.LoadGenerator;

/// <summary>What one worker saw in one phase; merged over workers when the phase is over.</summary>
internal sealed class Tally(int toleratedError)
{
    private const int ErrorCodes = 256;

    private readonly long[] _errors = new long[ErrorCodes];

    public Histogram Latency { get; } = new();

    public long Succeeded { get; private set; }

    public long Failed { get; private set; }

    /// <summary>Requests that the rate called for and that could not be sent before the time was up.</summary>
    public long Unsent { get; set; }

    public void Record(long latency, int error)
    {
        if (error == 0 || error == toleratedError)
        {
            Succeeded++;
            Latency.Record(latency);
            return;
        }

        Failed++;
        _errors[Math.Min((uint)-error, ErrorCodes - 1)]++;
    }

    public void Add(Tally other)
    {
        Latency.Add(other.Latency);
        Succeeded += other.Succeeded;
        Failed += other.Failed;
        Unsent += other.Unsent;
        for (int i = 0; i < ErrorCodes; i++)
        {
            _errors[i] += other._errors[i];
        }
    }

    /// <summary>The error replies by code, most frequent first, such as <c>NoNode (-101) x 12</c>.</summary>
    public string DescribeErrors() => string.Join(", ", _errors
        .Select((count, code) => (count, code))
        .Where(entry => entry.count > 0)
        .OrderByDescending(entry => entry.count)
        .Select(entry => $"{ErrorCode.NameOf(-entry.code)} x {entry.count:N0}"));
}
