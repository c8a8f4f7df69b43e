using System.Runtime.InteropServices;

namespace Orleans.Coord.Tree;

/// <summary>One watch that fired: what its session has to be told.</summary>
/// <param name="SessionId">Whom to tell.</param>
/// <param name="Type">What happened.</param>
/// <param name="Path">Where, as UTF-8; shared between the events of one trigger, never changed.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct WatchEvent(long SessionId, WatchEventType Type, byte[] Path);
