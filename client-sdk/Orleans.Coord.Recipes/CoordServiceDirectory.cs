using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Orleans.Coord.Recipes;

/// <summary>One running instance of a service.</summary>
/// <param name="Id">Its name, unique in the service.</param>
/// <param name="Address">Host name or IP address.</param>
/// <param name="Port">Its port.</param>
/// <param name="Metadata">What else others should know; null for nothing.</param>
public sealed record ServiceInstance(
    string Id, string Address, int Port, IReadOnlyDictionary<string, string>? Metadata = null);

/// <summary>
/// Services and where their instances are: each instance is an ephemeral znode below the service's, with a JSON object
/// as its data.
/// </summary>
public sealed class CoordServiceDirectory
{
    private readonly CoordClientSource _source;

    /// <summary>Names a directory; nothing is sent.</summary>
    /// <param name="source">Where the sessions come from.</param>
    /// <param name="path">The znode whose children are the services; created when missing.</param>
    public CoordServiceDirectory(CoordClientSource source, string path = "/services")
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(path);
        _source = source;
        Path = path;
    }

    /// <summary>The znode whose children are the services.</summary>
    public string Path { get; }

    /// <summary>
    /// Makes an instance known until the registration is disposed, over lost sessions too; returns at once.
    /// </summary>
    /// <param name="service">The service's name.</param>
    /// <param name="instance">The instance.</param>
    public CoordRegistration Register(string service, ServiceInstance instance)
    {
        ArgumentNullException.ThrowIfNull(instance);
        byte[] data = JsonSerializer.SerializeToUtf8Bytes(instance, ServiceJson.Default.ServiceInstance);
        return CoordRegistration.Start(_source, Paths.Join(ServicePath(service), instance.Id), data);
    }

    /// <summary>Reads a service's instances, in the order of their ids.</summary>
    /// <param name="service">The service's name.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<IReadOnlyList<ServiceInstance>> GetInstancesAsync(
        string service, CancellationToken cancellation = default)
    {
        CoordClient client = await _source.GetAsync(cancellation).ConfigureAwait(false);
        return Parse(await new CoordGroup(client, ServicePath(service)).GetMembersAsync(cancellation)
            .ConfigureAwait(false));
    }

    /// <summary>
    /// A service's instances, then their new list whenever one has come, gone or changed its place; goes on over lost
    /// sessions. A slow consumer may miss some lists in between, never the last.
    /// </summary>
    /// <param name="service">The service's name.</param>
    /// <param name="cancellation">Ends the stream.</param>
    public async IAsyncEnumerable<IReadOnlyList<ServiceInstance>> WatchAsync(
        string service, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await foreach (CoordClient client in _source.WatchAsync(cancellation).ConfigureAwait(false))
        {
            var group = new CoordGroup(client, ServicePath(service));
            IAsyncEnumerator<IReadOnlyList<GroupMember>> lists =
                group.WatchMembersAsync(cancellation).GetAsyncEnumerator(cancellation);
            await using (lists.ConfigureAwait(false))
            {
                while (await HasNextAsync(lists).ConfigureAwait(false))
                {
                    yield return Parse(lists.Current);
                }
            }
        }
    }

    private static async Task<bool> HasNextAsync(IAsyncEnumerator<IReadOnlyList<GroupMember>> lists)
    {
        try
        {
            return await lists.MoveNextAsync().ConfigureAwait(false);
        }
        catch (SessionLostException)
        {
            return false;
        }
    }

    // What is no such object was put there by somebody else, and is nobody's address.
    private static List<ServiceInstance> Parse(IReadOnlyList<GroupMember> members)
    {
        var instances = new List<ServiceInstance>(members.Count);
        foreach (GroupMember member in members)
        {
            try
            {
                if (JsonSerializer.Deserialize(member.Data.Span, ServiceJson.Default.ServiceInstance) is
                    { Id: not null, Address: not null } instance)
                {
                    instances.Add(instance);
                }
            }
            catch (JsonException)
            {
            }
        }

        return instances;
    }

    private string ServicePath(string service)
    {
        ArgumentException.ThrowIfNullOrEmpty(service);
        return Paths.Join(Path, service);
    }
}

/// <summary>Reads and writes instances without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ServiceInstance))]
internal sealed partial class ServiceJson : JsonSerializerContext;
