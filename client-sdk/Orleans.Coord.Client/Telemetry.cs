using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Orleans.Coord.Client;

/// <summary>
/// Metrics and traces under the name <c>Orleans.Coord</c>, with attributes named by OpenTelemetry's conventions for
/// clients. Without a listener a request pays one look at two flags.
/// </summary>
internal static class Telemetry
{
    /// <summary>Of the meter and of the activity source.</summary>
    private const string Name = "Orleans.Coord";

    private const string SystemTag = "rpc.system";
    private const string MethodTag = "rpc.method";
    private const string ErrorTag = "error.type";
    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);

    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>(
        "rpc.client.call.duration", "s", "How long requests took, waiting and repeating included");

    private static readonly Counter<long> Connections = Meter.CreateCounter<long>(
        "coord.client.connections", "{connection}", "Connections that attached a session");

    private static readonly Counter<long> LostSessions = Meter.CreateCounter<long>(
        "coord.client.sessions.lost", "{session}", "Sessions that expired");

    private static readonly Counter<long> Repeats = Meter.CreateCounter<long>(
        "coord.client.requests.repeated", "{request}", "Requests that were sent again on a new connection");

    /// <summary>Whether anybody listens.</summary>
    public static bool IsOn => Duration.Enabled || Source.HasListeners();

    public static void Connected() => Connections.Add(1);

    public static void SessionWasLost() => LostSessions.Add(1);

    public static void Repeated(int requests) => Repeats.Add(requests);

    /// <summary>Begins to watch a request.</summary>
    public static Call Begin(Request request) => new(request.Code.ToString(), request.Path);

    /// <summary>One request being watched, until it is disposed.</summary>
    internal sealed class Call : IDisposable
    {
        private readonly string _method;
        private readonly long _start = Stopwatch.GetTimestamp();
        private readonly Activity? _activity;
        private string? _error;

        public Call(string method, string? path)
        {
            _method = method;
            _activity = Source.StartActivity($"coord/{method}", ActivityKind.Client);
            _activity?.SetTag(SystemTag, "coord").SetTag(MethodTag, method).SetTag("coord.path", path);
        }

        public void Ended(CoordErrorCode code) => _error = code == CoordErrorCode.Ok ? null : code.ToString();

        public void Failed(Exception error) =>
            _error = error is CoordException coord ? coord.Code.ToString() : error.GetType().FullName;

        public void Dispose()
        {
            var tags = new TagList { { SystemTag, "coord" }, { MethodTag, _method } };
            if (_error is not null)
            {
                tags.Add(ErrorTag, _error);
                _activity?.SetTag(ErrorTag, _error).SetStatus(ActivityStatusCode.Error);
            }

            Duration.Record(Stopwatch.GetElapsedTime(_start).TotalSeconds, tags);
            _activity?.Dispose();
        }
    }
}
