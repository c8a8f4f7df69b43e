using System.Buffers.Binary;
using Orleans.Coord.Grains.Placement;
using Orleans.GrainDirectory;

namespace Orleans.Coord.Grains.Links;

/// <summary>Hands a member's envelopes from Orleans to its mailbox; all else is the replica's.</summary>
[PinnedPlacement]
[GrainDirectory(EchoDirectory.Name)]
[KeepAlive]
internal sealed class ReplicaGrain(IGrainContext context, LocalReplica local) : IGrainBase, IReplicaGrain
{
    public IGrainContext GrainContext { get; } = context;

    public Task ReceiveAsync(byte from, ulong incarnation, byte[] envelopes)
    {
        if (this.GetPrimaryKeyLong() != local.Id.Value)
        {
            throw new ReplicaRefusedException(
                $"This silo owns replica {local.Id}, not replica {this.GetPrimaryKeyLong()}.");
        }

        var sender = new ReplicaId(from);
        if (!local.Admit(sender, incarnation))
        {
            throw new ReplicaRefusedException(
                $"Replica {local.Id} knows replica {sender} with other data: this one's were lost or swapped. "
                + "Bring its data directory back, or add it under a new id.");
        }

        OffGrain.Run(() => Deliver(sender, envelopes));
        return Task.CompletedTask;
    }

    private void Deliver(ReplicaId sender, byte[] envelopes)
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
