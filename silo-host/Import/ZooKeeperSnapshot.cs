using System.Text;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.SiloHost.Import;

/// <summary>Reads a snapshot file of ZooKeeper: sessions, access control lists, all znodes, parents first.</summary>
internal static class ZooKeeperSnapshot
{
    private const int Magic = 0x5A4B534E; // ZKSN
    private const int Version = 2;

    // How ephemeralOwner tells containers and times to live from sessions (EphemeralType).
    private const long ContainerOwner = long.MinValue;
    private const long TtlMask = unchecked((long)0xFF00_0000_0000_0000);
    private const long TtlValue = 0xFF_FFFF_FFFF;

    /// <summary>Reads a whole file into a tree.</summary>
    /// <exception cref="InvalidDataException">It is none, or damaged.</exception>
    public static TreeImport Read(string file, Action<long> progress)
    {
        using var buffered = new BufferedStream(File.OpenRead(file), 1 << 20);
        var input = new BigEndianStream(buffered);
        if (input.ReadInt() != Magic || input.ReadInt() != Version)
        {
            throw new InvalidDataException("it does not begin like a snapshot of version 2");
        }

        input.ReadLong(); // the database's id
        for (int sessions = input.ReadInt(); sessions > 0; sessions--)
        {
            input.ReadLong();
            input.ReadInt();
        }

        Dictionary<long, byte[]> acls = ReadAcls(input);
        var tree = new TreeImport();
        ReadZnodes(input, acls, tree, progress);
        return tree;
    }

    /// <summary>Kind and time to live of what an ephemeral owner stands for.</summary>
    public static (bool IsEphemeral, bool IsContainer, long TtlMs) KindOf(long owner) =>
        owner == 0 ? default
        : owner == ContainerOwner ? (false, true, 0)
        : (owner & TtlMask) == TtlMask ? (false, false, owner & TtlValue)
        : (true, false, 0);

    /// <summary>Reads a list's bytes as they are.</summary>
    public static byte[] ReadAcl(BigEndianStream input)
    {
        var acl = new JuteWriter();
        int count = input.ReadInt();
        acl.WriteInt(count);
        for (; count > 0; count--)
        {
            acl.WriteInt(input.ReadInt());
            acl.WriteBufferOrNull(input.ReadBuffer());
            acl.WriteBufferOrNull(input.ReadBuffer());
        }

        return acl.Written.ToArray();
    }

    private static Dictionary<long, byte[]> ReadAcls(BigEndianStream input)
    {
        var acls = new Dictionary<long, byte[]>();
        for (int count = input.ReadInt(); count > 0; count--)
        {
            acls[input.ReadLong()] = ReadAcl(input);
        }

        return acls;
    }

    private static void ReadZnodes(
        BigEndianStream input, Dictionary<long, byte[]> acls, TreeImport tree, Action<long> progress)
    {
        long read = 0;
        while (true)
        {
            byte[] path = input.ReadBuffer() ?? [];
            if (path.AsSpan().SequenceEqual("/"u8))
            {
                return;
            }

            byte[]? data = input.ReadBuffer();
            long aclId = input.ReadLong();
            long czxid = input.ReadLong();
            long mzxid = input.ReadLong();
            long ctime = input.ReadLong();
            long mtime = input.ReadLong();
            int version = input.ReadInt();
            int created = input.ReadInt();
            int aversion = input.ReadInt();
            long owner = input.ReadLong();
            long pzxid = input.ReadLong();
            (bool ephemeral, bool container, long ttl) = KindOf(owner);
            tree.Note(Math.Max(czxid, Math.Max(mzxid, pzxid)), mtime);
            progress(++read);
            if (ephemeral || Skipped(path))
            {
                continue;
            }

            // The root's path is empty here. A list of −1 is everything for everyone.
            bool entered = tree.Put(path.Length == 0 ? "/"u8 : path, new ImportedZnode
            {
                Data = data,
                Acl = acls.GetValueOrDefault(aclId),
                Stat = new Stat(czxid, mzxid, ctime, mtime, version, 0, aversion, 0, 0, 0, pzxid),
                CreatedChildren = created,
                IsContainer = container,
                TtlMs = ttl,
            });
            if (!entered)
            {
                throw new InvalidDataException($"znode {Encoding.UTF8.GetString(path)} has no parent, or no list");
            }
        }
    }

    /// <summary>The ensemble's members are not the source's.</summary>
    public static bool Skipped(ReadOnlySpan<byte> path) => path.SequenceEqual("/zookeeper/config"u8);
}
