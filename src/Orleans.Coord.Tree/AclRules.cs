using System.Text;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>Which access control lists are valid, what they become, and whom they let through.</summary>
internal static class AclRules
{
    /// <summary>The least bytes of an entry: permissions and two lengths.</summary>
    public const int MinEntryBytes = 12;

    private static readonly byte[] Provider = Encoding.UTF8.GetBytes(CallerIdentities.ProviderScheme);

    /// <summary><see cref="Acl.Open"/> as a jute vector.</summary>
    public static byte[] OpenEncoded { get; } = EncodeAnyone(Permissions.All);

    /// <summary><see cref="Acl.ReadOnly"/> as a jute vector.</summary>
    public static byte[] ReadOnlyEncoded { get; } = EncodeAnyone(Permissions.Read);

    public static bool IsAnyone(AclEntry entry) =>
        entry.Scheme.AsSpan().SequenceEqual("world"u8) && entry.Id.AsSpan().SequenceEqual("anyone"u8);

    /// <summary>Whether the caller has one of the permissions.</summary>
    public static bool Allows(AclList acl, Permissions wanted, ReadOnlySpan<byte> identities)
    {
        if (acl.IsOpen || acl.Entries.Length == 0)
        {
            return true;
        }

        foreach (AclEntry entry in acl.Entries)
        {
            if ((entry.Permissions & wanted) != 0 && (IsAnyone(entry) || Matches(entry, identities)))
            {
                return true;
            }
        }

        return IsSuper(identities);
    }

    /// <summary>
    /// Validates a requested list and resolves it: duplicates go, <c>auth</c> becomes the caller's identities.
    /// </summary>
    /// <param name="encoded">The jute vector as the request has it; well-formed.</param>
    /// <param name="identities">The caller's encoded identities.</param>
    /// <param name="output">Where the resolved vector is appended.</param>
    public static CoordErrorCode Resolve(ReadOnlySpan<byte> encoded, ReadOnlySpan<byte> identities, JuteWriter output)
    {
        var reader = new JuteReader(encoded);
        int count = reader.ReadCount(MinEntryBytes);
        if (count <= 0)
        {
            return CoordErrorCode.InvalidAcl;
        }

        // Duplicates go before `auth` is resolved: what that yields may stand there twice.
        var seen = new HashSet<byte[]>(BytesComparer.Instance);
        int resolved = 0;
        int countAt = output.Length;
        output.WriteInt(0);
        for (int i = 0; i < count; i++)
        {
            int start = reader.Position;
            int permissions = reader.ReadInt();
            ReadOnlySpan<byte> scheme = reader.ReadBuffer(out bool noScheme);
            ReadOnlySpan<byte> id = reader.ReadBuffer(out bool noId);
            if (!seen.Add(encoded[start..reader.Position].ToArray()))
            {
                continue;
            }

            CoordErrorCode code = noScheme ? CoordErrorCode.InvalidAcl
                : scheme.SequenceEqual("auth"u8) ? ExpandAuth(permissions, identities, output, ref resolved)
                : noId ? CoordErrorCode.MarshallingError
                : !IsValid(scheme, id, identities) ? CoordErrorCode.InvalidAcl
                : Append(permissions, scheme, id, output, ref resolved);
            if (code != CoordErrorCode.Ok)
            {
                return code;
            }
        }

        Invariant.Check(!reader.Failed);
        output.PatchInt(countAt, resolved);
        return CoordErrorCode.Ok;
    }

    private static CoordErrorCode ExpandAuth(
        int permissions, ReadOnlySpan<byte> identities, JuteWriter output, ref int resolved)
    {
        int before = resolved;
        var reader = new JuteReader(identities);
        for (int left = reader.ReadCount(8); left > 0; left--)
        {
            ReadOnlySpan<byte> scheme = reader.ReadString();
            ReadOnlySpan<byte> id = reader.ReadString();
            if (!reader.Failed && IsAuthenticated(scheme))
            {
                Append(permissions, scheme, id, output, ref resolved);
            }
        }

        return resolved > before ? CoordErrorCode.Ok : CoordErrorCode.InvalidAcl;
    }

    private static CoordErrorCode Append(
        int permissions, ReadOnlySpan<byte> scheme, ReadOnlySpan<byte> id, JuteWriter output, ref int resolved)
    {
        output.WriteInt(permissions);
        output.WriteBuffer(scheme);
        output.WriteBuffer(id);
        resolved++;
        return CoordErrorCode.Ok;
    }

    /// <summary>An address proves no identity, so <c>ip</c> does not count for <c>auth</c>; nor does super.</summary>
    private static bool IsAuthenticated(ReadOnlySpan<byte> scheme) =>
        !scheme.SequenceEqual("ip"u8) && !scheme.SequenceEqual("super"u8) && !scheme.SequenceEqual(Provider);

    private static bool IsValid(ReadOnlySpan<byte> scheme, ReadOnlySpan<byte> id, ReadOnlySpan<byte> identities)
    {
        if (scheme.SequenceEqual("world"u8))
        {
            return id.SequenceEqual("anyone"u8);
        }

        if (scheme.SequenceEqual("digest"u8))
        {
            // ZooKeeper splits at colons, drops empty parts at the end, and wants two.
            return id.TrimEnd((byte)':').Count((byte)':') == 1;
        }

        return scheme.SequenceEqual("ip"u8)
            ? IpPattern.IsValid(id)
            : scheme.SequenceEqual("sasl"u8) ? IsPrincipal(id)
            : scheme.SequenceEqual("x509"u8) || IsProvided(scheme, identities);
    }

    /// <summary>Any name, but one with a realm must be Kerberos' <c>service/host@REALM</c>.</summary>
    private static bool IsPrincipal(ReadOnlySpan<byte> id)
    {
        int at = id.IndexOf((byte)'@');
        return at < 0 || (id[..at].Count((byte)'/') <= 1 && !id[(at + 1)..].ContainsAny((byte)'/', (byte)'@'));
    }

    private static bool IsProvided(ReadOnlySpan<byte> wanted, ReadOnlySpan<byte> identities)
    {
        var reader = new JuteReader(identities);
        for (int left = reader.ReadCount(8); left > 0; left--)
        {
            ReadOnlySpan<byte> scheme = reader.ReadString();
            ReadOnlySpan<byte> id = reader.ReadString();
            if (!reader.Failed && scheme.SequenceEqual(Provider) && id.SequenceEqual(wanted))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Matches(AclEntry entry, ReadOnlySpan<byte> identities)
    {
        var reader = new JuteReader(identities);
        for (int left = reader.ReadCount(8); left > 0; left--)
        {
            ReadOnlySpan<byte> scheme = reader.ReadString();
            ReadOnlySpan<byte> id = reader.ReadString();
            if (!reader.Failed && scheme.SequenceEqual(entry.Scheme) && Matches(scheme, id, entry.Id))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Matches(ReadOnlySpan<byte> scheme, ReadOnlySpan<byte> id, ReadOnlySpan<byte> pattern) =>
        scheme.SequenceEqual("ip"u8)
            ? IpPattern.Matches(pattern, id)
            : id.SequenceEqual(pattern) || (scheme.SequenceEqual("sasl"u8) && id.SequenceEqual("super"u8));

    /// <summary>Whether the super user is among the identities.</summary>
    public static bool IsSuper(ReadOnlySpan<byte> identities)
    {
        var reader = new JuteReader(identities);
        for (int left = reader.ReadCount(8); left > 0; left--)
        {
            ReadOnlySpan<byte> scheme = reader.ReadString();
            reader.ReadString();
            if (!reader.Failed && scheme.SequenceEqual("super"u8))
            {
                return true;
            }
        }

        return false;
    }

    private static byte[] EncodeAnyone(Permissions permissions)
    {
        var writer = new JuteWriter();
        writer.WriteInt(1);
        writer.WriteInt((int)permissions);
        writer.WriteBuffer("world"u8);
        writer.WriteBuffer("anyone"u8);
        return writer.Written.ToArray();
    }
}
