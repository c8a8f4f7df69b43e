namespace Orleans.Coord.Chaos.Lab;

/// <summary>The members of one ensemble, each on a host and a disk of its own where that is permitted.</summary>
internal sealed class Ensemble
{
    private Ensemble(Network network, IReadOnlyList<Member> members)
    {
        Network = network;
        Members = members;
    }

    public Network Network { get; }

    public IReadOnlyList<Member> Members { get; }

    /// <summary>How clients name it.</summary>
    public string ConnectionString => string.Join(',', Members.Select(member => member.ClientAddress));

    /// <summary>Builds hosts and disks, and starts the members.</summary>
    /// <param name="count">How many.</param>
    /// <param name="silo">The silo's program.</param>
    /// <param name="folder">Where the disks are kept.</param>
    /// <param name="namespaces">Hosts and disks of their own; if not, proxies between them and folders.</param>
    /// <exception cref="LabException">What it takes is not permitted here.</exception>
    public static Ensemble Start(int count, string silo, string folder, bool namespaces)
    {
        Network network = namespaces ? new NamespaceNetwork(count) : new ProxyNetwork(count);
        List<Member> members = [.. Enumerable.Range(1, count).Select(
            id => new Member(id, silo, network, new MemberDisk(Path.Combine(folder, $"disk{id}"), namespaces)))];
        members.ForEach(member => member.Start());
        return new Ensemble(network, members);
    }

    /// <summary>The member that leads, if one says so.</summary>
    public Member? Leader() => Members.FirstOrDefault(member => member.IsRunning && member.Mode() == "leader");

    /// <summary>Mends everything: cuts, disks, frozen and dead members.</summary>
    public void Heal()
    {
        Network.Heal();
        foreach (Member member in Members)
        {
            member.Disk.Heal();
            member.Signal("CONT");
            member.StartAgainIfEnded();
            if (!member.IsRunning)
            {
                member.Start();
            }
        }
    }

    /// <summary>Waits until one member leads and all others follow.</summary>
    /// <returns>False when that does not happen in time.</returns>
    public async Task<bool> WaitForAllAsync(TimeSpan patience)
    {
        for (DateTime end = DateTime.UtcNow + patience; DateTime.UtcNow < end; await Task.Delay(200))
        {
            List<string?> modes = [.. Members.Select(member => member.Mode())];
            if (modes.Count(mode => mode == "leader") == 1
                && modes.Count(mode => mode == "follower") == modes.Count - 1)
            {
                return true;
            }
        }

        return false;
    }

    public void End()
    {
        Network.Heal();
        foreach (Member member in Members)
        {
            member.Disk.Heal();
            member.End("KILL");
        }

        Network.Dispose();
    }
}
