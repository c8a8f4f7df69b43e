using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.SiloHost.Import;

/// <summary>Reads transaction-log files of ZooKeeper and applies what a snapshot lacks; again is harmless.</summary>
internal sealed class ZooKeeperLog(TreeImport tree, long above)
{
    private const int Magic = 0x5A4B4C47; // ZKLG
    private const int Version = 2;
    private const int MultiType = 14;
    private const int ErrorType = -1;
    private const byte EndOfRecord = (byte)'B';

    /// <summary>Transactions applied.</summary>
    public long Applied { get; private set; }

    /// <summary>Reads one file up to its end: the zeros it was filled up with, or a record that was cut.</summary>
    /// <exception cref="InvalidDataException">It is no log, or a record in its middle is damaged.</exception>
    public void Read(string file)
    {
        using var buffered = new BufferedStream(File.OpenRead(file), 1 << 20);
        var input = new BigEndianStream(buffered);
        if (buffered.Length == 0)
        {
            return;
        }

        if (input.ReadInt() != Magic || input.ReadInt() != Version)
        {
            throw new InvalidDataException("it does not begin like a transaction log of version 2");
        }

        input.ReadLong(); // the database's id
        try
        {
            while (ReadTransaction(input))
            {
            }
        }
        catch (EndOfStreamException)
        {
            // The last record was being written when the server stopped.
        }
    }

    private bool ReadTransaction(BigEndianStream input)
    {
        long checksum = input.ReadLong();
        byte[]? record = input.ReadBuffer();
        if (record is null || record.Length == 0)
        {
            return false;
        }

        byte end = input.ReadByte();
        if (end != EndOfRecord || checksum != Adler32(record))
        {
            throw new InvalidDataException($"a transaction after zxid 0x{tree.LastZxid:x} is damaged");
        }

        var reader = new JuteReader(record);
        reader.ReadLong(); // the session
        reader.ReadInt(); // the request's number
        long zxid = reader.ReadLong();
        long time = reader.ReadLong();
        int type = reader.ReadInt();
        tree.Note(zxid, time);
        if (zxid > above)
        {
            Apply(type, ref reader, zxid, time);
            Applied++;
        }

        return true;
    }

    private void Apply(int type, ref JuteReader reader, long zxid, long time)
    {
        switch ((OpCode)type)
        {
            case OpCode.Create or OpCode.Create2 or OpCode.CreateContainer or OpCode.CreateTtl:
                Create((OpCode)type, ref reader, zxid, time);
                break;
            case OpCode.Delete or OpCode.DeleteContainer:
                tree.Delete(reader.ReadString(), zxid, time);
                break;
            case OpCode.SetData or OpCode.Reconfig:
                ReadOnlySpan<byte> path = reader.ReadString();
                byte[]? data = ReadData(ref reader);
                if (!ZooKeeperSnapshot.Skipped(path))
                {
                    tree.SetData(path, data, reader.ReadInt(), zxid, time);
                }

                break;
            case OpCode.SetAcl:
                ReadOnlySpan<byte> at = reader.ReadString();
                byte[] acl = ReadAcl(ref reader);
                tree.SetAcl(at, acl, reader.ReadInt());
                break;
            case (OpCode)MultiType:
                ApplyAll(ref reader, zxid, time);
                break;
        }
    }

    // A multi that failed has errors only, and changed nothing.
    private void ApplyAll(ref JuteReader reader, long zxid, long time)
    {
        var parts = new List<(int Type, byte[] Record)>();
        for (int count = reader.ReadCount(8); count > 0; count--)
        {
            parts.Add((reader.ReadInt(), reader.ReadBuffer().ToArray()));
        }

        if (parts.Any(static part => part.Type == ErrorType))
        {
            return;
        }

        foreach ((int type, byte[] record) in parts)
        {
            var part = new JuteReader(record);
            Apply(type, ref part, zxid, time);
        }
    }

    private void Create(OpCode op, ref JuteReader reader, long zxid, long time)
    {
        ReadOnlySpan<byte> path = reader.ReadString();
        byte[]? data = ReadData(ref reader);
        byte[] acl = ReadAcl(ref reader);
        bool ephemeral = op is OpCode.Create or OpCode.Create2 && reader.ReadBool();
        int createdBefore = reader.ReadInt();
        long ttl = op == OpCode.CreateTtl ? reader.ReadLong() : 0;
        if (reader.Failed || !ZnodePath.IsValid(path))
        {
            throw new InvalidDataException($"the creation with zxid 0x{zxid:x} cannot be read");
        }

        tree.NoteChild(ZnodePath.Parent(path), createdBefore, zxid);
        if (!ephemeral && !tree.Contains(path))
        {
            tree.Put(path, new ImportedZnode
            {
                Data = data,
                Acl = acl,
                Stat = new Stat(zxid, zxid, time, time, 0, 0, 0, 0, 0, 0, zxid),
                IsContainer = op == OpCode.CreateContainer,
                TtlMs = ttl,
            });
        }
    }

    private static byte[]? ReadData(ref JuteReader reader)
    {
        ReadOnlySpan<byte> data = reader.ReadBuffer(out bool isNull);
        return isNull ? null : data.ToArray();
    }

    private static byte[] ReadAcl(ref JuteReader reader)
    {
        var acl = new JuteWriter();
        int count = reader.ReadCount(12);
        acl.WriteInt(count);
        for (; count > 0; count--)
        {
            acl.WriteInt(reader.ReadInt());
            acl.WriteBuffer(reader.ReadString());
            acl.WriteBuffer(reader.ReadString());
        }

        return acl.Written.ToArray();
    }

    private static long Adler32(ReadOnlySpan<byte> bytes)
    {
        const uint Modulus = 65_521;
        const int Unreduced = 5552;
        uint a = 1;
        uint b = 0;
        while (!bytes.IsEmpty)
        {
            ReadOnlySpan<byte> part = bytes[..Math.Min(Unreduced, bytes.Length)];
            bytes = bytes[part.Length..];
            foreach (byte value in part)
            {
                a += value;
                b += a;
            }

            a %= Modulus;
            b %= Modulus;
        }

        return (b << 16) | a;
    }
}
