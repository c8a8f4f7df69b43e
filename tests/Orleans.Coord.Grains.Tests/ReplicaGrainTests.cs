using System.Text;
using Orleans.Coord.Client;
using Orleans.Runtime;

namespace Orleans.Coord.Grains.Tests;

/// <summary>A group whose members talk through grains, under Orleans' own test cluster.</summary>
[Collection(nameof(TestGrid))]
public sealed class ReplicaGrainTests(TestGrid grid)
{
    [Fact]
    public async Task What_is_written_at_one_silo_is_read_at_the_others_after_a_sync()
    {
        await using CoordClient writer = await grid.ConnectAsync(0);
        await writer.CreateAsync("/everywhere", "x"u8.ToArray());
        for (int i = 1; i < grid.Members.Count; i++)
        {
            await using CoordClient reader = await grid.ConnectAsync(i);
            await reader.SyncAsync("/everywhere");
            Assert.Equal("x", Encoding.UTF8.GetString((await reader.GetAsync("/everywhere")).Data.Span));
        }
    }

    [Fact]
    public async Task Writes_of_many_sessions_at_all_silos_come_through_in_order()
    {
        CoordClient[] clients = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => grid.ConnectAsync(i % 3)));
        await clients[0].CreateAsync("/many", default);
        await Task.WhenAll(clients.Select(async (client, i) =>
        {
            Task[] writes = [.. Enumerable.Range(0, 100).Select(
                _ => client.CreateAsync($"/many/{i}-", default, CreateMode.PersistentSequential))];
            await Task.WhenAll(writes);
        }));
        await clients[5].SyncAsync("/many");
        Assert.Equal(600, (await clients[5].GetChildrenAsync("/many")).Names.Count);
        foreach (CoordClient client in clients)
        {
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_call_to_a_replica_reaches_the_silo_that_owns_it()
    {
        foreach (TestMember member in grid.Members)
        {
            ulong mark = 1_000UL + member.Id.Value;
            await grid.Client.GetGrain<IReplicaGrain>(member.Id.Value).ReceiveAsync(200, mark, 1, []);
            Assert.Equal(mark, member.Admitted[new ReplicaId(200)]);
        }
    }

    [Fact]
    public async Task A_replica_whose_grain_is_made_to_live_twice_is_the_one_that_owns_its_data()
    {
        const long FirstAtThird = (3 << 8) | 1;
        IReplicaGrain other = grid.Client.GetGrain<IReplicaGrain>(FirstAtThird);
        var refusal = await Assert.ThrowsAsync<ReplicaRefusedException>(() => other.ReceiveAsync(201, 7, 1, []));
        Assert.Contains("Replica 1 does not run on this silo", refusal.Message, StringComparison.Ordinal);
        await grid.Client.GetGrain<IReplicaGrain>(1).ReceiveAsync(201, 8, 1, []);
        Assert.Equal(8UL, grid.Members[0].Admitted[new ReplicaId(201)]);
        Assert.DoesNotContain(new ReplicaId(201), grid.Members[2].Admitted.Keys);
    }

    [Fact]
    public async Task A_call_to_a_replica_that_no_silo_owns_fails() =>
        await Assert.ThrowsAsync<SiloUnavailableException>(
            () => grid.Client.GetGrain<IReplicaGrain>(77).ReceiveAsync(1, 1, 1, []));

    [Fact]
    public async Task Another_data_directory_under_a_known_id_is_refused()
    {
        grid.Members[0].Refused.Add(new ReplicaId(99));
        var refusal = await Assert.ThrowsAsync<ReplicaRefusedException>(
            () => grid.Client.GetGrain<IReplicaGrain>(1).ReceiveAsync(99, 5, 1, []));
        Assert.Contains("replica 99", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_member_presents_the_incarnation_of_its_data()
    {
        foreach (TestMember member in grid.Members)
        {
            foreach (TestMember other in grid.Members.Where(other => other != member))
            {
                Assert.Equal(other.Incarnation, member.Admitted[other.Id]);
            }
        }
    }
}
