namespace Orleans.Coord.Tcp;

/// <summary>
/// Remembers which incarnation each member had when it was first met. A wiped disk draws another one, so it cannot
/// vote a second time under its old id.
/// </summary>
public interface IIncarnationRegistry
{
    /// <summary>
    /// Whether the member may be linked: it is met for the first time, and its incarnation is now durable here, or it
    /// still has the one it was first met with. Called from the transport's threads, one call at a time; may wait for
    /// the disk. An exception closes the connection, and the member tries again.
    /// </summary>
    bool Admit(ReplicaId member, ulong incarnation);
}
