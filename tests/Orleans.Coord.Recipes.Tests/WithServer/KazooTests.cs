using System.Diagnostics;

namespace Orleans.Coord.Recipes.Tests.WithServer;

/// <summary>Our lock and kazoo's at one path. Skipped where Debian's python3-kazoo is not installed.</summary>
public sealed class KazooTests : RecipeTest
{
    private const string Python = "/usr/bin/python3";

    [KazooFact]
    public async Task Kazoos_lock_and_ours_exclude_each_other()
    {
        const int Rounds = 40;
        await Client.EnsurePathAsync("/lock");
        using Process kazoo = Process.Start(new ProcessStartInfo(Python)
        {
            ArgumentList =
            {
                Path.Combine(AppContext.BaseDirectory, "kazoo_contender.py"),
                Server + Root, "/lock", "/inside", $"{Rounds}",
            },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> output = kazoo.StandardOutput.ReadToEndAsync();
        Task<string> errors = kazoo.StandardError.ReadToEndAsync();
        var mutex = new CoordLock(Client, "/lock");
        int visits = 0;
        // Goes on for as long as kazoo does, so that the two do contend.
        while (visits < Rounds || !kazoo.HasExited)
        {
            await using CoordHandle handle = await mutex.AcquireAsync().Soon();
            await Client.CreateAsync("/inside", mode: CreateMode.Ephemeral);
            await Client.DeleteAsync("/inside");
            visits++;
        }

        await kazoo.WaitForExitAsync().Soon();
        Assert.Equal("done\n", await output);
        Assert.Equal("", await errors);
        Assert.Equal(0, kazoo.ExitCode);
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class KazooFactAttribute : ServerFactAttribute
    {
        public KazooFactAttribute()
        {
            if (!Directory.Exists("/usr/lib/python3/dist-packages/kazoo"))
            {
                Skip ??= "python3-kazoo is not installed";
            }
        }
    }
}
