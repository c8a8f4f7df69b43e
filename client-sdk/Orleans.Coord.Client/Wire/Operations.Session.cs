using Orleans.Coord.Jute;

namespace Orleans.Coord.Client;

/// <summary>Adds an identity. Sent by every connection (<paramref name="OnLoss"/>), or for the first time.</summary>
internal readonly record struct AuthOperation(CoordAuth Auth, OnLoss OnLoss) : IOperation<Nothing>
{
    public OpCode Code => OpCode.Auth;

    public string? Path => null;

    public void Write(JuteWriter writer, bool watch)
    {
        writer.WriteInt(0);
        writer.WriteString(Auth.Scheme);
        writer.WriteBuffer(Auth.Secret.Span);
    }

    public Nothing Read(ref JuteReader reader) => default;
}

internal readonly record struct CloseOperation : IOperation<Nothing>
{
    public OpCode Code => OpCode.CloseSession;

    public string? Path => null;

    public OnLoss OnLoss => OnLoss.Drop;

    public void Write(JuteWriter writer, bool watch)
    {
        // The request has no body.
    }

    public Nothing Read(ref JuteReader reader) => default;
}

internal readonly record struct AddWatchOperation(string Path, WatchScope Scope) : IOperation<Nothing>
{
    public OpCode Code => OpCode.AddWatch;

    public OnLoss OnLoss => OnLoss.Repeat;

    public void Write(JuteWriter writer, bool watch)
    {
        writer.WriteString(Path);
        writer.WriteInt((int)Scope);
    }

    public Nothing Read(ref JuteReader reader) => default;
}

/// <summary>Removes all watches of the session at the path: the only kind that every server version knows.</summary>
internal readonly record struct RemoveWatchesOperation(string Path) : IOperation<Nothing>
{
    private const int AnyKind = 3;

    public OpCode Code => OpCode.RemoveWatches;

    // The next connection starts without watches and sets only those that are still wanted.
    public OnLoss OnLoss => OnLoss.Drop;

    public void Write(JuteWriter writer, bool watch)
    {
        writer.WriteString(Path);
        writer.WriteInt(AnyKind);
    }

    public Nothing Read(ref JuteReader reader) => default;
}

/// <summary>Paths to watch again after a reconnect; one request's worth.</summary>
internal sealed class WatchPaths
{
    public List<string> Data { get; } = [];

    public List<string> Exist { get; } = [];

    public List<string> Children { get; } = [];

    public List<string> Persistent { get; } = [];

    public List<string> Recursive { get; } = [];

    /// <summary>Characters in all lists.</summary>
    public int Size { get; private set; }

    public void Add(List<string> list, string path)
    {
        list.Add(path);
        Size += path.Length;
    }
}

internal readonly record struct SetWatchesOperation(long SinceZxid, WatchPaths Paths) : IOperation<Nothing>
{
    // The older operation where it is enough: servers before 3.6 know no other.
    public OpCode Code => Paths.Persistent.Count + Paths.Recursive.Count == 0
        ? OpCode.SetWatches
        : OpCode.SetWatches2;

    public string? Path => null;

    public OnLoss OnLoss => OnLoss.Drop;

    public void Write(JuteWriter writer, bool watch)
    {
        writer.WriteLong(SinceZxid);
        writer.WriteTexts(Paths.Data);
        writer.WriteTexts(Paths.Exist);
        writer.WriteTexts(Paths.Children);
        if (Code == OpCode.SetWatches2)
        {
            writer.WriteTexts(Paths.Persistent);
            writer.WriteTexts(Paths.Recursive);
        }
    }

    public Nothing Read(ref JuteReader reader) => default;
}
