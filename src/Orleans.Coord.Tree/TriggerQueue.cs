using System.Runtime.InteropServices;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>
/// What an entry did, as watches are to hear of it, in order. Kept until the entry is known to succeed: a one-shot
/// watch must not be spent on a multi that is taken back.
/// </summary>
internal sealed class TriggerQueue
{
    private readonly List<Trigger> _triggers = [];
    private readonly JuteWriter _paths = new();

    public void Add(WatchEventType type, ReadOnlySpan<byte> path, AclList acl)
    {
        _triggers.Add(new Trigger(type, _paths.Length, path.Length, acl));
        _paths.WriteRaw(path);
    }

    public void Fire(long zxid, ChangeHistory history, WatchTable watches, List<WatchEvent> events)
    {
        foreach (Trigger trigger in _triggers)
        {
            ReadOnlySpan<byte> path = _paths.Written.Slice(trigger.PathStart, trigger.PathLength);
            if (trigger.Type != WatchEventType.NodeChildrenChanged)
            {
                history.Add(zxid, trigger.Type, path, trigger.Acl);
            }

            watches.Fire(trigger.Type, path, trigger.Acl, events);
        }
    }

    public void Clear()
    {
        const int KeepBytes = 64 * 1024;
        if (_triggers.Count > 0)
        {
            _triggers.Clear();
            _paths.Clear(KeepBytes);
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Trigger(WatchEventType Type, int PathStart, int PathLength, AclList Acl);
}
