using System.Text;

namespace Orleans.Coord.Tree.Tests;

/// <summary>The small parts that the tree is made of.</summary>
public sealed class PartsTests
{
    [Theory]
    [InlineData("10.1.2.3", "10.1.2.3", true)]
    [InlineData("10.1.2.3", "10.1.2.4", false)]
    [InlineData("10.1.0.0/16", "10.1.255.7", true)]
    [InlineData("10.1.0.0/16", "10.2.0.0", false)]
    [InlineData("10.1.2.128/25", "10.1.2.200", true)]
    [InlineData("10.1.2.128/25", "10.1.2.100", false)]
    [InlineData("10.1.2.3/0", "99.9.9.9", true)]
    [InlineData("10.1.2.3/32", "10.1.2.3", true)]
    [InlineData("::1", "0:0:0:0:0:0:0:1", true)]
    [InlineData("fe80::/10", "fe80::1234:5678", true)]
    [InlineData("fe80::/10", "fec0::1", false)]
    [InlineData("2001:DB8::/32", "2001:db8:ffff::1", true)]
    [InlineData("::/0", "10.0.0.1", false)]
    [InlineData("10.0.0.0/8", "::1", false)]
    [InlineData("10.0.0.0/8", "nonsense", false)]
    [InlineData("nonsense", "10.0.0.1", false)]
    public void Addresses_match_by_prefix(string pattern, string address, bool expected) =>
        Assert.Equal(expected, IpPattern.Matches(Encoding.ASCII.GetBytes(pattern), Encoding.ASCII.GetBytes(address)));

    [Theory]
    [InlineData("1.2.3.4", true)]
    [InlineData("1.2.3.4/0", true)]
    [InlineData("1.2.3.4/+8", true)]
    [InlineData("1.2.3.4/+", false)]
    [InlineData("1.2.3.4/++8", false)]
    [InlineData("::", true)]
    [InlineData("1::", true)]
    [InlineData("1:2:3:4:5:6:7:8/128", true)]
    [InlineData("", false)]
    [InlineData("1.2.3", false)]
    [InlineData("1.2.3.4.5", false)]
    [InlineData("1.2.3.256", false)]
    [InlineData("1.2.3.x", false)]
    [InlineData("1.2.3.", false)]
    [InlineData("1.2.3.4/33", false)]
    [InlineData("1.2.3.4/", false)]
    [InlineData("1.2.3.4/-1", false)]
    [InlineData("1.2.3.4/9999999", false)]
    [InlineData("1:2:3:4:5:6:7", false)]
    [InlineData("1:2:3:4:5:6:7:8:9", false)]
    [InlineData("1:2:3:4::5:6:7:8", false)]
    [InlineData("1::2::3", false)]
    [InlineData("12345::", false)]
    [InlineData("g::", false)]
    [InlineData("::1/129", false)]
    [InlineData(":1", false)]
    public void Patterns_are_validated(string pattern, bool expected) =>
        Assert.Equal(expected, IpPattern.IsValid(Encoding.ASCII.GetBytes(pattern)));

    [Theory]
    [InlineData(81)]
    [InlineData(82)]
    public void A_child_table_is_a_set_of_names(ulong seed)
    {
        var random = new SplitMix64(seed);
        var tree = new ZnodeTree();
        var model = new HashSet<string>();
        var change = new Change(1, 1);
        Znode parent = tree.Create(tree.Root, "p"u8, null, tree.Acls.Open, ZnodeKind.Persistent, 0, change);
        for (int i = 0; i < 4_000; i++)
        {
            string name = $"n{random.Below(300)}";
            byte[] bytes = Encoding.ASCII.GetBytes(name);
            Znode? found = parent.FindChild(bytes, parent.ChildHash(bytes));
            Assert.Equal(model.Contains(name), found is not null);
            if (found is not null)
            {
                tree.Delete(found, change);
                model.Remove(name);
            }
            else
            {
                tree.Create(parent, bytes, null, tree.Acls.Open, ZnodeKind.Persistent, 0, change);
                model.Add(name);
            }

            Assert.Equal(model.Count, parent.ChildCount);
        }

        var listed = new HashSet<string>();
        foreach (Znode? child in parent.ChildSlots)
        {
            if (child is not null)
            {
                Assert.True(listed.Add(Encoding.ASCII.GetString(child.Name)));
            }
        }

        Assert.Equal(model, listed);
    }

    [Fact]
    public void A_child_table_goes_away_with_its_last_child()
    {
        var tree = new ZnodeTree();
        var change = new Change(1, 1);
        Znode parent = tree.Create(tree.Root, "p"u8, null, tree.Acls.Open, ZnodeKind.Persistent, 0, change);
        Znode child = tree.Create(parent, "c"u8, null, tree.Acls.Open, ZnodeKind.Persistent, 0, change);
        tree.Delete(child, change);
        Assert.True(parent.ChildSlots.IsEmpty);
        Assert.Null(parent.FindChild("c"u8, parent.ChildHash("c"u8)));
    }

    [Theory]
    [InlineData(91)]
    [InlineData(92)]
    public void An_indexed_set_is_a_set(ulong seed)
    {
        var random = new SplitMix64(seed);
        var set = new IndexedSet<int>();
        var model = new HashSet<int>();
        for (int i = 0; i < 3_000; i++)
        {
            int item = random.Below(i < 1_500 ? 60 : 10);
            if (random.Below(2) == 0)
            {
                Assert.Equal(model.Add(item), set.Add(item));
            }
            else
            {
                Assert.Equal(model.Remove(item), set.Remove(item));
            }

            Assert.Equal(model.Contains(item), set.Contains(item));
            Assert.Equal(model.Count, set.Count);
        }

        Assert.Equal(model.Order(), set.Items.ToArray().Order());
    }

    [Fact]
    public void Hashes_differ_by_content_length_and_seed()
    {
        var seen = new HashSet<ulong>();
        byte[] zeroes = new byte[70];
        for (int length = 0; length <= zeroes.Length; length++)
        {
            Assert.True(seen.Add(TreeHash.Bytes(zeroes.AsSpan(0, length), seed: 1)));
            Assert.True(seen.Add(TreeHash.Bytes(zeroes.AsSpan(0, length), seed: 2)));
        }

        for (int i = 0; i < zeroes.Length; i++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                zeroes[i] ^= (byte)(1 << bit);
                for (int length = i + 1; length <= zeroes.Length; length++)
                {
                    Assert.True(seen.Add(TreeHash.Bytes(zeroes.AsSpan(0, length), seed: 1)));
                }

                zeroes[i] = 0;
            }
        }
    }

    [Fact]
    public void Freed_slots_are_used_again_the_last_one_first()
    {
        var tree = new ZnodeTree();
        var change = new Change(1, 1);
        Znode[] nodes = [.. "abc"u8.ToArray().Select(c =>
            tree.Create(tree.Root, [c], null, tree.Acls.Open, ZnodeKind.Persistent, 0, change))];
        int high = tree.Registry.HighWater;
        tree.Delete(nodes[0], change);
        tree.Delete(nodes[2], change);
        Assert.Null(tree.Registry[nodes[0].Slot]);
        Znode next = tree.Create(tree.Root, "d"u8, null, tree.Acls.Open, ZnodeKind.Persistent, 0, change);
        Assert.Equal(nodes[2].Slot, next.Slot);
        Assert.Equal(high, tree.Registry.HighWater);
        Assert.Null(tree.Registry[high]);
        Assert.Null(tree.Registry[-1]);
    }

    [Fact]
    public void Misuse_of_the_tree_is_stopped()
    {
        var tree = new ZnodeTree();
        var change = new Change(1, 1);
        Znode node = tree.Create(tree.Root, "a"u8, null, tree.Acls.Open, ZnodeKind.Persistent, 0, change);
        Assert.Throws<InvariantException>(
            () => tree.Create(tree.Root, "a"u8, null, tree.Acls.Open, ZnodeKind.Persistent, 0, change));
        Assert.Throws<InvariantException>(() => tree.Delete(tree.Root, change));
        Assert.Throws<InvariantException>(tree.Commit);
        Assert.Throws<InvariantException>(tree.Rollback);
        tree.Delete(node, change);
        Assert.Throws<InvariantException>(() => tree.Delete(node, change));
        Assert.Throws<InvariantException>(() => tree.SetData(node, null, 1, change));
    }
}
