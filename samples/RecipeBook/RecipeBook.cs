// The examples of docs/recipes: each page's code is here, word for word, and compiled. A test compares the two.
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Coord.Client;
using Orleans.Coord.Client.Hosting;
using Orleans.Coord.Recipes;

/// <summary>What the examples call, and their bodies.</summary>
internal abstract class RecipeBook
{
    public async Task BarrierAsync(CoordClient client, CancellationToken stoppingToken)
    {
        var gate = new CoordBarrier(client, "/barriers/migration");
        await gate.WaitAsync(stoppingToken);                 // goes on at once when the barrier is not set

        var together = new CoordDoubleBarrier(client, "/barriers/step", participants: 4);
        await together.EnterAsync(TimeSpan.FromMinutes(5));  // until all four are here
        await ComputeAsync();
        await together.LeaveAsync();                         // until all four have finished
    }

    public async Task CounterAsync(CoordClient client)
    {
        var visits = new CoordCounter(client, "/stats/visits");
        long now = await visits.IncrementAsync();
        bool reset = await visits.TrySetAsync(0, expected: now);

        var orders = new CoordSequence(client, "/ids/orders");
        long id = await orders.NextAsync();                  // greater than all before, with gaps
    }

    public async Task GroupAsync(CoordClient client, CancellationToken stoppingToken)
    {
        var workers = new CoordGroup(client, "/groups/workers");
        await using CoordHandle me = await workers.JoinAsync("worker-7", "10.0.0.7:8080"u8.ToArray());

        await foreach (IReadOnlyList<GroupMember> members in workers.WatchMembersAsync(stoppingToken))
        {
            Rebalance(members);
        }
    }

    public async Task LeaderElectionAsync(CoordClient client, CancellationToken stoppingToken)
    {
        var election = new LeaderElection(client, "/election/scheduler", candidate: Environment.MachineName);

        await election.RunAsync(async (leadership, lost) =>
        {
            while (true)
            {
                await ScheduleAsync(leadership.FencingToken, lost);   // stop when 'lost' is cancelled
                await Task.Delay(TimeSpan.FromSeconds(1), lost);
            }
        }, stoppingToken);
    }

    public async Task LockAsync(byte[] newNumber, IOtherStore otherStore, string row)
    {
        await using CoordClient client = await CoordClient.ConnectAsync("127.0.0.1:2181");
        var mutex = new CoordLock(client, "/locks/invoices");

        await using CoordHandle handle = await mutex.AcquireAsync(TimeSpan.FromSeconds(30));
        await handle.GuardedTransaction()                    // refused if the lock is gone by now
            .Set("/invoices/next", newNumber)
            .CommitAsync();
        await otherStore.WriteAsync(row, handle.FencingToken);   // let it refuse lesser tokens
    }

    public async Task QueueAsync(CoordClient client, CancellationToken stoppingToken)
    {
        var queue = new CoordQueue(client, "/queues/mail");
        await queue.EnqueueAsync("welcome ann"u8.ToArray(), priority: 10);   // lower numbers first

        while (true)
        {
            await using QueueItem item = await queue.TakeAsync(cancellation: stoppingToken);
            await SendAsync(item.Data, item.HandleLostToken);
            await item.CompleteAsync(with => with.Set("/queues/mail-sent", item.Data));   // both or neither
        }
    }

    public async Task ReadWriteLockAsync(CoordClient client, byte[] next)
    {
        var both = new CoordReadWriteLock(client, "/locks/catalogue");

        await using (CoordHandle reader = await both.AcquireReadAsync())
        {
            await ReadAsync(reader.HandleLostToken);
        }

        await using CoordHandle writer = await both.AcquireWriteAsync(TimeSpan.FromSeconds(30));
        await writer.GuardedTransaction().Set("/catalogue/version", next).CommitAsync();
    }

    public async Task SemaphoreAsync(CoordClient client)
    {
        var licences = new CoordSemaphore(client, "/licences/render", places: 5, identifier: Environment.MachineName);

        await using CoordHandle? place = await licences.TryAcquireAsync(TimeSpan.FromMinutes(1));
        if (place is null)
        {
            return;                                          // all in use
        }

        await RenderAsync(place.HandleLostToken);
    }

    public async Task SharedValueAsync(CoordClient client, byte[] changed, CancellationToken stoppingToken)
    {
        var limits = new SharedValue(client, "/config/limits");
        await limits.UpdateAsync(old => Raise(old));         // tries anew when somebody else was faster

        ZnodeData? read = await limits.GetAsync();
        bool written = await limits.TrySetAsync(changed, expected: read);

        await foreach (ZnodeData? now in limits.WatchAsync(stoppingToken))
        {
            Apply(now);
        }
    }

    public async Task MultiLockAsync(CoordClient client, byte[] less, byte[] more)
    {
        var accounts = new CoordMultiLock(client, ["/locks/account-7", "/locks/account-3"]);

        await using CoordMultiHandle both = await accounts.AcquireAsync(TimeSpan.FromSeconds(30));
        await both.GuardedTransaction()                      // refused if one of the locks is gone by now
            .Set("/accounts/7", less)
            .Set("/accounts/3", more)
            .CommitAsync();
    }

    public async Task TreeCacheAsync(CoordClient client, CancellationToken stoppingToken)
    {
        await using CoordTreeCache routes = await CoordTreeCache.StartAsync(client, "/routes");
        ZnodeData? one = routes.Znodes.GetValueOrDefault("/routes/eu");    // no round trip

        await foreach (IReadOnlyDictionary<string, ZnodeData> now in routes.WatchAsync(stoppingToken))
        {
            Rebuild(now);
        }
    }

    public async Task RegistrationAsync(CancellationToken stoppingToken)
    {
        await using var sessions = new CoordClientSource(new() { ConnectionString = "127.0.0.1:2181" });
        var directory = new CoordServiceDirectory(sessions);

        // Comes back by itself, also after a lost session.
        await using CoordRegistration me = directory.Register("billing", new("billing-7", "10.0.0.7", 8080));

        await foreach (IReadOnlyList<ServiceInstance> instances in directory.WatchAsync("billing", stoppingToken))
        {
            Balance(instances);
        }
    }

    public async Task PartitionerAsync(CoordClient client, CancellationToken stoppingToken)
    {
        var partitioner = new CoordPartitioner(client, "/work/shards", partitions: 16);

        await partitioner.RunAsync("worker-7", async (partition, handle, lost) =>
        {
            // One worker at a time has this partition; it is handed over when workers come or go.
            await ProcessAsync(partition, handle.FencingToken, lost);
        }, stoppingToken);
    }

    public void Hosting(IHostApplicationBuilder builder)
    {
        builder.Configuration.AddCoord("127.0.0.1:2181", "/config/app", cacheFile: "/var/cache/app/config.json");
        builder.Services.AddCoordClient(builder.Configuration.GetSection("Coord"));
        builder.Services.AddHostedService<Scheduler>();
    }

    protected abstract Task ComputeAsync();

    protected abstract void Rebalance(IReadOnlyList<GroupMember> members);

    protected abstract Task ScheduleAsync(long token, CancellationToken lost);

    protected abstract Task SendAsync(ReadOnlyMemory<byte> data, CancellationToken lost);

    protected abstract Task ReadAsync(CancellationToken lost);

    protected abstract Task RenderAsync(CancellationToken lost);

    protected abstract ReadOnlyMemory<byte> Raise(ReadOnlyMemory<byte>? old);

    protected abstract void Apply(ZnodeData? now);

    protected abstract void Rebuild(IReadOnlyDictionary<string, ZnodeData> now);

    protected abstract void Balance(IReadOnlyList<ServiceInstance> instances);

    protected abstract Task ProcessAsync(int partition, long token, CancellationToken lost);

    internal interface IOtherStore
    {
        Task WriteAsync(string row, long token);
    }

    internal sealed class Scheduler(CoordClientSource source) : LeaderBackgroundService(source, "/election/scheduler")
    {
        protected override Task LeadAsync(CoordHandle leadership, CancellationToken lost) =>
            Task.Delay(Timeout.Infinite, lost);
    }
}
