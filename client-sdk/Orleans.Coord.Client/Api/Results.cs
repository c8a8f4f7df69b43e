namespace Orleans.Coord.Client;

/// <summary>A znode's data and metadata as of one moment.</summary>
/// <param name="Data">The bytes; empty also for a znode that holds null.</param>
/// <param name="Stat">The metadata.</param>
public sealed record ZnodeData(ReadOnlyMemory<byte> Data, Stat Stat);

/// <summary>A znode's children and metadata as of one moment.</summary>
/// <param name="Names">The children's names, in no particular order.</param>
/// <param name="Stat">The metadata of the parent.</param>
public sealed record ZnodeChildren(IReadOnlyList<string> Names, Stat Stat);

/// <summary>A znode's access control list and metadata as of one moment.</summary>
/// <param name="Entries">The list; its version is the stat's <see cref="Stat.Aversion"/>.</param>
/// <param name="Stat">The metadata.</param>
public sealed record ZnodeAcl(IReadOnlyList<Acl> Entries, Stat Stat);

/// <summary>What a create made.</summary>
/// <param name="Path">The path, with the digits that a sequential create got.</param>
/// <param name="Stat">The metadata.</param>
public sealed record CreatedZnode(string Path, Stat Stat);

/// <summary>One identity that the server holds this session to have.</summary>
/// <param name="Scheme">The scheme that gave it, for instance <c>ip</c> or <c>digest</c>.</param>
/// <param name="Id">The identity as the server shows it.</param>
public readonly record struct CoordIdentity(string Scheme, string Id);
