// Work that is taken by one consumer at a time and done once, also when consumers die:
//
//     ./coord up
//     dotnet run --project samples/WorkQueue -- 127.0.0.1:2181 produce 20
//     dotnet run --project samples/WorkQueue -- 127.0.0.1:2181 consume ann
using System.Globalization;
using System.Text;
using Orleans.Coord.Client;
using Orleans.Coord.Recipes;

if (args.Length != 3 || args[1] is not ("produce" or "consume"))
{
    Console.Error.WriteLine("usage: WorkQueue HOST:PORT produce COUNT | consume NAME");
    return 2;
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};
await using CoordClient client = await CoordClient.ConnectAsync(
    new CoordClientOptions { ConnectionString = args[0], SessionTimeout = TimeSpan.FromSeconds(4) }, stop.Token);
var queue = new CoordQueue(client, "/samples/work");
if (args[1] == "produce")
{
    for (int i = 1; i <= int.Parse(args[2], CultureInfo.InvariantCulture); i++)
    {
        await queue.EnqueueAsync(Encoding.UTF8.GetBytes($"job {i}"), cancellation: stop.Token);
    }

    return 0;
}

await client.EnsurePathAsync("/samples/done");
try
{
    while (true)
    {
        // snippet: queue
        await using QueueItem item = await queue.TakeAsync(cancellation: stop.Token);
        string job = Encoding.UTF8.GetString(item.Data.Span);
        await Task.Delay(50, item.HandleLostToken);
        // The result and the removal happen together, or not at all: nothing is done twice.
        await item.CompleteAsync(with => with.Create("/samples/done/d-", item.Data, CreateMode.PersistentSequential));
        // end snippet
        Console.WriteLine($"{args[2]}: {job}");
    }
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 0;
}
