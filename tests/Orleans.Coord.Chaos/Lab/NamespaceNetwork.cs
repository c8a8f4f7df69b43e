namespace Orleans.Coord.Chaos.Lab;

/// <summary>
/// A host for each member, in a network namespace of its own, on one bridge where this program sits too. Cuts are
/// routes that swallow packets, and touch only the links between members.
/// </summary>
/// <remarks>Needs network and mount namespaces of our own: <c>tests/interop/chaos.py</c> starts us in them.</remarks>
internal sealed class NamespaceNetwork : Network
{
    private const int ClientPort = 2181;
    private const int PeerPort = 2888;
    private readonly HashSet<(int From, int To)> _cuts = [];
    private readonly int _hosts;

    /// <summary>Builds the hosts 1 to <paramref name="hosts"/>.</summary>
    /// <exception cref="LabException">The namespaces are not permitted here.</exception>
    public NamespaceNetwork(int hosts)
    {
        _hosts = hosts;
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

    public override (string Host, int Port) ClientAddress(int member) => (Address(member), ClientPort);

    public override IReadOnlyList<string> Launcher(int member) => ["ip", "netns", "exec", Name(member), "dotnet"];

    public override (string ClientHost, string Members) Settings(int member) =>
        ("*", List(_hosts, id => $"{Address(id)}:{PeerPort}"));

    public override void Cut(int from, int to)
    {
        if (from != to && _cuts.Add((from, to)))
        {
            Shell.Run($"ip -n {Name(from)} route add blackhole {Address(to)}/32");
        }
    }

    public override void Heal()
    {
        foreach ((int from, int to) in _cuts)
        {
            Shell.Run($"ip -n {Name(from)} route del blackhole {Address(to)}/32");
        }

        _cuts.Clear();
    }

    private static string Name(int host) => $"host{host}";

    private static string Address(int host) => $"10.77.0.{host}";
}
