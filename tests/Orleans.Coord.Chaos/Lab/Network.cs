namespace Orleans.Coord.Chaos.Lab;

/// <summary>
/// A host for each member, in a network namespace of its own, on one bridge where this program sits too. Cuts are
/// routes that swallow packets, one direction at a time, and touch only the links between members.
/// </summary>
/// <remarks>Needs network and mount namespaces of our own: <c>tests/interop/chaos.py</c> starts us in them.</remarks>
internal sealed class Network
{
    private readonly HashSet<(int From, int To)> _cuts = [];

    /// <summary>Builds the hosts 1 to <paramref name="hosts"/>.</summary>
    /// <exception cref="LabException">The namespaces are not permitted here.</exception>
    public Network(int hosts)
    {
        Shell.Run("ip link set lo up");
        Shell.Run("mount -t tmpfs tmpfs /run");
        Shell.Run("ip link add bridge type bridge");
        Shell.Run($"ip addr add {Address(254)}/24 dev bridge");
        Shell.Run("ip link set bridge up");
        for (int host = 1; host <= hosts; host++)
        {
            Shell.Run($"ip netns add {Name(host)}");
            Shell.Run($"ip link add cable{host} type veth peer name eth0 netns {Name(host)}");
            Shell.Run($"ip link set cable{host} master bridge up");
            Shell.Run($"ip -n {Name(host)} addr add {Address(host)}/24 dev eth0");
            Shell.Run($"ip -n {Name(host)} link set eth0 up");
            Shell.Run($"ip -n {Name(host)} link set lo up");
        }
    }

    /// <summary>The namespace of a host.</summary>
    public static string Name(int host) => $"host{host}";

    /// <summary>The address of a host.</summary>
    public static string Address(int host) => $"10.77.0.{host}";

    /// <summary>From now on nothing that one host sends reaches the other.</summary>
    public void Cut(int from, int to)
    {
        if (from != to && _cuts.Add((from, to)))
        {
            Shell.Run($"ip -n {Name(from)} route add blackhole {Address(to)}/32");
        }
    }

    /// <summary>All cuts are mended.</summary>
    public void Heal()
    {
        foreach ((int from, int to) in _cuts)
        {
            Shell.Run($"ip -n {Name(from)} route del blackhole {Address(to)}/32");
        }

        _cuts.Clear();
    }
}
