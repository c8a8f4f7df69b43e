namespace Orleans.Coord.Tree;

/// <summary>
/// The digests after every 128th entry, the newest 1,024 of them (as ZooKeeper keeps its own), for people who compare
/// replicas. Local: not part of the state.
/// </summary>
public sealed class DigestLog
{
    private const long Interval = 128;
    private const int Kept = 1024;

    private readonly Queue<KeyValuePair<long, ulong>> _digests = new();

    /// <summary>Zxids and digests, oldest first.</summary>
    public IReadOnlyCollection<KeyValuePair<long, ulong>> Digests => _digests;

    internal static bool IsDue(long zxid) => zxid % Interval == 0;

    internal void Add(long zxid, ulong digest)
    {
        if (_digests.Count == Kept)
        {
            _digests.Dequeue();
        }

        _digests.Enqueue(new KeyValuePair<long, ulong>(zxid, digest));
    }
}
