using System.Text;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>
/// Who is behind a connection: its address, then what it authenticated as. One object for the connection's life: its
/// watches look here when they fire.
/// </summary>
public sealed class CallerIdentities
{
    /// <summary>
    /// Stands in the encoded identities for a scheme of the serving member's own providers: lists may name it. It goes
    /// with each request, so that all replicas judge a list alike whatever providers they have.
    /// </summary>
    internal const string ProviderScheme = "provider";

    private readonly List<(string Scheme, string Id)> _all = [];
    private readonly IReadOnlyList<string> _schemes;

    /// <summary>Creates the identities of a fresh connection.</summary>
    /// <param name="address">The client's IP address as text, without a port.</param>
    /// <param name="schemes">Schemes of providers that the serving member has besides ZooKeeper's own.</param>
    public CallerIdentities(string address, IReadOnlyList<string>? schemes = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        _schemes = schemes ?? [];
        Encoded = [];
        Add("ip", address);
    }

    /// <summary>The identities as a jute vector of scheme and id, for <see cref="CommandCodec"/>.</summary>
    public byte[] Encoded { get; private set; }

    /// <summary>The identities, the address first.</summary>
    public IReadOnlyList<(string Scheme, string Id)> All => _all;

    /// <summary>Adds what the connection authenticated as; does nothing if it is there already.</summary>
    /// <param name="scheme">For instance <c>digest</c>, or <c>super</c>, who may do anything.</param>
    /// <param name="id">For instance <c>user:base64(sha1(user:password))</c>.</param>
    public void Add(string scheme, string id)
    {
        ArgumentNullException.ThrowIfNull(scheme);
        ArgumentNullException.ThrowIfNull(id);
        if (_all.Contains((scheme, id)))
        {
            return;
        }

        _all.Add((scheme, id));
        var writer = new JuteWriter();
        writer.WriteInt(_all.Count + _schemes.Count);
        foreach ((string s, string i) in _all.Concat(_schemes.Select(own => (ProviderScheme, own))))
        {
            writer.WriteString(s);
            writer.WriteString(i);
        }

        Encoded = writer.Written.ToArray();
    }

    /// <summary>The id that ZooKeeper's digest scheme gives to <c>user:password</c>.</summary>
    public static string DigestId(string userAndPassword)
    {
        ArgumentNullException.ThrowIfNull(userAndPassword);
        byte[] bytes = Encoding.UTF8.GetBytes(userAndPassword);
#pragma warning disable CA5350 // The protocol fixes SHA-1 here.
        byte[] hash = System.Security.Cryptography.SHA1.HashData(bytes);
#pragma warning restore CA5350
        int colon = userAndPassword.IndexOf(':', StringComparison.Ordinal);
        string user = colon < 0 ? userAndPassword : userAndPassword[..colon];
        return $"{user}:{Convert.ToBase64String(hash)}";
    }

    /// <summary>Appends the answer of whoAmI: each scheme with its user, passwords' digests left out.</summary>
    internal void WriteClientInfos(JuteWriter output)
    {
        output.WriteInt(_all.Count);
        foreach ((string scheme, string id) in _all)
        {
            int colon = scheme == "digest" ? id.IndexOf(':', StringComparison.Ordinal) : -1;
            output.WriteString(scheme);
            output.WriteString(colon < 0 ? id : id[..colon]);
        }
    }
}
