using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Orleans.Coord.LoadGenerator;

/// <summary>What the server processes used during the measured phase, added up.</summary>
internal sealed record ServerUsage(double CpuSeconds, long ResidentBytes, long PeakBytes);

/// <summary>The outcome of a run, for people or as one line of JSON.</summary>
internal sealed record Report(
    Options Options,
    Tally Tally,
    double Seconds,
    double ClientCpuSeconds,
    ServerUsage? Server)
{
    private const double NanosecondsPerMicrosecond = 1000;
    private const double BytesPerMebibyte = 1024 * 1024;

    private double OperationsPerSecond => Tally.Succeeded / Seconds;

    public string ToText()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{Describe()}");
        text.AppendLine(CultureInfo.InvariantCulture,
            $"  operations  {Tally.Succeeded:N0} in {Seconds:F2} s = {OperationsPerSecond:N0}/s, "
            + $"{Tally.Failed:N0} errors");
        text.AppendLine(CultureInfo.InvariantCulture,
            $"  latency     p50 {Micros(50):N0} us, p90 {Micros(90):N0}, p99 {Micros(99):N0}, "
            + $"p99.9 {Micros(99.9):N0}, max {Tally.Latency.Max / NanosecondsPerMicrosecond:N0}");
        if (Server is { } server)
        {
            text.AppendLine(CultureInfo.InvariantCulture,
                $"  server      {server.CpuSeconds:F2} CPU s = {Per100k(server.CpuSeconds):F3} per 100,000 operations, "
                + $"RSS {server.ResidentBytes / BytesPerMebibyte:N0} MiB, "
                + $"peak {server.PeakBytes / BytesPerMebibyte:N0}");
        }

        text.Append(CultureInfo.InvariantCulture,
            $"  this client {ClientCpuSeconds:F2} CPU s = {Per100k(ClientCpuSeconds):F3} per 100,000 operations");
        return text.ToString();
    }

    public string ToJson()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("op", Options.Operation.ToString().ToLowerInvariant());
            json.WriteNumber("connections", Options.Connections);
            json.WriteNumber("depth", Options.Depth);
            json.WriteNumber("ops", Tally.Succeeded);
            json.WriteNumber("errors", Tally.Failed);
            json.WriteNumber("unsent", Tally.Unsent);
            WriteRounded(json, "seconds", Seconds);
            WriteRounded(json, "opsPerSecond", OperationsPerSecond);
            WriteRounded(json, "p50Us", Micros(50));
            WriteRounded(json, "p90Us", Micros(90));
            WriteRounded(json, "p99Us", Micros(99));
            WriteRounded(json, "p999Us", Micros(99.9));
            WriteRounded(json, "maxUs", Tally.Latency.Max / NanosecondsPerMicrosecond);
            WriteRounded(json, "clientCpuPer100k", Per100k(ClientCpuSeconds));
            if (Server is { } server)
            {
                WriteRounded(json, "serverCpuSeconds", server.CpuSeconds);
                WriteRounded(json, "serverCpuPer100k", Per100k(server.CpuSeconds));
                json.WriteNumber("serverRssBytes", server.ResidentBytes);
                json.WriteNumber("serverPeakRssBytes", server.PeakBytes);
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static void WriteRounded(Utf8JsonWriter json, string name, double value) =>
        json.WriteNumber(name, Math.Round(value, 4));

    private string Describe()
    {
        string operation = Options.Operation switch
        {
            Operation.Mix => $"mix ({Options.ReadPercent}% reads)",
            Operation other => other.ToString().ToLowerInvariant(),
        };
        string loop = Options.Rate is { } rate ? $", open loop at {rate:N0}/s" : "";
        string servers = string.Join(", ", Options.Servers.Select(Session.Name));
        return $"{operation} on {servers}: {Options.Connections} connections x "
            + $"{Options.Depth} deep, {Options.ValueSize:N0} B values{loop}";
    }

    private double Micros(double percent) => Tally.Latency.Percentile(percent) / NanosecondsPerMicrosecond;

    private double Per100k(double cpuSeconds) => Tally.Succeeded == 0 ? 0 : cpuSeconds * 100_000 / Tally.Succeeded;
}
