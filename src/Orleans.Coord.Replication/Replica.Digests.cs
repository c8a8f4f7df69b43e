using System.Buffers;
using System.Buffers.Binary;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Replication;

/// <content>
/// The guard against divergence: after every so many entries each member tells the others its state's digest. Whoever
/// differs from a majority stops; while no value has a majority nobody can be trusted with writes.
/// </content>
public sealed partial class Replica
{
    private const int DigestBytes = 2 * sizeof(long);

    private readonly DivergenceGuard _guard;
    private readonly JuteWriter _digests = new();

    /// <summary>
    /// Why no writes are taken: no majority of the voters agrees on the state after some entry. Null while all is well.
    /// </summary>
    public string? WritesStopped { get; private set; }

    /// <summary>The newest entry after which a majority of the voters is known to have this member's state.</summary>
    public long DigestAgreedIndex => _guard.AgreedIndex;

    private void ReportDigest(long index)
    {
        if (IsAlone || index % _options.DigestEvery != 0)
        {
            return;
        }

        ulong digest = _machine.Digest;
        _digests.WriteLong(index);
        _digests.WriteLong((long)digest);
        TakeDigest(_options.Id, index, digest);
    }

    // Carried once a turn; a report that is lost is no harm: the next one tells as much.
    private void SendDigests()
    {
        if (_digests.Length == 0)
        {
            return;
        }

        SendDigests(_raft.Configuration.Voters);
        SendDigests(_raft.Configuration.Learners);
        _digests.Clear();
    }

    private void SendDigests(ReadOnlySpan<ReplicaId> members)
    {
        foreach (ReplicaId member in members)
        {
            if (member != _options.Id)
            {
                SendDigests(member, _digests.Written);
            }
        }
    }

    private void SendDigests(ReplicaId to, ReadOnlySpan<byte> reports)
    {
        BeginEnvelope(EnvelopeKind.Digest);
        _envelope.Write(reports);
        _peers!.Send(to, _envelope.WrittenSpan);
    }

    private void TakeDigests(ReplicaId from, ReadOnlySpan<byte> body)
    {
        Span<byte> mine = stackalloc byte[DigestBytes];
        for (; body.Length >= DigestBytes; body = body[DigestBytes..])
        {
            long index = BinaryPrimitives.ReadInt64BigEndian(body);
            ulong digest = BinaryPrimitives.ReadUInt64BigEndian(body[sizeof(long)..]);
            if (_guard.Own(index) is { } own && own != digest)
            {
                // It may have been away when this member reported: let it see that it is alone with its value.
                BinaryPrimitives.WriteInt64BigEndian(mine, index);
                BinaryPrimitives.WriteUInt64BigEndian(mine[sizeof(long)..], own);
                SendDigests(from, mine);
            }

            TakeDigest(from, index, digest);
        }
    }

    private void TakeDigest(ReplicaId from, long index, ulong digest)
    {
        switch (_guard.Take(from, index, digest, _raft.Configuration))
        {
            case DigestVerdict.Diverged:
                throw new DivergenceException(
                    $"This replica ({_options.Id.Value}) has diverged: after entry {index} a majority has another "
                    + $"state ({_guard.Describe(index)}). It stops, so that nobody reads from it. Keep its data "
                    + "directory for an examination, and let the member join anew with an empty one.");
            case DigestVerdict.Split:
                WritesStopped ??=
                    $"no state has a majority after entry {index} ({_guard.Describe(index)})";
                break;
        }
    }
}
