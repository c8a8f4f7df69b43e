using System.Collections.Concurrent;
using System.Net;
using System.Runtime.InteropServices;

namespace Orleans.Coord.Gateway;

/// <summary>The open connections, and the limits on their number.</summary>
internal sealed class ConnectionTable(int maxConnections, int maxPerAddress)
{
    private readonly ConcurrentDictionary<ClientConnection, byte> _connections = new();
    private readonly Dictionary<IPAddress, int> _perAddress = [];
    private readonly Lock _lock = new();
    private int _count;

    /// <summary>How many connections are open.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The open connections, in no order.</summary>
    public IEnumerable<ClientConnection> All => _connections.Keys;

    /// <summary>Requests of all connections that are not executed yet.</summary>
    public int Outstanding => All.Sum(static connection => connection.Outstanding);

    /// <summary>Counts anew for each connection, as <c>crst</c> asks.</summary>
    public void ResetStatistics()
    {
        foreach (ClientConnection connection in All)
        {
            connection.Statistics.Reset();
        }
    }

    /// <summary>Counts a connection in.</summary>
    /// <returns>Null, or why it must be turned away.</returns>
    public string? TryAdmit(IPAddress address)
    {
        lock (_lock)
        {
            if (maxConnections > 0 && _count >= maxConnections)
            {
                return $"the limit of {maxConnections} connections is reached";
            }

            if (maxPerAddress > 0)
            {
                ref int count = ref CollectionsMarshal.GetValueRefOrAddDefault(_perAddress, address, out _);
                if (count >= maxPerAddress)
                {
                    return $"the limit of {maxPerAddress} connections from one address is reached";
                }

                count++;
            }

            _count++;
            return null;
        }
    }

    /// <summary>Counts a connection out.</summary>
    public void Leave(IPAddress address)
    {
        lock (_lock)
        {
            _count--;
            if (maxPerAddress > 0 && --CollectionsMarshal.GetValueRefOrNullRef(_perAddress, address) == 0)
            {
                _perAddress.Remove(address);
            }
        }
    }

    /// <summary>Makes a connection visible to the sweep, to shutdown and to <c>cons</c>.</summary>
    public void Add(ClientConnection connection) => _connections.TryAdd(connection, 0);

    /// <summary>Forgets a connection.</summary>
    public void Remove(ClientConnection connection) => _connections.TryRemove(connection, out _);
}
