// Two workers, one lock, one of them frozen. In three shells:
//
//     ./coord up
//     dotnet run --project samples/LockWorkers -- 127.0.0.1:2181 ann
//     dotnet run --project samples/LockWorkers -- 127.0.0.1:2181 bob
//
// They take turns. Freeze the one that works (kill -STOP PID) for ten seconds: its session ends and the other gets
// the lock. Wake it (kill -CONT PID): it still believes to hold the lock, and its write is refused.
using Orleans.Coord.Client;
using Orleans.Coord.Recipes;

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: LockWorkers HOST:PORT NAME");
    return 2;
}

string name = args[1];
var store = new FencedFile(Path.Combine(Path.GetTempPath(), "lock-workers.txt"));
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};
Console.WriteLine($"{name}: process {Environment.ProcessId}; Ctrl-C stops");
while (!stop.IsCancellationRequested)
{
    // A session that is lost does not come back: each round of this loop has a new one.
    await using CoordClient client = await CoordClient.ConnectAsync(
        new CoordClientOptions { ConnectionString = args[0], SessionTimeout = TimeSpan.FromSeconds(4) }, stop.Token);
    var mutex = new CoordLock(client, "/samples/lock-workers", new CoordLockOptions { Identifier = name });
    try
    {
        while (true)
        {
            await using CoordHandle handle = await mutex.AcquireAsync(cancellation: stop.Token);
            Console.WriteLine($"{name}: holds the lock, token {handle.FencingToken}");
            // The work. It is deaf to handle.HandleLostToken, so that a frozen worker comes too late.
            Thread.Sleep(500);
            bool written = store.TryAppend(handle.FencingToken, name);
            Console.WriteLine($"{name}: {(written ? "wrote" : "REFUSED, a later holder has written")}");
        }
    }
    catch (SessionLostException)
    {
        Console.WriteLine($"{name}: the session was lost; starting anew");
    }
    catch (OperationCanceledException) when (stop.IsCancellationRequested)
    {
        Console.WriteLine($"{name}: stopped");
    }
}

return 0;
