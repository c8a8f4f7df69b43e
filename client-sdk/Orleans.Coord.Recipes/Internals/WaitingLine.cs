using System.Text;

namespace Orleans.Coord.Recipes;

/// <summary>Which part of a lock a contender asks for.</summary>
internal enum LockPart
{
    /// <summary>A plain lock, which excludes everybody.</summary>
    Whole,

    /// <summary>The writer's side, which excludes everybody.</summary>
    Write,

    /// <summary>The reader's side, which excludes writers.</summary>
    Read,
}

/// <summary>
/// The line at a lock's path: one ephemeral sequential znode for each contender, served in the order of their
/// numbers. Each waiter watches the last contender that it has to wait for, and nothing else.
/// </summary>
internal sealed class WaitingLine(CoordClient client, string path, CoordLockOptions options)
{
    /// <summary>
    /// Takes a place and waits until it is the caller's turn. Null when it is not at once and
    /// <paramref name="wait"/> says not to wait. The caller leaves by deleting the znode.
    /// </summary>
    public async Task<CreatedZnode?> EnterAsync(LockPart part, bool wait, CancellationToken cancellation)
    {
        while (true)
        {
            string prefix = Prefix(part);
            Task<CreatedZnode> creating = OwnNode.CreateSequentialAsync(client, path, prefix, options.Data);
            // Sent along with the create, and answered after it: most often it holds the new znode already.
            Task<ZnodeChildren?> listing = client.ListAsync(path, cancellation);
            listing.Forget();
            CreatedZnode own =
                await Steps.OrUndoAsync(creating, node => LeaveAsync(node), cancellation).ConfigureAwait(false);
            bool granted = false;
            try
            {
                bool? turn = await WaitForTurnAsync(own, listing, wait, cancellation).ConfigureAwait(false);
                granted = turn == true;
                if (turn is not null)
                {
                    return granted ? own : null;
                }
            }
            finally
            {
                if (!granted)
                {
                    LeaveAsync(own).Forget();
                }
            }
        }
    }

    /// <summary>As <see cref="EnterAsync"/>, with a time limit and a handle.</summary>
    public Task<CoordHandle?> TryHoldAsync(LockPart part, TimeSpan timeout, CancellationToken cancellation) =>
        Steps.TryAsync(timeout, limit => HoldAsync(part, timeout != TimeSpan.Zero, limit), cancellation);

    /// <summary>Gives up a place.</summary>
    public Task LeaveAsync(CreatedZnode place) => OwnNode.DeleteAsync(client, place.Path);

    /// <summary>Whoever holds the lock or waits for it, in order.</summary>
    public async Task<List<LockContender>> ListAsync(CancellationToken cancellation)
    {
        var found = new List<LockContender>();
        foreach (string name in await ListNamesAsync(cancellation).ConfigureAwait(false))
        {
            if (await client.ReadAsync(Paths.Join(path, name), cancellation).ConfigureAwait(false) is { } node)
            {
                found.Add(Describe(node));
            }
        }

        return found;
    }

    /// <summary>The names of all contenders, in order.</summary>
    public async Task<List<string>> ListNamesAsync(CancellationToken cancellation)
    {
        ZnodeChildren? children = await client.ListAsync(path, cancellation).ConfigureAwait(false);
        return Order(children?.Names ?? []);
    }

    /// <summary>The contenders among the names, in order.</summary>
    public static List<string> Order(IReadOnlyList<string> names)
    {
        var contenders = new List<Contender>(names.Count);
        foreach (string name in names)
        {
            if (Contender.TryParse(name, out Contender contender))
            {
                contenders.Add(contender);
            }
        }

        contenders.Sort(static (a, b) => a.IsBefore(b) ? -1 : b.IsBefore(a) ? 1 : 0);
        return contenders.ConvertAll(static contender => contender.Name);
    }

    /// <summary>What a contender's znode says.</summary>
    public static LockContender Describe(ZnodeData node) =>
        new(Encoding.UTF8.GetString(node.Data.Span), node.Stat.Czxid);

    private async Task<CoordHandle?> HoldAsync(LockPart part, bool wait, CancellationToken cancellation) =>
        await EnterAsync(part, wait, cancellation).ConfigureAwait(false) is { } place
            ? new CoordHandle(client, place)
            : null;

    /// <summary>True: granted. False: others are before. Null: another hand deleted the place.</summary>
    private async Task<bool?> WaitForTurnAsync(
        CreatedZnode own, Task<ZnodeChildren?> listing, bool wait, CancellationToken cancellation)
    {
        Contender self = Contender.Parse(Paths.NameOf(own.Path));
        bool early = true;
        while (true)
        {
            ZnodeChildren? children = await listing.ConfigureAwait(false);
            if (self.TryFindBlocker(children?.Names ?? [], out string? blocker))
            {
                if (blocker is null || !wait)
                {
                    return blocker is null;
                }

                // A read sets a watch only where there is something: names do not come back.
                Watched<ZnodeData>? before = await client
                    .ReadAndWatchAsync(Paths.Join(path, blocker), cancellation).ConfigureAwait(false);
                if (before is { } present)
                {
                    await present.Changed.WaitAsync(cancellation).ConfigureAwait(false);
                }
            }
            else if (!early)
            {
                return null;
            }

            early = false;
            listing = client.ListAsync(path, cancellation);
        }
    }

    private string Prefix(LockPart part) => (options.Layout, part) switch
    {
        (LockLayout.Kazoo, LockPart.Read) => Paths.Unique() + "__rlock__",
        (LockLayout.Kazoo, _) => Paths.Unique() + "__lock__",
        (_, LockPart.Whole) => $"_c_{Guid.NewGuid():D}-lock-",
        (_, LockPart.Write) => $"_c_{Guid.NewGuid():D}-__WRIT__",
        _ => $"_c_{Guid.NewGuid():D}-__READ__",
    };
}
