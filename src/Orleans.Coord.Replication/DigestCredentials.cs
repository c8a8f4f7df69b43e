using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Orleans.Coord.Replication;

/// <summary>ZooKeeper's <c>digest</c> scheme: <c>user:password</c> is known as <c>user:base64(sha1(user:password))</c>.</summary>
public static class DigestCredentials
{
    /// <summary>The identity that the credentials prove. Credentials without a colon name a user without a password.</summary>
    [SuppressMessage("Security", "CA5350", Justification = "SHA-1 is what ZooKeeper's wire and stored lists carry.")]
    public static string Identity(ReadOnlySpan<byte> credentials)
    {
        string text = Encoding.UTF8.GetString(credentials);
        string user = text.Split(':', 2)[0];
        return user + ":" + Convert.ToBase64String(SHA1.HashData(Encoding.UTF8.GetBytes(text)));
    }
}
