namespace Orleans.Coord.Tree;

/// <summary>
/// Quotas, kept where ZooKeeper keeps them: a subtree <c>/a</c> has one while
/// <c>/zookeeper/quota/a/zookeeper_limits</c> exists; <c>zookeeper_stats</c> beside it tells how many znodes and bytes
/// of data there are. Nothing else is state: what a path's quota is, the znodes say. While there is no quota at all,
/// a write pays one comparison.
/// </summary>
public sealed partial class CoordStateMachine
{
    private Znode? _quotas;

    /// <summary>How many writes were refused for a hard limit since this replica started.</summary>
    public long QuotaRefusals { get; private set; }

    /// <summary>How many writes went beyond a soft limit since this replica started.</summary>
    public long QuotaWarnings { get; private set; }

    private static Znode? ChildOf(Znode node, ReadOnlySpan<byte> name) => node.FindChild(name, node.ChildHash(name));

    /// <summary>The znode below <c>/zookeeper/quota</c> that stands for the innermost subtree with a quota.</summary>
    private Znode? FindQuota(ReadOnlySpan<byte> path)
    {
        Znode? at = _quotas ??= Tree.Find("/zookeeper/quota"u8);
        if (at is not { ChildCount: > 0 })
        {
            return null;
        }

        Znode? found = null;
        while (path.Length > 1)
        {
            path = path[1..];
            int slash = path.IndexOf((byte)'/');
            ReadOnlySpan<byte> name = slash < 0 ? path : path[..slash];
            path = path[name.Length..];
            at = ChildOf(at, name);
            if (at is null)
            {
                break;
            }

            found = ChildOf(at, "zookeeper_limits"u8) is null ? found : at;
        }

        return found;
    }

    /// <summary>Refuses what would go beyond a hard limit, where the proposing member enforces limits.</summary>
    private CoordErrorCode CheckQuota(CommandOptions options, ReadOnlySpan<byte> path, long moreBytes, int moreCount)
    {
        if ((options & CommandOptions.EnforceQuota) == 0
            || FindQuota(path) is not { } quota
            || ChildOf(quota, "zookeeper_limits"u8) is not { } limitsNode
            || ChildOf(quota, "zookeeper_stats"u8) is not { } statsNode)
        {
            return CoordErrorCode.Ok;
        }

        var limits = QuotaFigures.Parse(limitsNode.Data);
        var usage = QuotaFigures.Parse(statsNode.Data);
        bool fits = Fits(usage.Count, moreCount, limits.Count, limits.CountHardLimit)
            && Fits(usage.Bytes, moreBytes, limits.Bytes, limits.ByteHardLimit);
        return fits ? CoordErrorCode.Ok : CoordErrorCode.QuotaExceeded;
    }

    private bool Fits(long usage, long more, long soft, long hard)
    {
        long limit = hard > -1 ? hard : soft;
        if (more == 0 || limit <= -1 || unchecked(usage + more) <= limit)
        {
            return true;
        }

        if (hard > -1)
        {
            QuotaRefusals++;
            return false;
        }

        QuotaWarnings++;
        return true;
    }

    /// <summary>
    /// Notes what a write added or took in the statistics of its quota. These change by the way: no version, no zxid,
    /// no watch tells of it.
    /// </summary>
    private void AccountQuota(ReadOnlySpan<byte> path, long moreBytes, int moreCount)
    {
        if (FindQuota(path) is { } quota && ChildOf(quota, "zookeeper_stats"u8) is { } stats)
        {
            var usage = QuotaFigures.Parse(stats.Data);
            SetQuotaStatistics(stats, usage with
            {
                Count = unchecked(usage.Count + moreCount),
                Bytes = unchecked(usage.Bytes + moreBytes),
            });
        }
    }

    /// <summary>Statistics that are created start from what the subtree holds, whatever the client wrote.</summary>
    private void BeginQuotaStatistics(Znode created, ReadOnlySpan<byte> path)
    {
        ReadOnlySpan<byte> root = "/zookeeper/quota"u8;
        ReadOnlySpan<byte> leaf = "/zookeeper_stats"u8;
        if (path.Length > root.Length + leaf.Length && path.StartsWith(root) && path.EndsWith(leaf)
            && path[root.Length] == '/'
            && Tree.Find(path[root.Length..^leaf.Length]) is { } subtree)
        {
            SetQuotaStatistics(created, UsageOf(subtree));
        }
    }

    /// <summary>All statistics anew, from what there is: an import leaves ephemeral znodes behind.</summary>
    private void RecountQuotas()
    {
        foreach (Znode node in Tree.Find("/zookeeper/quota"u8)?.SelfAndBelow() ?? [])
        {
            if (node.Name.AsSpan().SequenceEqual("zookeeper_stats"u8))
            {
                BeginQuotaStatistics(node, node.FullPath());
            }
        }
    }

    private static QuotaFigures UsageOf(Znode subtree)
    {
        long count = 0;
        long bytes = 0;
        foreach (Znode node in subtree.SelfAndBelow())
        {
            count++;
            bytes += node.Data?.Length ?? 0;
        }

        return new QuotaFigures(count, bytes);
    }

    private void SetQuotaStatistics(Znode stats, QuotaFigures usage) =>
        Tree.SetData(stats, usage.ToBytes(), stats.Version, new Change(stats.Mzxid, stats.Mtime));
}
