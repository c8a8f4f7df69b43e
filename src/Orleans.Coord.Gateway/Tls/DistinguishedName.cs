using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Orleans.Coord.Gateway;

/// <summary>
/// A certificate's subject as Java's <c>X500Principal.getName()</c> writes it (RFC 2253), since that is what stands in
/// access control lists: <c>CN=client,OU=teams,O=Example\, Inc.,C=DE</c>.
/// </summary>
internal static class DistinguishedName
{
    private const string Escaped = ",=+<>#;\"\\";

    private static readonly Dictionary<string, string> _keywords = new()
    {
        ["2.5.4.3"] = "CN",
        ["2.5.4.6"] = "C",
        ["2.5.4.7"] = "L",
        ["2.5.4.8"] = "ST",
        ["2.5.4.10"] = "O",
        ["2.5.4.11"] = "OU",
        ["2.5.4.9"] = "STREET",
        ["0.9.2342.19200300.100.1.25"] = "DC",
        ["0.9.2342.19200300.100.1.1"] = "UID",
    };

    /// <summary>The name as text, its last part first.</summary>
    public static string Format(X500DistinguishedName name)
    {
        var parts = new List<string>();
        AsnReader reader = new AsnReader(name.RawData, AsnEncodingRules.DER).ReadSequence();
        while (reader.HasData)
        {
            AsnReader set = reader.ReadSetOf();
            var pairs = new List<string>();
            while (set.HasData)
            {
                pairs.Add(Pair(set.ReadSequence()));
            }

            parts.Add(string.Join('+', pairs));
        }

        parts.Reverse();
        return string.Join(',', parts);
    }

    private static string Pair(AsnReader reader)
    {
        string type = reader.ReadObjectIdentifier();
        ReadOnlyMemory<byte> raw = reader.PeekEncodedValue();
        bool known = _keywords.TryGetValue(type, out string? keyword);
        var tag = (UniversalTagNumber)reader.PeekTag().TagValue;
        bool isText = tag is UniversalTagNumber.UTF8String or UniversalTagNumber.PrintableString
            or UniversalTagNumber.IA5String or UniversalTagNumber.T61String or UniversalTagNumber.BMPString;
        return known && isText
            ? keyword + "=" + Escape(reader.ReadCharacterString(tag))
            : (keyword ?? type) + "=#" + Convert.ToHexStringLower(raw.Span);
    }

    private static string Escape(string value)
    {
        var text = new StringBuilder();
        for (int i = 0; i < value.Length; i++)
        {
            bool outerBlank = value[i] == ' ' && (value[..i].Trim(' ').Length == 0 || value[i..].Trim(' ').Length == 0);
            if (outerBlank || Escaped.Contains(value[i], StringComparison.Ordinal))
            {
                text.Append('\\');
            }

            text.Append(value[i]);
        }

        return text.ToString();
    }
}
