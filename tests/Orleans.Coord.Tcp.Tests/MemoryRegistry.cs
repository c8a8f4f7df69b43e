namespace Orleans.Coord.Tcp.Tests;

/// <summary>Remembers incarnations as a host's registry does, but in memory.</summary>
internal sealed class MemoryRegistry : IIncarnationRegistry
{
    private readonly Dictionary<ReplicaId, ulong> _known = [];

    /// <summary>Asked for each time a member says hello.</summary>
    public int Calls { get; private set; }

    public Exception? Failure { get; set; }

    public ulong? Find(byte member) =>
        _known.TryGetValue(new ReplicaId(member), out ulong incarnation) ? incarnation : null;

    public bool Admit(ReplicaId member, ulong incarnation)
    {
        Calls++;
        if (Failure is not null)
        {
            throw Failure;
        }

        _known.TryAdd(member, incarnation);
        return _known[member] == incarnation;
    }
}
