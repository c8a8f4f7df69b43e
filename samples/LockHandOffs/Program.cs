// Measures how often a lock changes hands:
//
//     dotnet run -c Release --project samples/LockHandOffs -- 127.0.0.1:2181 16 10000
//
// Contenders have a session each and take the lock again as soon as they have given it back. kazoo_hand_offs.py does
// the same with kazoo's lock.
using System.Diagnostics;
using System.Globalization;
using Orleans.Coord.Client;
using Orleans.Coord.Recipes;

if (args.Length != 3)
{
    Console.Error.WriteLine("usage: LockHandOffs HOST:PORT CONTENDERS HAND-OFFS");
    return 2;
}

int contenders = int.Parse(args[1], CultureInfo.InvariantCulture);
int handOffs = int.Parse(args[2], CultureInfo.InvariantCulture);
CoordClient[] clients =
    await Task.WhenAll(Enumerable.Range(0, contenders).Select(_ => CoordClient.ConnectAsync(args[0])));
int left = handOffs;
long newest = 0;
var clock = Stopwatch.StartNew();
await Task.WhenAll(clients.Select(async client =>
{
    var mutex = new CoordLock(client, "/samples/hand-offs");
    while (Interlocked.Decrement(ref left) >= 0)
    {
        await using CoordHandle handle = await mutex.AcquireAsync();
        if (Interlocked.Exchange(ref newest, handle.FencingToken) >= handle.FencingToken)
        {
            throw new InvalidOperationException("The tokens do not rise");
        }
    }
}));
double seconds = clock.Elapsed.TotalSeconds;
Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture, $"{handOffs} hand-offs, {contenders} contenders: {handOffs / seconds:F0}/s"));
foreach (CoordClient client in clients)
{
    await client.DisposeAsync();
}

return 0;
