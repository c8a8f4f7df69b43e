// Two workers, one lock, one of them frozen. In three shells:
//
//     ./coord up
//     dotnet run --project samples/LockWorkers -- 127.0.0.1:2181 ann
//     dotnet run --project samples/LockWorkers -- 127.0.0.1:2181 bob
//
// They take turns. Freeze the one that works (kill -STOP PID) for ten seconds: its session ends and the other gets
// the lock. Wake it (kill -CONT PID): it still believes to hold the lock, and its write is refused.
using System.Globalization;
using System.Text;
using Orleans.Coord.Client;
using Orleans.Coord.Recipes;

if (args.Length is < 2 or > 4)
{
    Console.Error.WriteLine("usage: LockWorkers HOST:PORT NAME [FILE [MILLISECONDS]]");
    return 2;
}

string name = args[1];
var store = new FencedFile(args.Length > 2 ? args[2] : Path.Combine(Path.GetTempPath(), "lock-workers.txt"));
int workMs = args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : 500;
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
    await client.EnsurePathAsync("/samples/lock-log", cancellation: stop.Token);
    var mutex = new CoordLock(client, "/samples/lock-workers", new CoordLockOptions { Identifier = name });
    try
    {
        while (true)
        {
            await using CoordHandle handle = await mutex.AcquireAsync(cancellation: stop.Token);
            Console.WriteLine($"{name}: holds the lock, token {handle.FencingToken}");
            // The work. It is deaf to handle.HandleLostToken, so that a frozen worker comes too late.
            Thread.Sleep(workMs);
            bool written = store.TryAppend(handle.FencingToken, name);
            Console.WriteLine($"{name}: {(written ? "wrote" : "REFUSED, a later holder has written")}");
            // What is kept in the same tree needs no token: the server refuses what is not guarded by a held lock.
            byte[] entry = Encoding.UTF8.GetBytes($"{handle.FencingToken} {name}");
            await handle.GuardedTransaction()
                .Create("/samples/lock-log/entry-", entry, CreateMode.PersistentSequential)
                .CommitAsync(stop.Token);
        }
    }
    catch (CoordException e) when (e is SessionLostException or OutcomeUnknownException)
    {
        Console.WriteLine($"{name}: the session was lost; starting anew");
    }
    catch (OperationCanceledException) when (stop.IsCancellationRequested)
    {
        Console.WriteLine($"{name}: stopped");
    }
}

return 0;
