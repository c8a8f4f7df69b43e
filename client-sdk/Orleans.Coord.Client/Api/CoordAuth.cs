using System.Text;

namespace Orleans.Coord.Client;

/// <summary>A credential: it adds an identity to the session, and is sent again on every reconnect.</summary>
/// <param name="Scheme">The server's scheme, for instance <c>digest</c>.</param>
/// <param name="Secret">What the scheme asks for.</param>
public sealed record CoordAuth(string Scheme, ReadOnlyMemory<byte> Secret)
{
    /// <summary>A user and password for the scheme <c>digest</c>.</summary>
    /// <param name="user">The user's name, without a colon.</param>
    /// <param name="password">The password in clear: the server hashes it.</param>
    public static CoordAuth Digest(string user, string password) =>
        new("digest", Encoding.UTF8.GetBytes($"{user}:{password}"));

    /// <summary>Names the scheme and hides the secret.</summary>
    public override string ToString() => $"{Scheme}:***";
}
