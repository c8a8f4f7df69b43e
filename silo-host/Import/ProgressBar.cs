namespace Orleans.Coord.SiloHost.Import;

/// <summary>Tells the operator how far an import is, on one line of the terminal where there is one.</summary>
internal sealed class ProgressBar
{
    private const int Width = 30;
    private const long ShowEveryMs = 200;

    private long _shownMs;
    private bool _onLine;

    /// <summary>How many znodes there will be; 0 while nobody knows.</summary>
    public long Total { get; set; }

    /// <summary>So many are done.</summary>
    public void Show(long done)
    {
        long now = Environment.TickCount64;
        if (Console.IsErrorRedirected || (now - _shownMs < ShowEveryMs && done != Total))
        {
            return;
        }

        _shownMs = now;
        _onLine = true;
        int filled = Total > 0 ? (int)(Math.Min(done, Total) * Width / Total) : 0;
        string bar = new string('#', filled).PadRight(Width, '.');
        string count = Total > 0 ? $"{done} of {Total}" : $"{done}";
        Console.Error.Write($"\r[{bar}] {count} znodes ");
    }

    /// <summary>Prints a line of its own.</summary>
    public void Say(string line)
    {
        if (_onLine)
        {
            Console.Error.WriteLine();
            _onLine = false;
        }

        Console.Error.WriteLine("coord: " + line);
    }
}
