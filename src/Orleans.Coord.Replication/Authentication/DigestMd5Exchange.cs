using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Orleans.Coord.Replication;

/// <summary>
/// The server's side of one SASL DIGEST-MD5 exchange (RFC 2831), quality of protection <c>auth</c>, with the realm
/// that ZooKeeper's clients expect: a first token that means nothing, a challenge, a response, and a proof that the
/// server knows the password too.
/// </summary>
internal sealed class DigestMd5Exchange(IReadOnlyDictionary<string, string> users, string nonce)
{
    private const string Realm = "zk-sasl-md5";

    private bool _challenged;
    private bool _over;

    /// <summary>Who the client is, once the exchange has succeeded.</summary>
    public string? User { get; private set; }

    /// <summary>Takes the client's next token. Returns ours; null when the exchange has failed.</summary>
    public byte[]? Next(ReadOnlySpan<byte> token)
    {
        if (!_challenged)
        {
            _challenged = true;
            return Encoding.UTF8.GetBytes($"realm=\"{Realm}\",nonce=\"{nonce}\",charset=utf-8,algorithm=md5-sess");
        }

        if (_over)
        {
            return null;
        }

        _over = true;
        Dictionary<string, string>? fields = DigestMd5Fields.Parse(token);
        return fields is null ? null : Judge(fields);
    }

    private byte[]? Judge(Dictionary<string, string> fields)
    {
        bool complete = fields.TryGetValue("username", out string? user)
            & fields.TryGetValue("cnonce", out string? clientNonce)
            & fields.TryGetValue("digest-uri", out string? uri)
            & fields.TryGetValue("response", out string? response);
        if (!complete
            || !users.TryGetValue(user!, out string? password)
            || fields.GetValueOrDefault("nonce") != nonce
            || fields.GetValueOrDefault("nc") != "00000001"
            || fields.GetValueOrDefault("realm", "") != Realm
            || fields.GetValueOrDefault("qop", "auth") != "auth"
            || !uri!.StartsWith("zookeeper/", StringComparison.Ordinal))
        {
            return null;
        }

        byte[] a1 = SecretOf(user!, password, clientNonce!, fields.GetValueOrDefault("authzid"));
        byte[] expected = Encoding.ASCII.GetBytes(Proof(a1, clientNonce!, "AUTHENTICATE:" + uri));
        if (!CryptographicOperations.FixedTimeEquals(expected, Encoding.UTF8.GetBytes(response!)))
        {
            return null;
        }

        User = user;
        return Encoding.ASCII.GetBytes("rspauth=" + Proof(a1, clientNonce!, ":" + uri));
    }

    private byte[] SecretOf(string user, string password, string clientNonce, string? authorizationId)
    {
        // The RFC hashes in Latin-1 what can be written in it, so that clients of either charset agree.
        string text = $"{user}:{Realm}:{password}";
        bool isLatin = text.All(c => c <= 0xFF);
        byte[] key = Md5((isLatin ? Encoding.Latin1 : Encoding.UTF8).GetBytes(text));
        string rest = $":{nonce}:{clientNonce}" + (authorizationId is null ? "" : ":" + authorizationId);
        return Md5([.. key, .. Encoding.UTF8.GetBytes(rest)]);
    }

    private string Proof(byte[] a1, string clientNonce, string a2)
    {
        string hashed = Convert.ToHexStringLower(Md5(Encoding.UTF8.GetBytes(a2)));
        string text = $"{Convert.ToHexStringLower(a1)}:{nonce}:00000001:{clientNonce}:auth:{hashed}";
        return Convert.ToHexStringLower(Md5(Encoding.UTF8.GetBytes(text)));
    }

    [SuppressMessage("Security", "CA5351", Justification = "The mechanism fixes MD5.")]
    private static byte[] Md5(byte[] bytes) => MD5.HashData(bytes);
}
