using System.Runtime.InteropServices;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>What a snapshot says of the state as a whole; restoring must arrive at exactly this.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SnapshotHeader(
    long LastApplied, long LastTime, ulong Digest, int ZnodeCount, int SessionCount);

/// <summary>Kinds of record groups. The values are in files: never change one.</summary>
internal enum SnapshotGroup : byte
{
    Header = 1,
    Acls = 2,
    Sessions = 3,
    Znodes = 4,
    End = 5,
    Results = 6,
    RemovedMembers = 7,
    FeatureLevel = 8,
}

/// <summary>
/// The snapshot's bytes: groups of records, each with its kind and number; the header first, then the feature level,
/// then the members that were removed, if any, then all access control lists, then sessions (each before its kept
/// results) and znodes. A znode's record names its own slot and its parent's, so znodes come in any order and restoring
/// needs no paths.
/// </summary>
internal static class SnapshotFormat
{
    public const int Magic = 0x4F43_5331;
    public const int Version = 1;

    public static void WriteHeader(JuteWriter output, in SnapshotHeader header)
    {
        BeginGroup(output, SnapshotGroup.Header);
        output.WriteInt(Magic);
        output.WriteInt(Version);
        output.WriteLong(header.LastApplied);
        output.WriteLong(header.LastTime);
        output.WriteLong((long)header.Digest);
        output.WriteInt(header.ZnodeCount);
        output.WriteInt(header.SessionCount);
    }

    public static void WriteEnd(JuteWriter output, in SnapshotHeader header)
    {
        BeginGroup(output, SnapshotGroup.End);
        output.WriteLong(header.LastApplied);
    }

    /// <summary>Starts a group of one record; <see cref="EndGroup"/> makes it another number.</summary>
    public static int BeginGroup(JuteWriter output, SnapshotGroup group)
    {
        int start = output.Length;
        output.WriteByte((byte)group);
        output.WriteInt(1);
        return start;
    }

    /// <summary>Fills in the number of records; an empty group vanishes.</summary>
    public static void EndGroup(JuteWriter output, int start, int count)
    {
        if (count == 0)
        {
            output.Truncate(start);
        }
        else
        {
            output.PatchInt(start + 1, count);
        }
    }
}
