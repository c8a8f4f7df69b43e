// A worker of which several may run and one works at a time. In two or more shells:
//
//     ./coord up
//     dotnet run --project samples/LeaderWorker -- 127.0.0.1:2181 ann
//     dotnet run --project samples/LeaderWorker -- 127.0.0.1:2181 bob
//
// Kill the one that leads: the other takes over as soon as the session of the first has timed out, or at once after
// Ctrl-C.
using Orleans.Coord.Client;
using Orleans.Coord.Recipes;

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: LeaderWorker HOST:PORT NAME");
    return 2;
}

string name = args[1];
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};
await using var sessions = new CoordClientSource(
    new CoordClientOptions { ConnectionString = args[0], SessionTimeout = TimeSpan.FromSeconds(4) });
try
{
    await foreach (CoordClient client in sessions.WatchAsync(stop.Token))
    {
        try
        {
            Console.WriteLine($"{name}: stands for election");
            // snippet: leader-election
            var election = new LeaderElection(client, "/samples/leader", name);
            await election.RunAsync(async (leadership, lost) =>
            {
                Console.WriteLine($"{name}: leads, token {leadership.FencingToken}");
                while (true)
                {
                    // The work: it stops with the token, before another candidate can lead.
                    await Task.Delay(TimeSpan.FromSeconds(1), lost);
                }
            }, stop.Token);
            // end snippet
        }
        catch (SessionLostException)
        {
            Console.WriteLine($"{name}: the session was lost");
        }
        catch (OperationCanceledException) when (client.SessionLost.IsCancellationRequested)
        {
            Console.WriteLine($"{name}: the leadership was lost with the session");
        }
    }
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    Console.WriteLine($"{name}: stopped");
}

return 0;
