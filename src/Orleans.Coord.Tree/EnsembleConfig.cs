using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Orleans.Coord.Tree;

/// <summary>
/// Who is to be a member, as <c>/zookeeper/config</c> says it, and who was one: an id that was removed never comes
/// back, so that no wiped disk can vote a second time under it. The consensus group follows this, one change at a time.
/// Immutable.
/// </summary>
public sealed class EnsembleConfig
{
    private const ulong Seed = 0x5EED_0000_0000_0006;

    private EnsembleConfig(EnsembleMember[] members, EnsembleMember[] removed, long version)
    {
        Members = members;
        Removed = removed;
        Version = version;
        RemovedText = removed.Length == 0 ? [] : Encoding.UTF8.GetBytes(string.Join('\n', (object[])removed));
    }

    /// <summary>No ensemble: one silo alone, or a group whose first leader has not written the configuration yet.
    /// </summary>
    public static EnsembleConfig None { get; } = new([], [], 0);

    /// <summary>The members, by ascending id.</summary>
    public IReadOnlyList<EnsembleMember> Members { get; }

    /// <summary>Those that were removed, with their last addresses, by ascending id.</summary>
    public IReadOnlyList<EnsembleMember> Removed { get; }

    /// <summary>The zxid of the entry that made it; what a conditional <c>reconfig</c> names.</summary>
    public long Version { get; }

    /// <summary>Whether there are no members.</summary>
    public bool IsEmpty => Members.Count == 0;

    internal byte[] RemovedText { get; }

    /// <summary>Part of the machine's digest; 0 while nobody was removed.</summary>
    internal ulong RemovedDigest => RemovedText.Length == 0 ? 0 : TreeHash.Bytes(RemovedText, Seed);

    /// <summary>The member of that id, or null.</summary>
    public EnsembleMember? Find(ReplicaId id)
    {
        foreach (EnsembleMember member in Members)
        {
            if (member.Id == id.Value)
            {
                return member;
            }
        }

        return null;
    }

    /// <summary>Whether the member belonged to the ensemble once and was removed.</summary>
    public bool WasRemoved(ReplicaId id) => WasRemoved((long)id.Value);

    /// <summary>ZooKeeper's text (QuorumMaj.toString): a line for each member, then <c>version=HEX</c>.</summary>
    public byte[] ToText()
    {
        var text = new StringBuilder();
        foreach (EnsembleMember member in Members)
        {
            text.Append(member).Append('\n');
        }

        return Encoding.UTF8.GetBytes(
            text.Append("version=").Append(Version.ToString("x", NumberFormatInfo.InvariantInfo)).ToString());
    }

    /// <summary>Reads what <see cref="ToText"/> wrote, and the lines of those removed; empty text means none.</summary>
    public static bool TryRead(
        ReadOnlySpan<byte> text, ReadOnlySpan<byte> removed, [NotNullWhen(true)] out EnsembleConfig? config)
    {
        config = null;
        if (text.IsEmpty && removed.IsEmpty)
        {
            config = None;
            return true;
        }

        string[] lines = Encoding.UTF8.GetString(text).Split('\n');
        if (!lines[^1].StartsWith("version=", StringComparison.Ordinal)
            || !long.TryParse(
                lines[^1].AsSpan("version=".Length), NumberStyles.AllowHexSpecifier, NumberFormatInfo.InvariantInfo,
                out long version)
            || !TryReadLines(lines.AsSpan(..^1), out SortedDictionary<long, EnsembleMember> members)
            || !TryReadLines(
                removed.IsEmpty ? [] : Encoding.UTF8.GetString(removed).Split('\n'),
                out SortedDictionary<long, EnsembleMember> gone))
        {
            return false;
        }

        config = new EnsembleConfig([.. members.Values], [.. gone.Values], version);
        return true;
    }

    /// <summary>
    /// The configuration after a request, before the checks that only its taking effect needs; see
    /// <see cref="CanFollow"/>. False: the request makes no sense.
    /// </summary>
    /// <param name="request">What is asked.</param>
    /// <param name="version">The zxid of the request's entry.</param>
    /// <param name="next">What would be.</param>
    public bool TryChange(in ReconfigRequest request, long version, [NotNullWhen(true)] out EnsembleConfig? next)
    {
        next = null;
        var members = new SortedDictionary<long, EnsembleMember>();
        if (request.NewMembers is not null)
        {
            if (!TryReadLines(request.NewMembers.Split(',', '\n'), out members))
            {
                return false;
            }
        }
        else
        {
            foreach (EnsembleMember member in Members)
            {
                members.Add(member.Id, member);
            }

            if (!TryLeave(request.Leaving, members) || !TryJoin(request.Joining, members))
            {
                return false;
            }
        }

        if (!HasVoter(members))
        {
            return false;
        }

        var removed = new SortedDictionary<long, EnsembleMember>();
        foreach (EnsembleMember member in Removed)
        {
            removed.Add(member.Id, member);
        }

        foreach (EnsembleMember member in Members)
        {
            if (!members.ContainsKey(member.Id))
            {
                removed.Add(member.Id, member);
            }
        }

        next = new EnsembleConfig([.. members.Values], [.. removed.Values], version);
        return true;
    }

    /// <summary>Whether every id can be a member's: from 1 to 255, and none that was removed before.</summary>
    internal bool CanFollow(EnsembleConfig previous)
    {
        foreach (EnsembleMember member in Members)
        {
            if (member.Id is < 1 or > byte.MaxValue || previous.WasRemoved(member.Id))
            {
                return false;
            }
        }

        return true;
    }

    private bool WasRemoved(long id)
    {
        foreach (EnsembleMember member in Removed)
        {
            if (member.Id == id)
            {
                return true;
            }
        }

        return false;
    }

    private static bool TryLeave(string? leaving, SortedDictionary<long, EnsembleMember> members)
    {
        foreach (string text in Items(leaving))
        {
            if (!long.TryParse(
                text, NumberStyles.AllowLeadingSign, NumberFormatInfo.InvariantInfo, out long id))
            {
                return false;
            }

            members.Remove(id);
        }

        return true;
    }

    private static bool TryJoin(string? joining, SortedDictionary<long, EnsembleMember> members)
    {
        foreach (string text in Items(joining))
        {
            if (!EnsembleMember.TryParse(text, out EnsembleMember? joiner) || joiner.Clients.Length == 0)
            {
                return false;
            }

            foreach (EnsembleMember member in members.Values)
            {
                if (member.Id != joiner.Id && member.ConflictsWith(joiner))
                {
                    return false;
                }
            }

            members[joiner.Id] = joiner;
        }

        return true;
    }

    // As ZooKeeper: a line that is neither a member nor the version of an older configuration makes no sense.
    private static bool TryReadLines(ReadOnlySpan<string> lines, out SortedDictionary<long, EnsembleMember> members)
    {
        members = [];
        foreach (string line in lines)
        {
            string text = line.Trim();
            if (text.Length == 0 || text.StartsWith("version=", StringComparison.Ordinal))
            {
                continue;
            }

            bool readable = text.StartsWith("server.", StringComparison.Ordinal)
                && EnsembleMember.TryParse(text, out EnsembleMember? member)
                && members.TryAdd(member.Id, member);
            if (!readable)
            {
                return false;
            }
        }

        return true;
    }

    private static bool HasVoter(SortedDictionary<long, EnsembleMember> members)
    {
        foreach (EnsembleMember member in members.Values)
        {
            if (!member.IsObserver)
            {
                return true;
            }
        }

        return false;
    }

    private static string[] Items(string? list) => list?.Split(
        ',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
}
