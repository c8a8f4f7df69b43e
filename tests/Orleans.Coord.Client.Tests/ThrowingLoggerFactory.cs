using Microsoft.Extensions.Logging;

namespace Orleans.Coord.Client.Tests;

/// <summary>Loggers that fail at every call.</summary>
internal sealed class ThrowingLoggerFactory : ILoggerFactory, ILogger
{
    private int _calls;

    public int Calls => _calls;

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        Interlocked.Increment(ref _calls);
        throw new InvalidOperationException("This logger is broken");
    }
}
