namespace Orleans.Coord.Tree;

/// <summary>
/// The virtual znodes by which ClickHouse's clients learn what a Keeper can do: <c>/keeper/api_version</c> and
/// <c>/keeper/feature_flags</c>. In no listing of the root, in no count and no digest; real znodes hide them.
/// </summary>
internal sealed class KeeperNodes
{
    // As the flags are numbered: filtered lists, multi-read, check-not-exists, create-if-not-exists, remove-recursive,
    // (not: watches in multi), check-stat, persistent watches | create with stat, try-remove, lists with stat and data.
    private static readonly byte[] _flags = [0b1111_1011, 0b1110_0000];

    private readonly Znode _root;
    private readonly Znode _version;
    private readonly Znode _features;

    public KeeperNodes(AclList acl)
    {
        _root = new Znode("keeper"u8.ToArray(), ZnodeKind.Persistent, acl) { Data = [] };
        _version = Add("api_version"u8, "3"u8.ToArray(), acl);
        _features = Add("feature_flags"u8, _flags, acl);
    }

    /// <summary>The virtual znode at a path, or null.</summary>
    public Znode? Find(ReadOnlySpan<byte> path) =>
        !path.StartsWith("/keeper"u8) ? null
        : path.Length == "/keeper".Length ? _root
        : path.SequenceEqual("/keeper/api_version"u8) ? _version
        : path.SequenceEqual("/keeper/feature_flags"u8) ? _features
        : null;

    private Znode Add(ReadOnlySpan<byte> name, byte[] data, AclList acl)
    {
        var node = new Znode(name.ToArray(), ZnodeKind.Persistent, acl) { Data = data };
        node.SetParent(_root, _root.ChildHash(name));
        _root.AddChild(node);
        return node;
    }
}
