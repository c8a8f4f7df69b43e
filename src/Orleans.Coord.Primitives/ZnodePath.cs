using System.Text;

namespace Orleans.Coord;

/// <summary>ZooKeeper's rules for paths, applied to UTF-8 bytes as they arrive from the wire.</summary>
public static class ZnodePath
{
    /// <summary>
    /// Tells whether the bytes are a valid absolute path (ZooKeeper's <c>PathUtils.validatePath</c>): starts with a
    /// slash, ends in none (but for the root), has no empty, <c>.</c> or <c>..</c> names, is valid UTF-8, and has
    /// none of U+0000–001F, 007F–009F, D800–F8FF, FFF0–FFFF.
    /// </summary>
    public static bool IsValid(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty || path[0] != '/')
        {
            return false;
        }

        if (path.Length == 1)
        {
            return true;
        }

        return path[^1] != '/' && NamesAreValid(path) && CharactersAreValid(path);
    }

    /// <summary>The parent of a valid path that is not the root.</summary>
    public static ReadOnlySpan<byte> Parent(ReadOnlySpan<byte> path)
    {
        int slash = path.LastIndexOf((byte)'/');
        return slash <= 0 ? path[..1] : path[..slash];
    }

    /// <summary>The last name of a valid path; empty for the root.</summary>
    public static ReadOnlySpan<byte> Name(ReadOnlySpan<byte> path) => path[(path.LastIndexOf((byte)'/') + 1)..];

    private static bool NamesAreValid(ReadOnlySpan<byte> path)
    {
        int start = 1;
        for (int i = 1; i <= path.Length; i++)
        {
            if (i < path.Length && path[i] != '/')
            {
                continue;
            }

            ReadOnlySpan<byte> name = path[start..i];
            if (name.IsEmpty || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8))
            {
                return false;
            }

            start = i + 1;
        }

        return true;
    }

    private static bool CharactersAreValid(ReadOnlySpan<byte> path)
    {
        // Printable ASCII is the rule and is checked without decoding.
        int i = path.IndexOfAnyExceptInRange((byte)0x20, (byte)0x7E);
        while (i >= 0 && i < path.Length)
        {
            if (Rune.DecodeFromUtf8(path[i..], out Rune rune, out int used) != System.Buffers.OperationStatus.Done
                || IsBanned(rune.Value))
            {
                return false;
            }

            i += used;
        }

        return true;
    }

    // A supplementary character is two surrogates in Java, which ZooKeeper refuses (D800–DFFF).
    private static bool IsBanned(int c) =>
        c <= 0x1F || c is >= 0x7F and <= 0x9F || c is >= 0xD800 and <= 0xF8FF || c >= 0xFFF0;
}
