using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication.Tests;

/// <summary>Members of different versions in one group: an old one takes part up to the first level only.</summary>
public sealed class FeatureLevelTests
{
    private const byte Old = FeatureLevels.First;
    private const byte New = FeatureLevels.Newest;
    private readonly TestGroup _group = new(3);

    [Fact]
    public void A_new_group_has_all_features_from_its_first_session_on()
    {
        Start(New, New);
        TestClient client = _group.Join(_group.WaitForLeader());
        Assert.Equal(CoordErrorCode.Ok, WriteNumbered(client, 1));
    }

    [Fact]
    public void The_level_rises_once_the_last_old_member_is_replaced()
    {
        Start(Old, Old, Old);
        Assert.Equal(CoordErrorCode.Unimplemented, WriteNumbered(_group.Join(_group.WaitForLeader()), 1));
        Upgrade(0, 1);
        Assert.Equal(CoordErrorCode.Unimplemented, WriteNumbered(_group.Join(_group.WaitForLeader()), 1));
        Assert.All(Levels(), level => Assert.Equal(Old, level));
        Upgrade(2);
        Assert.Equal(CoordErrorCode.Ok, WriteNumbered(_group.Join(_group.WaitForLeader()), 1));
        _group.RunUntil(() => Levels().All(level => level == New), "all members at the new level");
    }

    [Fact]
    public void An_old_member_that_is_not_there_holds_the_group_back_too()
    {
        Start(Old, Old, Old);
        _group.Join(_group.WaitForLeader());
        Upgrade(0, 1);
        _group.Members[2].Crash();
        _group.RunUntil(() => _group.Leader is { } leader && leader.Id.Value != 3, "a leader among the others");
        TestMember leader = _group.Leader!;
        leader.Turn(replica => replica.PeerUnreachable(new ReplicaId(3)));
        Assert.Equal(CoordErrorCode.Unimplemented, WriteNumbered(_group.Join(leader), 1));
    }

    [Fact]
    public void A_member_that_was_left_behind_stops_at_the_entry_and_says_what_to_do()
    {
        Start(New, New);
        Assert.Equal(CoordErrorCode.Ok, WriteNumbered(_group.Join(_group.WaitForLeader()), 1));
        _group.Members[2].Level = Old;
        _group.Members[2].Start();
        FeatureLevelException e = Assert.Throws<FeatureLevelException>(() => _group.Run(10_000));
        Assert.Matches(
            $"^Entry [0-9]+ of the log is of feature level {New}; this member takes part up to level 1. It stops",
            e.Message);
    }

    [Fact]
    public void So_it_does_at_a_snapshot_its_own_or_the_leaders()
    {
        Start(New, New);
        TestClient client = _group.Join(_group.WaitForLeader());
        Assert.Equal(CoordErrorCode.Ok, WriteNumbered(client, 1));
        TestMember[] others = [.. _group.Members[..2]];
        TakeSnapshots(others, client);
        _group.Members[2].Level = Old;
        _group.Members[2].Start();
        FeatureLevelException e = Assert.Throws<FeatureLevelException>(() => _group.Run(20_000));
        Assert.StartsWith("The snapshot at index ", e.Message, StringComparison.Ordinal);
        _group.Members[2].Crash();
        others[0].Crash();
        others[0].Level = Old;
        e = Assert.Throws<FeatureLevelException>(() => others[0].Start());
        Assert.StartsWith("The snapshot at index ", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void No_member_stops_and_all_stay_equal_while_a_group_is_upgraded_under_faults(ulong seed)
    {
        var group = new TestGroup(3, seed, TestSilo.DefaultOptions with { SnapshotLogBytes = 6_000, DigestEvery = 8 });
        var random = new SplitMix64(seed * 17);
        foreach (TestMember member in group.Members)
        {
            member.Level = Old;
            member.Start();
        }

        var writer = new LevelWriter(group);
        for (int ms = 0; ms < 8_000; ms++)
        {
            if (random.Below(150) == 0)
            {
                Disturb(group, random, mayUpgrade: ms > 2_000);
            }

            group.Step();
            writer.Act(random);
        }

        foreach (TestMember member in group.Members)
        {
            Restart(member, New);
        }

        group.Heal();
        group.RunUntil(
            () =>
            {
                writer.Act(random);
                return group.Members.All(m => m.Replica.Machine.FeatureLevel == New && m.Replica.CanServe)
                    && group.Members.Select(m => m.Replica.Machine.LastApplied).Distinct().Count() == 1;
            },
            "all members equal at the new level");
        Assert.Single(group.Members.Select(m => m.Replica.Machine.Digest).Distinct());
        Assert.True(writer.Refused > 0, "no write was too new for the group");
        Assert.True(writer.Done > 0, "no write of the new level was done");
    }

    // The third member is not started if it has no level.
    private void Start(params byte[] levels)
    {
        for (int i = 0; i < levels.Length; i++)
        {
            _group.Members[i].Level = levels[i];
            _group.Members[i].Start();
        }
    }

    private void Upgrade(params int[] members)
    {
        foreach (int i in members)
        {
            Restart(_group.Members[i], New);
            _group.RunUntil(() => _group.Members[i].Replica.CanServe, "the upgraded member to serve");
        }
    }

    private byte[] Levels() => [.. _group.Members.Select(m => m.Replica.Machine.FeatureLevel)];

    private CoordErrorCode WriteNumbered(TestClient client, long number)
    {
        LevelWriter.AddNumbered(client, number);
        client.Send();
        _group.RunUntil(() => client.HasFrame, "the answer");
        return client.Next().Code;
    }

    private void TakeSnapshots(TestMember[] members, TestClient client)
    {
        // The log stays as far back as the snapshot before the newest.
        for (int i = 1; i <= 2; i++)
        {
            WriteNumbered(client, i + 1);
            foreach (TestMember member in members)
            {
                member.Turn(replica => replica.SnapshotSoon());
            }

            _group.Run(500);
        }
    }

    private static void Disturb(TestGroup group, SplitMix64 random, bool mayUpgrade)
    {
        TestMember victim = group.Members[random.Below(group.Members.Length)];
        switch (random.Below(4))
        {
            case 0:
                Restart(victim, mayUpgrade ? New : victim.Level);
                break;
            case 1:
                Restart(victim, victim.Level);
                break;
            case 2:
                group.Isolate(victim);
                break;
            default:
                group.Heal();
                break;
        }
    }

    private static void Restart(TestMember member, byte level)
    {
        member.Crash();
        member.Level = level;
        member.Start();
    }
}

/// <summary>Writes what only the new level knows, at any member, over and over.</summary>
internal sealed class LevelWriter(TestGroup group)
{
    private TestClient? _client;
    private TestMember? _member;
    private Replica? _life;
    private bool _welcomed;
    private long _number;
    private bool _waiting;

    /// <summary>Writes that the group did not know yet.</summary>
    public int Refused { get; private set; }

    public int Done { get; private set; }

    public static void AddNumbered(TestClient client, long number) => client.Add(OpCode.Numbered, w =>
    {
        w.WriteLong(number);
        w.WriteLong(number);
        w.WriteInt((int)OpCode.Create);
        w.WriteString("/numbered-");
        w.WriteBuffer([]);
        w.WriteInt(1);
        w.WriteInt((int)Permissions.All);
        w.WriteString("world");
        w.WriteString("anyone");
        w.WriteInt(2);
    });

    public void Act(SplitMix64 random)
    {
        if (_client is null || _client.Closed is not null || !_member!.IsUp || _member.Replica != _life
            || random.Below(500) == 0)
        {
            Connect(group.Members[random.Below(group.Members.Length)]);
        }
        else if (!_client.HasFrame)
        {
            return;
        }
        else if (!_welcomed)
        {
            _welcomed = _client.Welcomed();
            Assert.True(_welcomed);
        }
        else
        {
            Count(_client.Next().Code);
        }

        if (_welcomed && !_waiting && _client!.Closed is null)
        {
            AddNumbered(_client, ++_number);
            _client.Send();
            _waiting = true;
        }
    }

    private void Connect(TestMember member)
    {
        (_member, _life, _welcomed, _waiting, _number) = (member, member.Replica, false, false, 0);
        _client = new TestClient(member).Hello();
    }

    private void Count(CoordErrorCode code)
    {
        _waiting = false;
        Assert.True(code is CoordErrorCode.Ok or CoordErrorCode.Unimplemented, code.ToString());
        Refused += code == CoordErrorCode.Unimplemented ? 1 : 0;
        Done += code == CoordErrorCode.Ok ? 1 : 0;

        // Once the group knows it, it never forgets.
        Assert.True(code == CoordErrorCode.Ok || Done == 0);
    }
}
