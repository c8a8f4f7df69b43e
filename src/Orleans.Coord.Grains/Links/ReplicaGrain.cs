using System.Buffers.Binary;
using Orleans.Coord.Grains.Placement;
using Orleans.GrainDirectory;

namespace Orleans.Coord.Grains.Links;

/// <summary>Hands a member's envelopes from Orleans to its mailbox; all else is the replica's.</summary>
[PinnedPlacement]
[GrainDirectory(EchoDirectory.Name)]
[KeepAlive]
internal sealed class ReplicaGrain(IGrainContext context, LocalReplicas replicas) : IGrainBase, IReplicaGrain
{
    public IGrainContext GrainContext { get; } = context;

    public Task ReceiveAsync(byte from, ulong incarnation, long generation, byte[] envelopes)
    {
        LocalReplica local = Local();
        var sender = new ReplicaId(from);
        if (!local.Admit(sender, new ReplicaData(incarnation, generation)))
        {
            throw new ReplicaRefusedException(
                $"Replica {local.Id} does not listen to replica {sender}: it knows it with other data, or with newer "
                + "ones, or the group has removed it. If its data are lost, add it under a new id.");
        }

        OffGrain.Run(() => Deliver(local, sender, envelopes));
        return Task.CompletedTask;
    }

    public Task<string> DescribeAsync() => Task.FromResult(Local().Description);

    // Asked each time: a silo that stands in for another one may have given the replica back.
    private LocalReplica Local()
    {
        var id = new ReplicaId((byte)this.GetPrimaryKeyLong());
        return replicas.Find(id) ?? throw new ReplicaRefusedException($"Replica {id} does not run on this silo.");
    }

    private static void Deliver(LocalReplica local, ReplicaId sender, byte[] envelopes)
    {
        ReadOnlyMemory<byte> rest = envelopes;
        while (rest.Length >= sizeof(int))
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(rest.Span);
            if (length <= 0 || length > rest.Length - sizeof(int))
            {
                return;
            }

            local.Peers.Received(sender, rest.Slice(sizeof(int), length));
            rest = rest[(sizeof(int) + length)..];
        }
    }
}
