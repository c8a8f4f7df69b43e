// One lock that changes hands; benchmarks/hand-offs runs it. Contenders have a session each, spread over the servers,
// and take the lock again as soon as they have given it back. Prints one line of JSON; a time is that from one grant to
// the next. Ends with 3 when nobody is granted the lock for too long.
using System.Globalization;
using Orleans.Coord.Client;
using Orleans.Coord.HandOffs;

if (args.Length != 4)
{
    Console.Error.WriteLine("usage: Orleans.Coord.HandOffs HOST:PORT,... CONTENDERS HAND-OFFS STALL-SECONDS");
    return 2;
}

string[] servers = args[0].Split(',');
int[] numbers = [.. args[1..].Select(text => int.Parse(text, CultureInfo.InvariantCulture))];
CoordClient[] clients = await Task.WhenAll(Enumerable.Range(0, numbers[0]).Select(i =>
{
    // Each has a server of its own to begin with, and the others to move to.
    int first = i % servers.Length;
    return CoordClient.ConnectAsync(new CoordClientOptions
    {
        ConnectionString = string.Join(',', servers[first..].Concat(servers[..first])),
        ShuffleServers = false,
        SessionTimeout = TimeSpan.FromSeconds(30),
    });
}));
var grants = new Grants(numbers[1]);
Task stalled = grants.WatchAsync(TimeSpan.FromSeconds(numbers[2]));
Task contending = Task.WhenAll(clients.Select(client => Task.Run(() => grants.ContendAsync(client))));
if (await Task.WhenAny(contending, stalled) == stalled)
{
    await stalled;
    await Console.Error.WriteLineAsync(
        $"no hand-off for {numbers[2]} s, after {grants.Count:N0}; " + await Grants.DescribeLineAsync(clients[0]));
    return 3;
}

await contending;
Console.WriteLine(grants.ToJson());
foreach (CoordClient client in clients)
{
    await client.DisposeAsync();
}

return 0;
