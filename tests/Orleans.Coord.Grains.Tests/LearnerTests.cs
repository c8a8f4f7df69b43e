using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Coord.Client;
using Orleans.Coord.SiloHost.Clustered;
using Orleans.TestingHost;

namespace Orleans.Coord.Grains.Tests;

/// <summary>Observers that come and go with their silos.</summary>
public sealed class LearnerTests : IAsyncLifetime
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    private readonly Dictionary<byte, (TestMember Member, InProcessSiloHandle Silo)> _silos = [];
    private InProcessTestCluster? _cluster;
    private LocalReplicas? _next;

    private TestMember Voter => _silos[1].Member;

    public async Task InitializeAsync()
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, silo) => silo.AddCoordGrains(_next!));
        var voter = new TestMember(1, voters: 1);
        _next = voter.Replicas;
        _cluster = builder.Build();
        await _cluster.DeployAsync();
        Join(voter, _cluster.Silos.Single());
        await voter.ServeAsync();
    }

    public async Task DisposeAsync()
    {
        foreach ((TestMember member, _) in _silos.Values)
        {
            await member.DisposeAsync();
        }

        await _cluster!.DisposeAsync();
    }

    [Fact]
    public async Task A_silo_that_joins_brings_one_that_serves_and_that_keeps_its_place_while_the_silo_is_away()
    {
        await using Roster roster = Watch(longestAbsence: null);
        await using CoordClient writer = await ConnectAsync(Voter);
        await writer.CreateAsync("/before", default);
        TestMember joined = await StartAsync(2);
        await AssertSeesAsync(joined, "/before");
        string folder = await StopAsync(2);
        await writer.CreateAsync("/meanwhile", default);
        Assert.Equal("1, observer 2", await MembersAsync());
        joined = await StartAsync(2, folder);
        await AssertSeesAsync(joined, "/meanwhile");
        TestMember third = await StartAsync(3);
        await AssertSeesAsync(third, "/meanwhile");
        Assert.Equal("1, observer 2, observer 3", await MembersAsync());
    }

    [Fact]
    public async Task One_whose_silo_is_away_for_too_long_is_removed_and_the_others_stay()
    {
        await using Roster roster = Watch(TimeSpan.FromSeconds(1));
        await StartAsync(2);
        await StartAsync(3);
        string folder = await StopAsync(2);
        Directory.Delete(folder, recursive: true);
        await UntilAsync("1, observer 3");
        await using CoordClient client = await ConnectAsync(Voter);
        await client.CreateAsync("/after", default);
        await AssertSeesAsync(_silos[3].Member, "/after");
    }

    [Fact]
    public async Task One_whose_address_is_taken_keeps_no_other_one_out()
    {
        await using Roster roster = Watch(longestAbsence: null);
        await using CoordClient writer = await ConnectAsync(Voter);
        await writer.CreateAsync("/there", default);
        await UntilAsync("1, observer 9", () => Voter.Replica.AskAsync(replica => replica.ChangeMembers(new(
            "server.9=10.0.0.9:1002:2002:observer;10.0.0.9:3002", null, null, replica.Machine.Ensemble.Version))));
        await StartAsync(new TestMember(2, voters: 1, address: "10.0.0.9"));
        await AssertSeesAsync(await StartAsync(3), "/there");
        Assert.Equal("1, observer 3, observer 9", await MembersAsync());
    }

    private Roster Watch(TimeSpan? longestAbsence) => Roster.Start(
        _silos[1].Silo.ServiceProvider, Voter.Replica, longestAbsence, NullLoggerFactory.Instance);

    private async Task<TestMember> StartAsync(byte id, string? folder = null)
    {
        var member = new TestMember(id, voters: 1, folder);
        await StartAsync(member);
        await member.ServeAsync();
        return member;
    }

    private async Task StartAsync(TestMember member)
    {
        _next = member.Replicas;
        Join(member, await _cluster!.StartAdditionalSiloAsync());
    }

    private void Join(TestMember member, InProcessSiloHandle silo)
    {
        _silos.Add(member.Id.Value, (member, silo));
        member.Join(silo.ServiceProvider);
    }

    private async Task<string> StopAsync(byte id)
    {
        _silos.Remove(id, out (TestMember Member, InProcessSiloHandle Silo) stopped);
        string folder = await stopped.Member.StopAndKeepAsync();
        await _cluster!.StopSiloAsync(stopped.Silo);
        return folder;
    }

    private Task<string> MembersAsync() => Voter.Replica.AskAsync(replica => string.Join(
        ", ", replica.Machine.Ensemble.Members.Select(m => (m.IsObserver ? "observer " : "") + $"{m.Id}")));

    private async Task UntilAsync(string members, Func<Task>? act = null)
    {
        DateTime deadline = DateTime.UtcNow + _patience;
        while (await MembersAsync() != members)
        {
            Assert.True(DateTime.UtcNow < deadline, $"the members are {await MembersAsync()}");
            await (act?.Invoke() ?? Task.CompletedTask);
            await Task.Delay(100);
        }
    }

    private static Task<CoordClient> ConnectAsync(TestMember member) => CoordClient.ConnectAsync(
        new CoordClientOptions { ConnectionString = member.ClientEndPoint.ToString() });

    private static async Task AssertSeesAsync(TestMember member, string path)
    {
        await using CoordClient client = await ConnectAsync(member);
        await client.SyncAsync(path);
        Assert.NotNull(await client.ExistsAsync(path));
    }
}
