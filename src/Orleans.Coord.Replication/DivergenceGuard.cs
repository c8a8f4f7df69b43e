using Orleans.Coord.Consensus;

namespace Orleans.Coord.Replication;

/// <summary>What the voters' digests of one entry amount to.</summary>
internal enum DigestVerdict
{
    /// <summary>Nothing that matters is known yet, or all is well.</summary>
    None,

    /// <summary>A majority has another digest than this member.</summary>
    Diverged,

    /// <summary>No value can have a majority any more.</summary>
    Split,
}

/// <summary>
/// Compares the state digests that the members report after every so many entries. Bounded: it remembers the newest
/// entries reported, its own and others'.
/// </summary>
internal sealed class DivergenceGuard(ReplicaId self)
{
    private const int Kept = 64;
    private readonly SortedDictionary<long, Dictionary<ReplicaId, ulong>> _reports = [];

    /// <summary>The newest entry on which a majority of voters and this member agreed; 0 if none.</summary>
    public long AgreedIndex { get; private set; }

    /// <summary>Takes a member's digest, this one's included, and judges.</summary>
    public DigestVerdict Take(ReplicaId from, long index, ulong digest, QuorumConfig config)
    {
        if (!_reports.TryGetValue(index, out Dictionary<ReplicaId, ulong>? votes))
        {
            if (_reports.Count >= Kept && index < _reports.First().Key)
            {
                return DigestVerdict.None;
            }

            _reports.Add(index, votes = []);
            if (_reports.Count > Kept)
            {
                _reports.Remove(_reports.First().Key);
            }
        }

        votes[from] = digest;
        return Judge(index, votes, config);
    }

    /// <summary>This member's own digest of an entry, if it is still remembered.</summary>
    public ulong? Own(long index) =>
        _reports.TryGetValue(index, out Dictionary<ReplicaId, ulong>? votes) && votes.TryGetValue(self, out ulong own)
            ? own
            : null;

    /// <summary>Who reported what of an entry, for people.</summary>
    public string Describe(long index) => string.Join(", ", _reports[index].OrderBy(vote => vote.Key.Value).Select(
        vote => $"member {vote.Key.Value}: {vote.Value:x16}"));

    private DigestVerdict Judge(long index, Dictionary<ReplicaId, ulong> votes, QuorumConfig config)
    {
        if (config.Voters.Length == 0)
        {
            // A member that waits to be added knows no voters yet, and so no majority that could be missing.
            return DigestVerdict.None;
        }

        int majority = (config.Voters.Length / 2) + 1;
        int most = 0;
        int heard = 0;
        ulong winner = 0;
        foreach (ReplicaId voter in config.Voters)
        {
            if (!votes.TryGetValue(voter, out ulong digest))
            {
                continue;
            }

            heard++;
            int same = CountOf(digest, votes, config);
            (most, winner) = same > most ? (same, digest) : (most, winner);
        }

        if (most >= majority && votes.TryGetValue(self, out ulong own))
        {
            AgreedIndex = own == winner ? Math.Max(AgreedIndex, index) : AgreedIndex;
            return own == winner ? DigestVerdict.None : DigestVerdict.Diverged;
        }

        return most + (config.Voters.Length - heard) < majority ? DigestVerdict.Split : DigestVerdict.None;
    }

    private static int CountOf(ulong digest, Dictionary<ReplicaId, ulong> votes, QuorumConfig config)
    {
        int count = 0;
        foreach (ReplicaId voter in config.Voters)
        {
            count += votes.TryGetValue(voter, out ulong other) && other == digest ? 1 : 0;
        }

        return count;
    }
}
