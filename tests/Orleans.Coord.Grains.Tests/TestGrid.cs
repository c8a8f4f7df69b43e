using Orleans.Coord.Client;
using Orleans.TestingHost;

namespace Orleans.Coord.Grains.Tests;

/// <summary>One grid for all tests that need one.</summary>
[CollectionDefinition(nameof(TestGrid))]
public sealed class GridCollection : ICollectionFixture<TestGrid>;

/// <summary>Three silos in this process, each with a voter of one group.</summary>
public sealed class TestGrid : IAsyncLifetime
{
    private const byte Size = 3;

    private readonly TestMember[] _members = new TestMember[Size];
    private InProcessTestCluster? _cluster;

    internal IReadOnlyList<TestMember> Members => _members;

    internal IClusterClient Client => _cluster!.Client;

    internal IServiceProvider Silo(int number) => _cluster!.Silos[number].ServiceProvider;

    /// <summary>A client over the wire, of one member.</summary>
    internal Task<CoordClient> ConnectAsync(int number) => CoordClient.ConnectAsync(new CoordClientOptions
    {
        ConnectionString = _members[number].ClientEndPoint.ToString(),
    });

    public async Task InitializeAsync()
    {
        for (byte i = 0; i < Size; i++)
        {
            _members[i] = new TestMember((byte)(i + 1), Size);
        }

        int next = 0;
        var builder = new InProcessTestClusterBuilder(Size);
        builder.ConfigureSilo((_, silo) => silo.AddCoordGrains(_members[next++].Replicas));
        _cluster = builder.Build();
        await _cluster.DeployAsync();
        for (int i = 0; i < Size; i++)
        {
            var own = (LocalReplicas)Silo(i).GetService(typeof(LocalReplicas))!;
            _members[own.OwnId.Value - 1].Join(Silo(i));
        }

        await Task.WhenAll(_members.Select(member => member.ServeAsync()));
    }

    public async Task DisposeAsync()
    {
        foreach (TestMember member in _members)
        {
            await member.DisposeAsync();
        }

        await _cluster!.DisposeAsync();
    }
}
