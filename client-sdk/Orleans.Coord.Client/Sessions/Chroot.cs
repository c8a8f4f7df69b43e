using System.Buffers;
using System.Text;

namespace Orleans.Coord.Client;

/// <summary>The root that all paths of a client are below; checks and translates paths in both directions.</summary>
internal sealed class Chroot
{
    private readonly string _prefix;

    /// <param name="root">A valid path; <c>/</c> for none.</param>
    public Chroot(string root)
    {
        Check(root, nameof(root));
        _prefix = root == "/" ? "" : root;
    }

    public string ToServer(string path)
    {
        Check(path, nameof(path));
        return Join(path);
    }

    /// <summary>As <see cref="ToServer"/>, where the server appends digits: the path may end in a slash.</summary>
    public string ToServerSequential(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        Check(path + "0", nameof(path));
        return _prefix + path;
    }

    public string ToClient(string serverPath)
    {
        if (_prefix.Length == 0 || !Contains(serverPath))
        {
            return serverPath;
        }

        return serverPath.Length == _prefix.Length ? "/" : serverPath[_prefix.Length..];
    }

    /// <summary>Whether the server's path is below the root: a prefix listing also finds its siblings.</summary>
    public bool Contains(string serverPath) =>
        serverPath.StartsWith(_prefix, StringComparison.Ordinal)
        && (serverPath.Length == _prefix.Length || serverPath[_prefix.Length] == '/');

    private static void Check(string path, string parameter)
    {
        ArgumentNullException.ThrowIfNull(path, parameter);
        byte[]? rented = null;
        int most = Encoding.UTF8.GetMaxByteCount(path.Length);
        Span<byte> bytes = most <= 512 ? stackalloc byte[512] : rented = ArrayPool<byte>.Shared.Rent(most);
        bool valid = ZnodePath.IsValid(bytes[..Encoding.UTF8.GetBytes(path, bytes)]);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        if (!valid)
        {
            throw new ArgumentException($"'{path}' is not a valid znode path", parameter);
        }
    }

    private string Join(string path)
    {
        if (_prefix.Length == 0)
        {
            return path;
        }

        return path.Length == 1 ? _prefix : _prefix + path;
    }
}
