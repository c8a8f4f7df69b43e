using System.Collections.Concurrent;
using Orleans.Coord.Client;

namespace Orleans.Coord.Chaos.Load;

/// <summary>Creates znodes, many at once: all acknowledged ones must be there, and none that was refused.</summary>
internal sealed class SetLoad(Run run) : ILoad
{
    private const string Parent = "/chaos/set";
    private const int AtOnce = 16;

    private readonly ConcurrentQueue<string> _acknowledged = new();
    private readonly ConcurrentQueue<string> _refused = new();
    private readonly ConcurrentQueue<string> _unknown = new();

    public string Summary =>
        $"{_acknowledged.Count} creates ({_refused.Count} refused, {_unknown.Count} unknown)";

    public Task PrepareAsync(CoordClient client) => client.EnsurePathAsync(Parent);

    public async Task RunAsync(int actor)
    {
        int number = 0;
        await run.LiveAsync(async client =>
        {
            while (!run.Stop.IsCancellationRequested)
            {
                Task[] creates = [.. Enumerable.Range(0, AtOnce).Select(
                    _ => CreateAsync(client, $"{actor}-{number++}"))];
                await Task.WhenAll(creates);

                // The log is to grow, not to flood: the other loads want their turn, and the disks are small.
                await Task.Delay(100, CancellationToken.None);
            }
        });
    }

    public async Task FinishAsync(CoordClient client)
    {
        HashSet<string> found = [.. (await client.GetChildrenAsync(Parent)).Names];
        Complain("acknowledged and missing", _acknowledged.Where(name => !found.Contains(name)));
        Complain("refused and present", _refused.Where(found.Contains));
        Complain("never asked for", found.Except(_acknowledged).Except(_unknown).Except(_refused));
    }

    private async Task CreateAsync(CoordClient client, string name)
    {
        try
        {
            await client.CreateAsync($"{Parent}/{name}");
            _acknowledged.Enqueue(name);
        }
        catch (CoordException e) when (e.Code == CoordErrorCode.SystemError)
        {
            _refused.Enqueue(name);
            throw;
        }
        catch (Exception e) when (run.IsOrdinary(e))
        {
            _unknown.Enqueue(name);
            throw;
        }
    }

    private void Complain(string what, IEnumerable<string> names)
    {
        List<string> some = [.. names.Take(5)];
        if (some.Count > 0)
        {
            run.Report($"{Parent}: {what}: {string.Join(", ", some)}");
        }
    }
}
