using System.Buffers.Text;
using System.Runtime.InteropServices;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree;

/// <summary>
/// What a quota's two znodes hold, usage or limits, in the text that ZooKeeper's tools read and write:
/// <c>count=4,bytes=5</c>, and with hard limits <c>count=4,bytes=5=;byteHardLimit=9;countHardLimit=8</c>. −1 is none.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct QuotaFigures(long Count, long Bytes, long CountHardLimit = -1, long ByteHardLimit = -1)
{
    /// <summary>Reads a znode's data. Clients may write anything there: what is no figure counts as none.</summary>
    public static QuotaFigures Parse(ReadOnlySpan<byte> text)
    {
        var figures = new QuotaFigures(-1, -1);
        while (!text.IsEmpty)
        {
            int end = text.IndexOfAny(",;"u8);
            ReadOnlySpan<byte> pair = end < 0 ? text : text[..end];
            text = end < 0 ? default : text[(end + 1)..];
            int equals = pair.IndexOf((byte)'=');
            if (equals >= 0)
            {
                figures = figures.With(pair[..equals], NumberOf(pair[(equals + 1)..]));
            }
        }

        return figures;
    }

    /// <summary>The text.</summary>
    public byte[] ToBytes()
    {
        var text = new JuteWriter();
        Write(text, "count="u8, Count);
        Write(text, ",bytes="u8, Bytes);
        if (CountHardLimit != -1 || ByteHardLimit != -1)
        {
            // The seemingly spare sign keeps readers from before hard limits from failing.
            text.WriteRaw("="u8);
        }

        if (ByteHardLimit != -1)
        {
            Write(text, ";byteHardLimit="u8, ByteHardLimit);
        }

        if (CountHardLimit != -1)
        {
            Write(text, ";countHardLimit="u8, CountHardLimit);
        }

        return text.Written.ToArray();
    }

    private QuotaFigures With(ReadOnlySpan<byte> key, long value) =>
        key.SequenceEqual("count"u8) ? this with { Count = value }
        : key.SequenceEqual("bytes"u8) ? this with { Bytes = value }
        : key.SequenceEqual("countHardLimit"u8) ? this with { CountHardLimit = value }
        : key.SequenceEqual("byteHardLimit"u8) ? this with { ByteHardLimit = value }
        : this;

    private static long NumberOf(ReadOnlySpan<byte> text)
    {
        int end = text.IndexOf((byte)'=');
        text = end < 0 ? text : text[..end];
        return Utf8Parser.TryParse(text, out long number, out int used) && used == text.Length ? number : -1;
    }

    private static void Write(JuteWriter text, ReadOnlySpan<byte> key, long value)
    {
        const int MaxDigits = 20;
        Span<byte> digits = stackalloc byte[MaxDigits];
        bool fits = Utf8Formatter.TryFormat(value, digits, out int length);
        Invariant.Check(fits);
        text.WriteRaw(key);
        text.WriteRaw(digits[..length]);
    }
}
