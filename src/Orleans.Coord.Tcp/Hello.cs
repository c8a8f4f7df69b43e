using System.Buffers.Binary;
using System.Text;

namespace Orleans.Coord.Tcp;

/// <summary>How a greeting is answered.</summary>
internal enum Verdict : byte
{
    /// <summary>Come in; also what a greeting itself carries.</summary>
    Welcome,

    /// <summary>Another version of the protocol.</summary>
    OtherVersion,

    /// <summary>A member of another ensemble.</summary>
    OtherCluster,

    /// <summary>It looks for another member than the one it found.</summary>
    OtherMember,

    /// <summary>Its id is not among the peers.</summary>
    UnknownMember,

    /// <summary>Its id is known with another incarnation.</summary>
    OtherIncarnation,
}

/// <summary>
/// The first bytes in both directions: magic, version, length, verdict, sender, receiver, length of the ensemble's
/// name, incarnation, the port on which the sender listens for members, the name, CRC-32C. Magic,
/// version, length and checksum are the same in all versions.
/// </summary>
internal sealed record Hello(
    ushort Version, Verdict Verdict, ReplicaId From, ReplicaId To, ulong Incarnation, string Cluster, ushort Port = 0)
{
    /// <summary>The version spoken here.</summary>
    public const ushort CurrentVersion = 2;

    /// <summary>Bytes that tell how many follow.</summary>
    public const int PrefixBytes = 8;

    private const uint Magic = 0x4F43504C; // OCPL
    private const int FixedBytes = 22;
    private const int MaxClusterBytes = 64;
    private const int MaxBytes = 256;

    /// <summary>Whether a text can be an ensemble's name. What came from outside is logged only if it is one.</summary>
    public static bool IsClusterName(string name) =>
        name.Length is > 0 and <= MaxClusterBytes
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    /// <summary>The bytes of the greeting.</summary>
    public byte[] Encode()
    {
        Invariant.Check(IsClusterName(Cluster));
        byte[] bytes = new byte[FixedBytes + Cluster.Length + sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Magic);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), Version);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(6), (ushort)bytes.Length);
        bytes[8] = (byte)Verdict;
        bytes[9] = From.Value;
        bytes[10] = To.Value;
        bytes[11] = (byte)Cluster.Length;
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(12), Incarnation);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(20), Port);
        Encoding.ASCII.GetBytes(Cluster, bytes.AsSpan(FixedBytes));
        Span<byte> checksum = bytes.AsSpan(bytes.Length - sizeof(uint));
        BinaryPrimitives.WriteUInt32BigEndian(checksum, Crc32C.Compute(0, bytes.AsSpan(..^sizeof(uint))));
        return bytes;
    }

    /// <summary>Reads a greeting.</summary>
    /// <exception cref="InvalidDataException">What came is no greeting, or a damaged one.</exception>
    public static async Task<Hello> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[MaxBytes];
        await ReadExactlyAsync(stream, bytes.AsMemory(0, PrefixBytes), cancellationToken);
        int length = BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(6));
        if (BinaryPrimitives.ReadUInt32BigEndian(bytes) != Magic || length is < FixedBytes or > MaxBytes)
        {
            throw new InvalidDataException("its first bytes are no greeting of a member");
        }

        await ReadExactlyAsync(stream, bytes.AsMemory(PrefixBytes, length - PrefixBytes), cancellationToken);
        return Decode(bytes.AsSpan(0, length));
    }

    /// <summary>Reads a greeting of the length that it says itself.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static Hello Decode(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> body = bytes[..^sizeof(uint)];
        if (Crc32C.Compute(0, body) != BinaryPrimitives.ReadUInt32BigEndian(bytes[body.Length..]))
        {
            throw new InvalidDataException("its greeting fails its checksum");
        }

        ushort version = BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        if (version != CurrentVersion)
        {
            // Nothing more is known of its layout.
            return new Hello(version, Verdict.OtherVersion, default, default, 0, "");
        }

        if (body.Length < FixedBytes || bytes[11] != body.Length - FixedBytes)
        {
            throw new InvalidDataException("its greeting has the wrong length");
        }

        var hello = new Hello(
            version,
            (Verdict)bytes[8],
            new ReplicaId(bytes[9]),
            new ReplicaId(bytes[10]),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[12..]),
            Encoding.ASCII.GetString(body[FixedBytes..]),
            BinaryPrimitives.ReadUInt16BigEndian(bytes[20..]));
        if (!Enum.IsDefined(hello.Verdict) || hello.Incarnation == 0 || !IsClusterName(hello.Cluster))
        {
            throw new InvalidDataException("its greeting makes no sense");
        }

        return hello;
    }

    private static async Task ReadExactlyAsync(Stream stream, Memory<byte> bytes, CancellationToken cancellationToken)
    {
        if (await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken)
            < bytes.Length)
        {
            throw new IOException("it closed the connection before its greeting was complete");
        }
    }
}
