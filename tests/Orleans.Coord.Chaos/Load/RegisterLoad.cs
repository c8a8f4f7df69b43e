using System.Globalization;
using System.Text;
using Orleans.Coord.Client;

namespace Orleans.Coord.Chaos.Load;

/// <summary>Writes, conditional writes and synced reads of a few znodes that all sessions share.</summary>
internal sealed class RegisterLoad(Run run) : ILoad
{
    private const int Registers = 5;

    private readonly VersionedRegister[] _registers =
        [.. Enumerable.Range(0, Registers).Select(number => new VersionedRegister(PathOf(number)))];

    public string Summary => $"{_registers.Sum(register => register.Count)} register operations";

    public static string PathOf(int number) => $"/chaos/register-{number}";

    public async Task PrepareAsync(CoordClient client)
    {
        for (int number = 0; number < Registers; number++)
        {
            await client.TryCreateAsync(PathOf(number), "first"u8.ToArray());
        }
    }

    public async Task RunAsync(int actor)
    {
        SplitMix64 choices = run.Choices(actor);
        int written = 0;
        await run.LiveAsync(async client =>
        {
            int[] known = new int[Registers];
            while (!run.Stop.IsCancellationRequested)
            {
                int number = choices.Below(Registers);
                string value = string.Create(CultureInfo.InvariantCulture, $"{actor}-{written}");
                switch (choices.Below(4))
                {
                    case 0:
                        written++;
                        known[number] = await WriteAsync(client, number, value, CoordClient.AnyVersion);
                        break;
                    case 1:
                        written++;
                        known[number] = await WriteAsync(client, number, value, known[number]);
                        break;
                    default:
                        known[number] = await ReadAsync(client, number);
                        break;
                }
            }
        });
    }

    public Task FinishAsync(CoordClient client)
    {
        foreach (string violation in _registers.SelectMany(register => register.Check()))
        {
            run.Report(violation);
        }

        return Task.CompletedTask;
    }

    private async Task<int> WriteAsync(CoordClient client, int number, string value, int version)
    {
        long begun = Run.Now;
        try
        {
            byte[] data = Encoding.ASCII.GetBytes(value);
            CoordResult<Stat> result = await client.TrySetAsync(PathOf(number), data, version);
            if (!result.Succeeded)
            {
                // The version was not the newest any more, and nothing was written.
                return await ReadAsync(client, number);
            }

            _registers[number].Wrote(value, result.Value.Version, begun, Run.Now);
            return result.Value.Version;
        }
        catch (Exception e) when (e is OutcomeUnknownException or SessionLostException or ObjectDisposedException)
        {
            _registers[number].MayHaveWritten(value, begun);
            throw;
        }
    }

    // The read goes out right behind the sync: what that promises, the two together must keep.
    private async Task<int> ReadAsync(CoordClient client, int number)
    {
        long begun = Run.Now;
        Task sync = client.SyncAsync(PathOf(number));
        Task<ZnodeData> read = client.GetAsync(PathOf(number));
        await Task.WhenAll(sync, read);
        ZnodeData found = await read;
        string value = Encoding.ASCII.GetString(found.Data.Span);
        _registers[number].Read(value, found.Stat.Version, begun, Run.Now);
        return found.Stat.Version;
    }
}
