using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Configuration;

namespace Orleans.Coord.Client.Hosting;

/// <summary>Follows a subtree of znodes and tells the configuration's users of every change.</summary>
internal sealed class CoordConfigurationProvider(CoordConfigurationSource source)
    : ConfigurationProvider, IAsyncDisposable, IDisposable
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _read = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CoordClientSource _sessions = new(source.Client);
    private readonly Lock _gate = new();
    private Task? _run;
    private bool _startedWithoutServers;

    /// <summary>Reads the znodes, or the file when no server answers in time.</summary>
    /// <exception cref="InvalidOperationException">Neither was to be had.</exception>
    public override void Load()
    {
        if (_run is not null)
        {
            // The content is always the newest that there is.
            return;
        }

        _run = Task.Run(RunAsync);
        // The configuration's interface knows no asynchronous start.
        if (Task.WaitAny([_read.Task], source.StartTimeout) == 0)
        {
            _read.Task.GetAwaiter().GetResult();
            return;
        }

        lock (_gate)
        {
            if (_read.Task.IsCompletedSuccessfully)
            {
                return;
            }

            _startedWithoutServers = true;
            if (source.CacheFile is { } file && File.Exists(file))
            {
                Data = ReadFile(file);
                return;
            }
        }

        if (!source.Optional)
        {
            Dispose();
            throw new InvalidOperationException(
                $"The configuration at {source.Path} could not be read from {source.Client.ConnectionString} in "
                + $"{source.StartTimeout}, and there is no file with an earlier one. Start a server, or make it "
                + "optional.");
        }
    }

    // Does not wait: it may be called from a callback of the very change that is being told.
    public void Dispose() => _ = DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        if (_run is not null)
        {
            await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await _sessions.DisposeAsync().ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                CoordClient client = await _sessions.GetAsync(_stop.Token).ConfigureAwait(false);
                CoordTreeCache cache = await CoordTreeCache.StartAsync(
                    client, source.Path, cancellation: _stop.Token).ConfigureAwait(false);
                await using (cache.ConfigureAwait(false))
                {
                    await foreach (IReadOnlyDictionary<string, ZnodeData> znodes in
                        cache.WatchAsync(_stop.Token).ConfigureAwait(false))
                    {
                        Take(znodes);
                    }
                }
            }
            catch (Exception e) when (!_stop.IsCancellationRequested)
            {
                // At the start the caller hears of a refusal; later the last content stays in force.
                if (e is CoordException { Code: CoordErrorCode.NoAuth or CoordErrorCode.AuthFailed })
                {
                    _read.TrySetException(e);
                }

                await Task.Delay(RetryDelay, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void Take(IReadOnlyDictionary<string, ZnodeData> znodes)
    {
        var next = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        int prefix = source.Path.Length == 1 ? 1 : source.Path.Length + 1;
        foreach ((string path, ZnodeData node) in znodes)
        {
            if (path.Length > prefix && node.Data.Length > 0)
            {
                next[path[prefix..].Replace('/', ':')] = Encoding.UTF8.GetString(node.Data.Span);
            }
        }

        bool tell;
        lock (_gate)
        {
            bool same = next.Count == Data.Count
                && next.All(pair => Data.TryGetValue(pair.Key, out string? value) && value == pair.Value);
            Data = next;
            tell = (!_read.TrySetResult() || _startedWithoutServers) && !same;
        }

        if (tell)
        {
            OnReload();
        }

        if (source.CacheFile is { } file)
        {
            TryWriteFile(file, next);
        }
    }

    // Written aside and renamed: a crash leaves the old content or the new.
    private static void TryWriteFile(string file, Dictionary<string, string?> content)
    {
        try
        {
            string aside = file + ".new";
            File.WriteAllBytes(aside, JsonSerializer.SerializeToUtf8Bytes(
                content, ConfigurationJson.Default.DictionaryStringString));
            File.Move(aside, file, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The application has its configuration; a disk that is full must not take it away.
        }
    }

    private static Dictionary<string, string?> ReadFile(string file)
    {
        Dictionary<string, string?>? content = JsonSerializer.Deserialize(
            File.ReadAllBytes(file), ConfigurationJson.Default.DictionaryStringString);
        return new(content ?? [], StringComparer.OrdinalIgnoreCase);
    }
}

/// <summary>Reads and writes the file without reflection.</summary>
[JsonSerializable(typeof(Dictionary<string, string?>))]
internal sealed partial class ConfigurationJson : JsonSerializerContext;
