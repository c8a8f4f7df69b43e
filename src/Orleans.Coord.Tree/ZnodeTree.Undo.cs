namespace Orleans.Coord.Tree;

/// <summary>Undo of a multi that failed half-way: the changes are taken back in reverse order.</summary>
internal sealed partial class ZnodeTree
{
    private readonly List<UndoEntry> _undoEntries = [];
    private List<UndoEntry>? _undo;
    private ulong _digestBefore;

    /// <summary>From here on, changes can be taken back. Access control lists must not be set meanwhile.</summary>
    public void BeginUndoable()
    {
        Invariant.Check(_undo is null && _undoEntries.Count == 0);
        _undo = _undoEntries;
        _digestBefore = Digest;
    }

    /// <summary>Keeps the changes.</summary>
    public void Commit()
    {
        Invariant.Check(_undo is not null);
        EndUndoable();
    }

    /// <summary>Takes all changes since <see cref="BeginUndoable"/> back.</summary>
    public void Rollback()
    {
        Invariant.Check(_undo is not null);
        for (int i = _undoEntries.Count - 1; i >= 0; i--)
        {
            Undo(_undoEntries[i]);
        }

        EndUndoable();
        Invariant.Check(Digest == _digestBefore);
    }

    private void EndUndoable()
    {
        const int KeepEntries = 4096;
        _undo = null;
        _undoEntries.Clear();
        if (_undoEntries.Capacity > KeepEntries)
        {
            _undoEntries.Capacity = KeepEntries;
        }
    }

    private void Undo(in UndoEntry entry)
    {
        // What changes here was changed before, so a running snapshot has its copy already.
        Znode node = entry.Node;
        Znode changed = entry.Kind == UndoKind.SetData ? node : node.Parent!;
        Digest -= StatHash(changed);
        switch (entry.Kind)
        {
            case UndoKind.Create:
                Unlink(node);
                changed.CreatedChildren = entry.Count;
                changed.Pzxid = entry.Zxid;
                break;
            case UndoKind.Delete:
                int slot = node.Slot;
                Link(node);
                Invariant.Check(node.Slot == slot);
                changed.Pzxid = entry.Zxid;
                break;
            default:
                Digest -= DataHash(node);
                DataSize += (entry.Data?.Length ?? 0) - (node.Data?.Length ?? 0);
                node.Data = entry.Data;
                node.Version = entry.Count;
                node.Mzxid = entry.Zxid;
                node.Mtime = entry.Time;
                Digest += DataHash(node);
                break;
        }

        Digest += StatHash(changed);
    }
}

/// <summary>What an <see cref="UndoEntry"/> takes back.</summary>
internal enum UndoKind : byte
{
    Create,
    Delete,
    SetData,
}

/// <summary>What one change overwrote: of the znode (data written) or of its parent (created, deleted).</summary>
internal readonly record struct UndoEntry(UndoKind Kind, Znode Node, byte[]? Data, int Count, long Zxid, long Time)
{
    public static UndoEntry OfCreate(Znode node) =>
        new(UndoKind.Create, node, null, node.Parent!.CreatedChildren, node.Parent.Pzxid, 0);

    public static UndoEntry OfDelete(Znode node) => new(UndoKind.Delete, node, null, 0, node.Parent!.Pzxid, 0);

    public static UndoEntry OfSetData(Znode node) =>
        new(UndoKind.SetData, node, node.Data, node.Version, node.Mzxid, node.Mtime);
}
