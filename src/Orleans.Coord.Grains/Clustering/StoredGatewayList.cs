using Orleans.Messaging;

namespace Orleans.Coord.Grains.Clustering;

/// <summary>Tells Orleans clients which silos of a stored table they can use.</summary>
internal sealed class StoredGatewayList(ISiloTableStore store) : IGatewayListProvider
{
    public TimeSpan MaxStaleness => TimeSpan.FromSeconds(5);

    [Obsolete("Orleans no longer asks.")]
    public bool IsUpdatable => true;

    public Task InitializeGatewayListProvider() => Task.CompletedTask;

    public async Task<IList<Uri>> GetGateways()
    {
        SiloTable table = await store.ReadAsync();
        return [.. table.Silos
            .Where(row => row.Status == SiloStatus.Active && row.GatewayPort > 0)
            .Select(row =>
            {
                var silo = SiloAddress.FromParsableString(row.Address);
                return SiloAddress.New(silo.Endpoint.Address, row.GatewayPort, silo.Generation).ToGatewayUri();
            })];
    }
}
