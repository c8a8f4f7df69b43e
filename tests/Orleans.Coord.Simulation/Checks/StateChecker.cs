using System.Text;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Simulation;

/// <summary>At the end: each member's tree and sessions are the model's, to the last field.</summary>
internal static class StateChecker
{
    public static void Verify(SimProcess process, Model model)
    {
        CoordStateMachine machine = process.Replica.Machine;
        string who = $"member {process.Id}";
        Unless(machine.LastApplied == model.Index, $"{who} ends at {machine.LastApplied} of {model.Index}");
        int count = 0;
        foreach (ModelNode expected in model.Nodes)
        {
            count++;
            Znode? node = machine.Tree.Find(Encoding.UTF8.GetBytes(expected.Path));
            Unless(node is not null, $"{who} lacks {expected.Path}");
            Unless(
                node.ToStat() == expected.Stat, $"{who} has {expected.Path} as {node.ToStat()}, not {expected.Stat}");
            Unless(
                node.Data.AsSpan().SequenceEqual(expected.Data), $"{who} has other data at {expected.Path}");
            bool owned = node.EphemeralOwner == 0 || machine.Sessions.TryGet(node.EphemeralOwner, out _);
            Unless(owned, $"{who} keeps the ephemeral {expected.Path} of a session that has ended");
        }

        Unless(machine.ZnodeCount == count, $"{who} has {machine.ZnodeCount} znodes, the model {count}");
        Unless(
            machine.Sessions.Count == model.Sessions.Count,
            $"{who} has {machine.Sessions.Count} sessions, the model {model.Sessions.Count}");
    }

    private static void Unless(
        [System.Diagnostics.CodeAnalysis.DoesNotReturnIf(false)] bool condition, string what) =>
        SimViolationException.Unless(condition, "final state", what);
}
