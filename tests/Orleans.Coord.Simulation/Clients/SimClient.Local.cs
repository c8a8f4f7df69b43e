using Orleans.Coord.Jute;

namespace Orleans.Coord.Simulation;

/// <content>
/// Local sessions: some clients only read for a while. Their session stays with the member that gave it, until their
/// first write makes it known to all; from the answer to that on it must move as any other.
/// </content>
internal sealed partial class SimClient
{
    private readonly bool _readsFirst;
    private long _writesFromUs;
    private SimProcess? _home;

    /// <summary>Whether a write of its session was answered, so that all members must know the session.</summary>
    public bool IsKnownToAll { get; private set; }

    /// <summary>Whether its member may be the only one to know its session.</summary>
    public bool MayBeLocal => _world.Options.LocalSessions && !IsKnownToAll;

    /// <summary>Whether that member, in the life in which it gave the session, must still know it.</summary>
    public bool MustBeKnownTo(SimProcess process) => process == _home && Believes && !SaidGoodbye;

    private bool OnlyReads => NowUs < _writesFromUs && !_world.IsHealed;

    private void BeginSession(SimProcess process)
    {
        _home = process;
        IsKnownToAll = false;
        _writesFromUs = NowUs + (_readsFirst ? _extras.Below(_timeoutMs * 1000) : 0);
        if (!OnlyReads)
        {
            MakeFolders();
        }
    }

    // True: that is all it does for now.
    private bool ReadLocally()
    {
        if (_writesFromUs == 0)
        {
            return false;
        }

        if (OnlyReads)
        {
            bool children = _extras.OneIn(3);
            string path = children ? Folder : "/r" + _extras.Below(_world.Options.Registers);
            OpCode op = children ? OpCode.GetChildren2 : _extras.Pick(OpCode.GetData, OpCode.Exists);
            bool watch = _extras.OneIn(3);
            Send(op, RequestBody.Read(path, watch), path, watch: watch);
            return true;
        }

        MakeFolders();
        return false;
    }

    private void MakeFolders()
    {
        _writesFromUs = 0;
        Send(OpCode.Create, RequestBody.Create(Folder, ""), Folder);
        Send(OpCode.Create, RequestBody.Create(LockFolder, ""), LockFolder);
    }
}
