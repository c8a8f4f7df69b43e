using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Orleans.Coord.Testing;

/// <summary>Keeps our own log lines; Kestrel's go nowhere.</summary>
internal sealed class TestLog : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<(int Id, LogLevel Level, string Text)> _lines = new();

    /// <summary>Lines below it are not wanted.</summary>
    public LogLevel Least { get; init; } = LogLevel.Trace;

    public IReadOnlyList<(int Id, LogLevel Level, string Text)> Lines => [.. _lines];

    public bool Has(int id, string part) => _lines.Any(line => line.Id == id && line.Text.Contains(part));

    public int Count(int id) => _lines.Count(line => line.Id == id);

    public ILogger CreateLogger(string categoryName) =>
        categoryName.StartsWith("Orleans.Coord.", StringComparison.Ordinal) ? this : new TestLog();

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= Least;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((eventId.Id, logLevel, formatter(state, exception) + exception));
}
