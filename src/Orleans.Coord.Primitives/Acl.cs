namespace Orleans.Coord;

/// <summary>What an access control entry allows. Values are ZooKeeper's.</summary>
[Flags]
public enum Permissions
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Read data and list children.</summary>
    Read = 1,

    /// <summary>Set data.</summary>
    Write = 2,

    /// <summary>Create children.</summary>
    Create = 4,

    /// <summary>Delete children.</summary>
    Delete = 8,

    /// <summary>Set the access control list.</summary>
    Admin = 16,

    /// <summary>All of them.</summary>
    All = 31,
}

/// <summary>One entry of a znode's access control list, or, without permissions, one identity of a caller.</summary>
/// <param name="Permissions">What it allows.</param>
/// <param name="Scheme">How <paramref name="Id"/> is to be read: world, auth, digest, ip, x509, sasl or super.</param>
/// <param name="Id">Whom it names.</param>
public readonly record struct Acl(Permissions Permissions, string Scheme, string Id)
{
    /// <summary>Everything for everyone: <c>world:anyone:cdrwa</c>.</summary>
    public static Acl Open { get; } = new(Permissions.All, "world", "anyone");

    /// <summary>Reading for everyone: <c>world:anyone:r</c>.</summary>
    public static Acl ReadOnly { get; } = new(Permissions.Read, "world", "anyone");
}
