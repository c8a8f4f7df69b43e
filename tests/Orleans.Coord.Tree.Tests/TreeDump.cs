using System.Text;

namespace Orleans.Coord.Tree.Tests;

/// <summary>The whole tree as text, sorted by path: what two equal trees have in common.</summary>
internal static class TreeDump
{
    public static string Of(CoordStateMachine machine)
    {
        var lines = new List<string>();
        var waiting = new Stack<Znode>();
        waiting.Push(machine.Tree.Root);
        while (waiting.TryPop(out Znode? node))
        {
            string data = node.Data is null ? "null" : Convert.ToHexString(node.Data);
            string acl = Convert.ToHexString(node.Acl.Encoded);
            lines.Add($"{Encoding.UTF8.GetString(node.FullPath())} {node.Kind} {node.OwnerOrTtl} {node.ToStat()} "
                + $"{node.CreatedChildren} {data} {acl}");
            int children = 0;
            foreach (Znode? child in node.ChildSlots)
            {
                if (child is not null)
                {
                    children++;
                    waiting.Push(child);
                }
            }

            Assert.Equal(node.ChildCount, children);
            Assert.Same(node, machine.Tree.Registry[node.Slot]);
        }

        Assert.Equal(machine.ZnodeCount, lines.Count);
        lines.Sort(StringComparer.Ordinal);
        return string.Join('\n', lines);
    }
}
