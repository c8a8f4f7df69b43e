using System.Diagnostics;
using System.Text.Json;
using Orleans.Coord.Client;
using Orleans.Coord.Recipes;

namespace Orleans.Coord.HandOffs;

/// <summary>When the lock was granted, each time; the holder notes it, so there is one writer at a time.</summary>
/// <param name="handOffs">How many there are to be, besides those that warm up.</param>
internal sealed class Grants(int handOffs)
{
    private const string Path = "/hand-offs";
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(30);

    private readonly int _warmUp = Math.Min(1_000, handOffs / 10);
    private readonly long[] _times = new long[Math.Min(1_000, handOffs / 10) + handOffs + 1];
    private long _newest;
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Takes and gives back the lock until there were enough grants, to all contenders together.</summary>
    public async Task ContendAsync(CoordClient client)
    {
        var mutex = new CoordLock(client, Path);
        while (true)
        {
            await using CoordHandle handle = await mutex.AcquireAsync().ConfigureAwait(false);
            if (!Note(handle.FencingToken))
            {
                return;
            }
        }
    }

    /// <summary>Ends when nothing was granted for so long; tells how far it is now and then.</summary>
    public async Task WatchAsync(TimeSpan limit)
    {
        long told = Stopwatch.GetTimestamp();
        long since = told;
        for (int before = -1; ; await Task.Delay(TimeSpan.FromMilliseconds(100)).ConfigureAwait(false))
        {
            int now = Count;
            since = now == before ? since : Stopwatch.GetTimestamp();
            before = now;
            if (Stopwatch.GetElapsedTime(since) > limit)
            {
                return;
            }

            if (Stopwatch.GetElapsedTime(told) > TellEvery)
            {
                told = Stopwatch.GetTimestamp();
                await Console.Error.WriteLineAsync($"  {now:N0} of {_times.Length:N0}").ConfigureAwait(false);
            }
        }
    }

    /// <summary>Who holds the lock and who waits, for the report of a stall.</summary>
    public static async Task<string> DescribeLineAsync(CoordClient client)
    {
        await client.SyncAsync(Path).ConfigureAwait(false);
        var mutex = new CoordLock(client, Path);
        IReadOnlyList<LockContender> line = await mutex.GetContendersAsync().ConfigureAwait(false);
        return $"in line, by token: {string.Join(", ", line.Select(contender => contender.FencingToken))}";
    }

    public string ToJson()
    {
        long[] times = _times[_warmUp..];
        double[] us = [.. times.Zip(times.Skip(1), static (a, b) => Stopwatch.GetElapsedTime(a, b).TotalMicroseconds)];
        double seconds = us.Sum() / 1e6;
        Array.Sort(us);
        return JsonSerializer.Serialize(new
        {
            handOffs = us.Length,
            perSecond = us.Length / seconds,
            p50Us = us[us.Length / 2],
            p99Us = us[(int)(us.Length * 0.99)],
            maxUs = us[^1],
        });
    }

    private bool Note(long token)
    {
        if (token <= _newest)
        {
            throw new InvalidOperationException($"Two holders: token {token} after {_newest}");
        }

        _newest = token;
        if (_count == _times.Length)
        {
            return false;
        }

        _times[_count] = Stopwatch.GetTimestamp();
        Volatile.Write(ref _count, _count + 1);
        return true;
    }
}
