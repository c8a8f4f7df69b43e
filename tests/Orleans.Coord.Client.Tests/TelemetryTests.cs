using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Client.Tests;

public sealed class TelemetryTests
{
    private const string Name = "Orleans.Coord";

    [Fact]
    public async Task Requests_are_measured_and_traced_with_their_errors()
    {
        // Other tests run at the same time: only what concerns these paths counts.
        var spans = new ConcurrentQueue<(string Name, string? Path, object? Error)>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity => spans.Enqueue(
                (activity.DisplayName, (string?)activity.GetTagItem("coord.path"), activity.GetTagItem("error.type"))),
        };
        ActivitySource.AddActivityListener(listener);
        var durations = new ConcurrentQueue<(double Seconds, string? Method)>();
        using var meters = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument is { Meter.Name: Name, Name: "rpc.client.call.duration" })
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        meters.SetMeasurementEventCallback<double>((_, seconds, tags, _) =>
            durations.Enqueue((seconds, tags.ToArray().Single(tag => tag.Key == "rpc.method").Value as string)));
        meters.Start();

        using var server = new FakeServer();
        await using CoordClient client = server.NewClient();
        using FakeConnection connection = await server.WelcomeAsync();
        Task<ZnodeData?> missing = client.TryGetAsync("/telemetry-a");
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.GetData), CoordErrorCode.NoNode);
        Assert.Null(await missing.Soon());
        Task<Stat> set = client.SetAsync("/telemetry-b", default);
        await connection.ReplyAsync(await connection.ExpectAsync(OpCode.SetData), 1, Bodies.OfStat());
        await set.Soon();

        Assert.Contains(("coord/GetData", "/telemetry-a", (object?)"NoNode"), spans);
        Assert.Contains(("coord/SetData", "/telemetry-b", null), spans);
        Assert.Contains(durations, duration => duration is { Method: "SetData", Seconds: > 0 });
    }
}
