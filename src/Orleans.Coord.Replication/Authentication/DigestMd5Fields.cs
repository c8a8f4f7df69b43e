using System.Text;

namespace Orleans.Coord.Replication;

/// <summary>Reads <c>name=value,name="quoted \" value"</c>, as DIGEST-MD5's tokens are written.</summary>
internal static class DigestMd5Fields
{
    private const int MaxBytes = 4096;

    /// <summary>The fields by name; null when the token is malformed, too long, or names one twice.</summary>
    public static Dictionary<string, string>? Parse(ReadOnlySpan<byte> token)
    {
        if (token.Length > MaxBytes)
        {
            return null;
        }

        string text = Encoding.UTF8.GetString(token);
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        int at = 0;
        while (true)
        {
            while (at < text.Length && text[at] is (' ' or ',' or '\t' or '\r' or '\n'))
            {
                at++;
            }

            if (at == text.Length)
            {
                return fields;
            }

            int equals = text.IndexOf('=', at);
            if (equals < 0 || ReadValue(text, equals + 1, out int end) is not { } value
                || !fields.TryAdd(text[at..equals].Trim(), value))
            {
                return null;
            }

            at = end;
        }
    }

    private static string? ReadValue(string text, int at, out int end)
    {
        end = at;
        if (at == text.Length || text[at] != '"')
        {
            int comma = text.IndexOf(',', at);
            end = comma < 0 ? text.Length : comma;
            return text[at..end].Trim();
        }

        var value = new StringBuilder();
        for (end = at + 1; end < text.Length; end++)
        {
            if (text[end] == '"')
            {
                end++;
                return value.ToString();
            }

            if (text[end] == '\\' && ++end == text.Length)
            {
                return null;
            }

            value.Append(text[end]);
        }

        return null;
    }
}
