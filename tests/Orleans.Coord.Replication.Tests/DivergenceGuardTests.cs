using Orleans.Coord.Consensus;

namespace Orleans.Coord.Replication.Tests;

public sealed class DivergenceGuardTests
{
    private static readonly ReplicaId[] _members = [new(1), new(2), new(3)];
    private static readonly QuorumConfig _three = QuorumConfig.Create([.. _members]);
    private readonly DivergenceGuard _guard = new(new ReplicaId(1));

    [Fact]
    public void Equal_digests_agree_once_a_majority_has_told()
    {
        Assert.Equal(DigestVerdict.None, Take(1, 128, 7));
        Assert.Equal(0, _guard.AgreedIndex);
        Assert.Equal(DigestVerdict.None, Take(2, 128, 7));
        Assert.Equal(128, _guard.AgreedIndex);
    }

    [Fact]
    public void A_member_with_another_digest_than_a_majority_has_diverged()
    {
        Take(1, 128, 7);
        Assert.Equal(DigestVerdict.None, Take(2, 128, 8));
        Assert.Equal(DigestVerdict.Diverged, Take(3, 128, 8));
        Assert.Equal("member 1: 0000000000000007, member 2: 0000000000000008, member 3: 0000000000000008",
            _guard.Describe(128));
    }

    [Fact]
    public void The_others_may_tell_first()
    {
        Take(2, 128, 8);
        Take(3, 128, 8);
        Assert.Equal(DigestVerdict.Diverged, Take(1, 128, 7));
    }

    [Fact]
    public void Another_member_that_has_diverged_is_no_reason_to_stop()
    {
        Take(1, 128, 7);
        Take(2, 128, 7);
        Assert.Equal(DigestVerdict.None, Take(3, 128, 9));
    }

    [Fact]
    public void Three_different_digests_are_a_split()
    {
        Take(1, 128, 7);
        Take(2, 128, 8);
        Assert.Equal(DigestVerdict.Split, Take(3, 128, 9));
    }

    [Fact]
    public void A_learner_has_no_say_but_must_agree()
    {
        QuorumConfig config = QuorumConfig.Create(_members, [new ReplicaId(4)]);
        var learner = new DivergenceGuard(new ReplicaId(4));
        learner.Take(new ReplicaId(1), 128, 7, config);
        Assert.Equal(DigestVerdict.None, learner.Take(new ReplicaId(4), 128, 8, config));
        Assert.Equal(DigestVerdict.Diverged, learner.Take(new ReplicaId(2), 128, 7, config));
    }

    [Fact]
    public void A_member_that_knows_no_voters_yet_judges_nobody() =>
        Assert.Equal(DigestVerdict.None, new DivergenceGuard(new(7)).Take(new(3), 128, 1, QuorumConfig.Create([])));

    [Fact]
    public void Only_the_newest_entries_are_remembered()
    {
        for (long index = 1; index <= 1000; index++)
        {
            Take(1, index, 7);
        }

        Assert.Null(_guard.Own(900));
        Assert.Equal(7UL, _guard.Own(1000));
        Assert.Equal(DigestVerdict.None, Take(2, 3, 8));
        Assert.Null(_guard.Own(3));
    }

    private DigestVerdict Take(byte from, long index, ulong digest) =>
        _guard.Take(new ReplicaId(from), index, digest, _three);
}
