using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Replication;

/// <summary>Finds out who clients are, and turns those away who must say so and do not.</summary>
internal sealed class Authenticator
{
    private static readonly string[] _builtIn = ["world", "auth", "digest", "ip", "sasl", "x509", "super", "provider"];

    private readonly AuthenticationOptions _options;
    private readonly ReadOnlyMemory<byte> _secret;
    private readonly string[] _schemes;
    private ulong _nonces;

    /// <exception cref="ArgumentException">A scheme is unknown, or a provider's is taken.</exception>
    public Authenticator(AuthenticationOptions options, ReadOnlyMemory<byte> secret)
    {
        _options = options;
        _secret = secret;
        _schemes = [.. options.Providers.Select(provider => provider.Scheme)];
        foreach (string scheme in _schemes)
        {
            if (scheme.Length == 0 || _builtIn.Contains(scheme) || _schemes.Count(other => other == scheme) > 1)
            {
                throw new ArgumentException(
                    $"AuthenticationProviders: a provider's scheme '{scheme}' is empty or taken already.");
            }
        }

        foreach (string scheme in options.RequiredSchemes)
        {
            if (scheme is "world" or "auth" or "super" or "provider" || !_builtIn.Concat(_schemes).Contains(scheme))
            {
                throw new ArgumentException(
                    $"RequireAuth: nobody can authenticate by '{scheme}'. Known are digest, ip, sasl, x509"
                    + string.Concat(_schemes.Select(own => ", " + own)) + ".");
            }
        }

        if (options.RequiredSchemes is ["sasl"] && options.SaslUsers.Count == 0)
        {
            throw new ArgumentException("RequireAuth: it asks for sasl, but no user is set (Sasl:Users:NAME).");
        }
    }

    /// <summary>What a connection is from its first moment.</summary>
    public CallerIdentities IdentitiesOf(IClientConnection connection)
    {
        var identities = new CallerIdentities(connection.RemoteEndPoint.Address.ToString(), _schemes);
        foreach ((string scheme, string id) in connection.TransportIdentities)
        {
            identities.Add(scheme, id);
        }

        return identities;
    }

    /// <summary>Whether a request must be refused because its connection has not shown who it is.</summary>
    public bool Refuses(Session session, OpCode op) =>
        _options.RequiredSchemes.Count > 0
        && op is not (OpCode.Auth or OpCode.Sasl)
        && !session.Identities.All.Any(identity => _options.RequiredSchemes.Contains(identity.Scheme));

    /// <summary>Judges an <c>auth</c> request's body.</summary>
    public CoordErrorCode Authenticate(Session session, ReadOnlySpan<byte> body)
    {
        var reader = new JuteReader(body);
        reader.ReadInt();
        string scheme = Encoding.UTF8.GetString(reader.ReadString());
        ReadOnlySpan<byte> credentials = reader.ReadBuffer(out bool none);
        if (reader.Failed)
        {
            return CoordErrorCode.MarshallingError;
        }

        bool known = scheme switch
        {
            "digest" => !none && AddDigest(session.Identities, credentials),
            // The address is an identity from the start, as is a certificate; asking for it again is harmless.
            "ip" => true,
            "x509" => session.Identities.All.Any(identity => identity.Scheme == "x509"),
            _ => AddByProvider(session, scheme, credentials),
        };
        return known ? CoordErrorCode.Ok : CoordErrorCode.AuthFailed;
    }

    /// <summary>Who a caller without a session is; null if it does not show it by digest or by its address.</summary>
    public CallerIdentities? Identify(string address, string scheme, string credentials)
    {
        var identities = new CallerIdentities(address, _schemes);
        return scheme switch
        {
            "digest" when credentials.Length > 0 && AddDigest(identities, Encoding.UTF8.GetBytes(credentials)) =>
                identities,
            "ip" => identities,
            _ => null,
        };
    }

    /// <summary>Takes one step of a SASL exchange.</summary>
    /// <param name="session">Whose.</param>
    /// <param name="body">The request's body: a token.</param>
    /// <param name="token">The token to answer with; null for none.</param>
    public CoordErrorCode Sasl(Session session, ReadOnlySpan<byte> body, out byte[]? token)
    {
        token = null;
        var reader = new JuteReader(body);
        ReadOnlySpan<byte> response = reader.ReadBuffer(out bool isNull);
        if (reader.Failed || isNull)
        {
            return CoordErrorCode.MarshallingError;
        }

        if (_options.SaslUsers.Count == 0)
        {
            // As ZooKeeper answers where nobody set SASL up: clients then go on without.
            return CoordErrorCode.Ok;
        }

        session.Sasl ??= new DigestMd5Exchange(_options.SaslUsers, NewNonce(session.Id));
        token = session.Sasl.Next(response);
        if (token is null)
        {
            return _options.RequiredSchemes.Contains("sasl")
                ? CoordErrorCode.SessionClosedRequireSaslAuth
                : CoordErrorCode.AuthFailed;
        }

        if (session.Sasl.User is { } user)
        {
            session.Identities.Add("sasl", user);
            if (user == _options.SaslSuperUser)
            {
                session.Identities.Add("super", "");
            }
        }

        return CoordErrorCode.Ok;
    }

    private bool AddDigest(CallerIdentities identities, ReadOnlySpan<byte> credentials)
    {
        string id = CallerIdentities.DigestId(Encoding.UTF8.GetString(credentials));
        if (id == _options.SuperDigest)
        {
            identities.Add("super", "");
        }

        identities.Add("digest", id);
        return true;
    }

    private bool AddByProvider(Session session, string scheme, ReadOnlySpan<byte> credentials)
    {
        foreach (IAuthenticationProvider provider in _options.Providers)
        {
            if (provider.Scheme == scheme
                && provider.Authenticate(session.Connection, credentials) is { } ids)
            {
                foreach (string id in ids)
                {
                    session.Identities.Add(scheme, id);
                }

                return true;
            }
        }

        return false;
    }

    // Nobody can foresee it without the secret, and none comes twice.
    private string NewNonce(long sessionId)
    {
        Span<byte> seed = stackalloc byte[2 * sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(seed, sessionId);
        BinaryPrimitives.WriteUInt64BigEndian(seed[sizeof(long)..], ++_nonces);
        return Convert.ToBase64String(HMACSHA256.HashData(_secret.Span, seed));
    }
}
