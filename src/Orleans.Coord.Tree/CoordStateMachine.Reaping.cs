using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>The end of containers and TTL znodes: the leader looks for candidates, applying decides.</summary>
public sealed partial class CoordStateMachine
{
    private int _reapCursor;

    /// <summary>
    /// Finds empty containers that had a child once, and childless TTL znodes that outlived their time. For each the
    /// leader proposes a <see cref="OpCode.DeleteContainer"/> request of session 0 with the path as its body. Each
    /// call goes on where the last one stopped and looks at sixteen times <paramref name="max"/> znodes at most.
    /// </summary>
    /// <param name="nowMs">The leader's clock, milliseconds since 1970.</param>
    /// <param name="max">How many paths to add at most.</param>
    /// <param name="paths">Where to add them.</param>
    public void CollectReapable(long nowMs, int max, List<byte[]> paths)
    {
        const int LooksPerPath = 16;
        ArgumentNullException.ThrowIfNull(paths);
        long looks = Math.Min(Tree.Reapable.Count, (long)max * LooksPerPath);
        int found = 0;
        for (; looks > 0 && found < max; looks--)
        {
            if (_reapCursor >= Tree.Reapable.Count)
            {
                _reapCursor = 0;
            }

            Znode node = Tree.Registry[Tree.Reapable[_reapCursor++]]!;
            if (IsReapable(node, nowMs))
            {
                paths.Add(node.FullPath());
                found++;
            }
        }
    }

    private static bool IsReapable(Znode node, long nowMs) => node.ChildCount == 0 && node.Kind switch
    {
        ZnodeKind.Container => node.CreatedChildren != 0,
        ZnodeKind.Ttl => nowMs - node.Mtime > node.OwnerOrTtl,
        _ => false,
    };

    private CoordErrorCode DeleteContainer(in Command command)
    {
        // Not for clients: it asks for no right.
        if (command.SessionId != 0)
        {
            return CoordErrorCode.BadArguments;
        }

        var reader = new JuteReader(command.Body);
        ReadOnlySpan<byte> path = reader.ReadString();
        if (reader.Failed)
        {
            return CoordErrorCode.MarshallingError;
        }

        if (!ZnodePath.IsValid(path) || IsSystemPath(path))
        {
            return CoordErrorCode.BadArguments;
        }

        Znode? node = Tree.Find(path);
        if (node is null)
        {
            return CoordErrorCode.NoNode;
        }

        if (node.ChildCount > 0)
        {
            return CoordErrorCode.NotEmpty;
        }

        if (!IsReapable(node, LastTime))
        {
            return CoordErrorCode.BadVersion;
        }

        DeleteZnode(node, path, ChangeOf(command));
        return CoordErrorCode.Ok;
    }
}
