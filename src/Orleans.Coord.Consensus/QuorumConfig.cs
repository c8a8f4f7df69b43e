using System.Diagnostics.CodeAnalysis;

namespace Orleans.Coord.Consensus;

/// <summary>
/// Who belongs to the group and who decides (Raft paper, section 6). While <see cref="Outgoing"/> is not empty the
/// configuration is joint: every decision needs a majority of <see cref="Voters"/> and one of <see cref="Outgoing"/>.
/// </summary>
public sealed class QuorumConfig : IEquatable<QuorumConfig>
{
    private const byte Version = 1;

    private readonly ReplicaId[] _voters;
    private readonly ReplicaId[] _outgoing;
    private readonly ReplicaId[] _learners;

    private QuorumConfig(ReplicaId[] voters, ReplicaId[] outgoing, ReplicaId[] learners)
    {
        _voters = voters;
        _outgoing = outgoing;
        _learners = learners;
    }

    /// <summary>No member at all: what a new member knows before a leader has spoken to it.</summary>
    public static QuorumConfig Empty { get; } = new([], [], []);

    /// <summary>The voters, in ascending order; in a joint configuration the new ones.</summary>
    public ReadOnlySpan<ReplicaId> Voters => _voters;

    /// <summary>The old voters of a joint configuration, in ascending order; empty otherwise.</summary>
    public ReadOnlySpan<ReplicaId> Outgoing => _outgoing;

    /// <summary>Members that receive the log and never vote; one may still be an outgoing voter.</summary>
    public ReadOnlySpan<ReplicaId> Learners => _learners;

    /// <summary>Whether two sets of voters must agree.</summary>
    public bool IsJoint => _outgoing.Length > 0;

    /// <summary>A configuration that is not joint.</summary>
    public static QuorumConfig Create(ReadOnlySpan<ReplicaId> voters, ReadOnlySpan<ReplicaId> learners = default)
    {
        var config = new QuorumConfig(Sorted(voters), [], Sorted(learners));
        Invariant.Check(config.IsWellFormed());
        return config;
    }

    /// <summary>Whether the member votes, under the new or the old voters.</summary>
    public bool IsVoter(ReplicaId id) => Has(_voters, id) || Has(_outgoing, id);

    /// <summary>Whether the member belongs to the group in any part.</summary>
    public bool Contains(ReplicaId id) => IsVoter(id) || Has(_learners, id);

    /// <summary>Whether <paramref name="id"/> alone decides.</summary>
    public bool IsSoleVoter(ReplicaId id) => _voters.Length == 1 && _voters[0] == id && !IsJoint;

    /// <summary>
    /// Whether the same voters decide in both configurations, so that one can follow the other directly.
    /// </summary>
    internal bool HasSameVoters(QuorumConfig other) =>
        Voters.SequenceEqual(other.Voters) && Outgoing.SequenceEqual(other.Outgoing);

    /// <summary>The joint configuration on the way from this one to <paramref name="target"/>.</summary>
    internal QuorumConfig EnterJoint(QuorumConfig target)
    {
        Invariant.Check(!IsJoint && !target.IsJoint);
        Invariant.Check(target._voters.Length > 0);
        return new QuorumConfig(target._voters, _voters, target._learners);
    }

    /// <summary>The configuration that ends a joint one.</summary>
    internal QuorumConfig LeaveJoint()
    {
        Invariant.Check(IsJoint);
        Invariant.Check(_voters.Length > 0);
        return new QuorumConfig(_voters, [], _learners);
    }

    /// <summary>The highest value that a quorum has reached; in a joint configuration a quorum of each set.</summary>
    /// <param name="valueOf">The value of each member, at the position of its id.</param>
    internal long AgreedValue(ReadOnlySpan<long> valueOf)
    {
        Invariant.Check(_voters.Length > 0);
        Invariant.Check(valueOf.Length > byte.MaxValue);
        long incoming = MajorityValue(_voters, valueOf);
        return IsJoint ? Math.Min(incoming, MajorityValue(_outgoing, valueOf)) : incoming;
    }

    /// <summary>The bytes that <see cref="TryDecode"/> reads.</summary>
    public byte[] Encode()
    {
        var bytes = new byte[4 + _voters.Length + _outgoing.Length + _learners.Length];
        bytes[0] = Version;
        int at = 1;
        foreach (ReplicaId[] part in (ReadOnlySpan<ReplicaId[]>)[_voters, _outgoing, _learners])
        {
            bytes[at++] = (byte)part.Length;
            foreach (ReplicaId id in part)
            {
                bytes[at++] = id.Value;
            }
        }

        return bytes;
    }

    /// <summary>Reads an encoded configuration; false if the bytes are not one.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out QuorumConfig? config)
    {
        config = null;
        if (bytes.IsEmpty || bytes[0] != Version)
        {
            return false;
        }

        ReadOnlySpan<byte> rest = bytes[1..];
        if (!TryReadPart(ref rest, out ReplicaId[] voters) || !TryReadPart(ref rest, out ReplicaId[] outgoing)
            || !TryReadPart(ref rest, out ReplicaId[] learners) || !rest.IsEmpty)
        {
            return false;
        }

        var read = new QuorumConfig(voters, outgoing, learners);
        config = read.IsWellFormed() ? read : null;
        return config is not null;
    }

    /// <summary>Reads a configuration that this code has written; other bytes break an invariant.</summary>
    public static QuorumConfig Decode(ReadOnlySpan<byte> bytes)
    {
        bool read = TryDecode(bytes, out QuorumConfig? config);
        Invariant.Check(read && config is not null);
        return config;
    }

    /// <inheritdoc/>
    public bool Equals(QuorumConfig? other) =>
        other is not null && HasSameVoters(other) && Learners.SequenceEqual(other.Learners);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as QuorumConfig);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        int hash = _outgoing.Length;
        foreach (ReplicaId id in _voters)
        {
            hash = (hash * 31) + id.Value;
        }

        return hash;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"voters {string.Join(',', _voters)} outgoing {string.Join(',', _outgoing)} "
        + $"learners {string.Join(',', _learners)}";

    private static long MajorityValue(ReplicaId[] voters, ReadOnlySpan<long> valueOf)
    {
        Span<long> values = stackalloc long[voters.Length];
        for (int i = 0; i < voters.Length; i++)
        {
            values[i] = valueOf[voters[i].Value];
        }

        values.Sort();
        int majority = (voters.Length / 2) + 1;
        return values[voters.Length - majority];
    }

    private static bool TryReadPart(ref ReadOnlySpan<byte> rest, out ReplicaId[] ids)
    {
        ids = [];
        if (rest.IsEmpty || rest.Length - 1 < rest[0])
        {
            return false;
        }

        ids = new ReplicaId[rest[0]];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = new ReplicaId(rest[i + 1]);
        }

        rest = rest[(ids.Length + 1)..];
        return true;
    }

    private static ReplicaId[] Sorted(ReadOnlySpan<ReplicaId> ids)
    {
        ReplicaId[] sorted = ids.ToArray();
        Array.Sort(sorted);
        return sorted;
    }

    private static bool Has(ReplicaId[] ids, ReplicaId id) => Array.IndexOf(ids, id) >= 0;

    /// <summary>
    /// Ids ascend without repetition, none is "none", and nobody is a new voter and a learner at once.
    /// </summary>
    private bool IsWellFormed()
    {
        bool overlap = Array.Exists(_learners, id => Has(_voters, id));
        bool joint = IsJoint && _voters.Length == 0;
        return Ascends(_voters) && Ascends(_outgoing) && Ascends(_learners) && !overlap && !joint;
    }

    private static bool Ascends(ReplicaId[] ids)
    {
        ReplicaId previous = ReplicaId.None;
        foreach (ReplicaId id in ids)
        {
            if (id <= previous)
            {
                return false;
            }

            previous = id;
        }

        return true;
    }
}
