namespace Orleans.Coord.Consensus.Tests;

/// <summary>Who decides: majorities, joint majorities, and the bytes of a configuration.</summary>
public sealed class QuorumConfigTests
{
    [Theory]
    [InlineData(new[] { 1 }, new long[] { 7 }, 7)]
    [InlineData(new[] { 1, 2 }, new long[] { 7, 5 }, 5)]
    [InlineData(new[] { 1, 2, 3 }, new long[] { 7, 5, 1 }, 5)]
    [InlineData(new[] { 1, 2, 3, 4 }, new long[] { 9, 7, 5, 1 }, 5)]
    [InlineData(new[] { 1, 2, 3, 4, 5 }, new long[] { 1, 2, 3, 4, 5 }, 3)]
    public void AgreedValue_IsWhatAMajorityHasReached(int[] voters, long[] values, long expected) =>
        Assert.Equal(expected, Group.Config(voters).AgreedValue(ById(values)));

    [Fact]
    public void AgreedValue_NeedsBothMajoritiesWhileJoint()
    {
        QuorumConfig joint = Group.Config([1, 2, 3]).EnterJoint(Group.Config([3, 4, 5]));
        Assert.Equal(2, joint.AgreedValue(ById([9, 9, 9, 2, 1])));
        Assert.Equal(1, joint.AgreedValue(ById([1, 1, 9, 9, 9])));
        Assert.Equal(9, joint.LeaveJoint().AgreedValue(ById([1, 1, 9, 9, 9])));
    }

    [Fact]
    public void AgreedValue_DoesNotSeeLearners() =>
        Assert.Equal(0, Group.Config([1, 2, 3], 4, 5).AgreedValue(ById([9, 0, 0, 9, 9])));

    [Fact]
    public void AgreedValue_OfRandomGroups_IsTheHighestThatAMajorityHas()
    {
        var random = new SplitMix64(5);
        for (int round = 0; round < 500; round++)
        {
            int size = 1 + random.Below(7);
            long[] values = [.. Enumerable.Range(0, size).Select(_ => (long)random.Below(10))];
            long agreed = Group.Config([.. Enumerable.Range(1, size)]).AgreedValue(ById(values));
            Assert.True(values.Count(value => value >= agreed) > size / 2);
            Assert.False(values.Count(value => value > agreed) > size / 2);
        }
    }

    [Fact]
    public void TwoMajoritiesOfConsecutiveConfigurationsAlwaysMeet()
    {
        QuorumConfig[] path =
        [
            Group.Config([1, 2, 3]),
            Group.Config([1, 2, 3]).EnterJoint(Group.Config([4, 5])),
            Group.Config([4, 5]),
        ];
        for (int step = 1; step < path.Length; step++)
        {
            for (int a = 0; a < 32; a++)
            {
                bool apart = IsQuorum(path[step - 1], a) && IsQuorum(path[step], ~a & 31);
                Assert.False(apart);
            }
        }
    }

    [Fact]
    public void MembersAreSorted_AndKnownByTheirPart()
    {
        QuorumConfig config = Group.Config([3, 1, 2], 5, 4);
        Assert.Equal([Group.Id(1), Group.Id(2), Group.Id(3)], config.Voters.ToArray());
        Assert.Equal([Group.Id(4), Group.Id(5)], config.Learners.ToArray());
        Assert.True(config.IsVoter(Group.Id(3)) && config.Contains(Group.Id(4)));
        Assert.False(config.IsVoter(Group.Id(4)) || config.Contains(Group.Id(6)));
    }

    [Fact]
    public void AnOutgoingVoterMayBecomeALearner()
    {
        QuorumConfig joint = Group.Config([1, 2, 3]).EnterJoint(Group.Config([1, 2], 3));
        Assert.True(joint.IsVoter(Group.Id(3)));
        Assert.False(joint.LeaveJoint().IsVoter(Group.Id(3)));
        Assert.Equal(Group.Config([1, 2], 3), joint.LeaveJoint());
        Assert.True(QuorumConfig.TryDecode(joint.Encode(), out QuorumConfig? copy));
        Assert.Equal(joint, copy);
    }

    [Fact]
    public void ASoleVoterDecidesAlone_UnlessJoint()
    {
        Assert.True(Group.Config([1], 2, 3).IsSoleVoter(Group.Id(1)));
        Assert.False(Group.Config([1]).IsSoleVoter(Group.Id(2)));
        Assert.False(Group.Config([2]).EnterJoint(Group.Config([1])).IsSoleVoter(Group.Id(1)));
        Assert.False(QuorumConfig.Empty.IsSoleVoter(Group.Id(1)));
    }

    [Fact]
    public void EncodeAndDecode_GiveTheSameConfiguration()
    {
        QuorumConfig[] configs =
        [
            QuorumConfig.Empty,
            Group.Config([1]),
            Group.Config([1, 2, 255], 7, 9),
            Group.Config([1, 2, 3], 4).EnterJoint(Group.Config([4, 5], 6)),
        ];
        foreach (QuorumConfig config in configs)
        {
            QuorumConfig copy = QuorumConfig.Decode(config.Encode());
            Assert.Equal(config, copy);
            Assert.Equal(config.GetHashCode(), copy.GetHashCode());
            Assert.Equal(config.ToString(), copy.ToString());
        }
    }

    [Theory]
    [InlineData(new byte[] { })]
    [InlineData(new byte[] { 1 })]
    [InlineData(new byte[] { 2, 0, 0, 0 })]
    [InlineData(new byte[] { 1, 1, 1, 0 })]
    [InlineData(new byte[] { 1, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 1, 2, 2, 1, 0, 0 })]
    [InlineData(new byte[] { 1, 2, 1, 1, 0, 0 })]
    [InlineData(new byte[] { 1, 1, 0, 0, 0 })]
    [InlineData(new byte[] { 1, 1, 1, 0, 1, 1 })]
    [InlineData(new byte[] { 1, 0, 1, 1, 0 })]
    [InlineData(new byte[] { 1, 9, 1, 0, 0 })]
    public void BytesThatAreNoConfigurationAreRefused(byte[] bytes)
    {
        Assert.False(QuorumConfig.TryDecode(bytes, out _));
        Assert.Throws<InvariantException>(() => QuorumConfig.Decode(bytes));
    }

    [Fact]
    public void RandomBytesNeverThrow()
    {
        var random = new SplitMix64(3);
        for (int i = 0; i < 5000; i++)
        {
            byte[] bytes = [1, .. Enumerable.Range(0, random.Below(9)).Select(_ => (byte)random.Below(4))];
            if (QuorumConfig.TryDecode(bytes, out QuorumConfig? config))
            {
                Assert.Equal(bytes, config.Encode());
            }
        }
    }

    [Fact]
    public void NobodyIsVoterAndLearnerAtOnce() =>
        Assert.Throws<InvariantException>(() => Group.Config([1, 2], 2));

    [Fact]
    public void Equality_SeesEveryPart()
    {
        QuorumConfig config = Group.Config([1, 2], 3);
        Assert.NotEqual(config, Group.Config([1, 2]));
        Assert.NotEqual(config, Group.Config([1, 4], 3));
        Assert.NotEqual(config, Group.Config([5]).EnterJoint(Group.Config([1, 2], 3)));
        Assert.False(config.Equals(null));
    }

    private static bool IsQuorum(QuorumConfig config, int members)
    {
        long[] has = [.. Enumerable.Range(0, 5).Select(i => (long)((members >> i) & 1))];
        return config.AgreedValue(ById(has)) == 1;
    }

    private static long[] ById(long[] values)
    {
        var byId = new long[256];
        values.CopyTo(byId, 1);
        return byId;
    }
}
