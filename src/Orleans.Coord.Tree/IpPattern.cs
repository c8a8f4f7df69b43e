namespace Orleans.Coord.Tree;

/// <summary>Addresses of the scheme <c>ip</c>: IPv4 or IPv6, in lists with an optional prefix length.</summary>
internal static class IpPattern
{
    private const int MaxBytes = 16;

    /// <summary>Whether the text can stand in an access control list: an address, or address/prefix.</summary>
    public static bool IsValid(ReadOnlySpan<byte> pattern)
    {
        Span<byte> address = stackalloc byte[MaxBytes];
        return TryParse(pattern, address, out _, out _);
    }

    /// <summary>Whether the caller's address lies in the pattern.</summary>
    public static bool Matches(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> callerAddress)
    {
        Span<byte> wanted = stackalloc byte[MaxBytes];
        Span<byte> actual = stackalloc byte[MaxBytes];
        if (!TryParse(pattern, wanted, out int length, out int bits)
            || !TryParseAddress(callerAddress, actual, out int actualLength)
            || length != actualLength)
        {
            return false;
        }

        int whole = bits / 8;
        int mask = 0xFF00 >> (bits % 8) & 0xFF;
        return wanted[..whole].SequenceEqual(actual[..whole])
            && (whole == length || ((wanted[whole] ^ actual[whole]) & mask) == 0);
    }

    private static bool TryParse(ReadOnlySpan<byte> pattern, Span<byte> address, out int length, out int bits)
    {
        int slash = pattern.IndexOf((byte)'/');
        ReadOnlySpan<byte> text = slash < 0 ? pattern : pattern[..slash];
        bool valid = TryParseAddress(text, address, out length);
        bits = length * 8;
        return valid && (slash < 0 || (TryParseNumber(pattern[(slash + 1)..], 10, out bits) && bits <= length * 8));
    }

    private static bool TryParseAddress(ReadOnlySpan<byte> text, Span<byte> address, out int length)
    {
        bool isV6 = text.Contains((byte)':');
        length = isV6 ? 16 : 4;
        return isV6 ? TryParseV6(text, address) : TryParseV4(text, address);
    }

    private static bool TryParseV4(ReadOnlySpan<byte> text, Span<byte> address)
    {
        int parts = 0;
        foreach (Range range in text.Split((byte)'.'))
        {
            if (parts == 4 || !TryParseNumber(text[range], 10, out int value) || value > 255)
            {
                return false;
            }

            address[parts++] = (byte)value;
        }

        return parts == 4;
    }

    private static bool TryParseV6(ReadOnlySpan<byte> text, Span<byte> address)
    {
        int gap = text.IndexOf("::"u8);
        if (gap < 0)
        {
            return TryParseGroups(text, address, out int all) && all == 8;
        }

        // The two colons stand for one group of zeroes at least.
        Span<byte> tail = stackalloc byte[MaxBytes];
        if (!TryParseGroups(text[..gap], address, out int before)
            || !TryParseGroups(text[(gap + 2)..], tail, out int after)
            || before + after >= 8)
        {
            return false;
        }

        address[(before * 2)..].Clear();
        tail[..(after * 2)].CopyTo(address[(MaxBytes - (after * 2))..]);
        return true;
    }

    private static bool TryParseGroups(ReadOnlySpan<byte> text, Span<byte> address, out int groups)
    {
        groups = 0;
        if (text.IsEmpty)
        {
            return true;
        }

        foreach (Range range in text.Split((byte)':'))
        {
            if (groups == 8 || text[range].Length > 4 || !TryParseNumber(text[range], 16, out int value))
            {
                return false;
            }

            address[groups * 2] = (byte)(value >> 8);
            address[(groups * 2) + 1] = (byte)value;
            groups++;
        }

        return true;
    }

    private static bool TryParseNumber(ReadOnlySpan<byte> digits, int radix, out int value)
    {
        const int MaxDigits = 6;
        value = 0;
        if (radix == 10 && digits.Length > 1 && digits[0] == '+')
        {
            // Java's numbers may carry the sign.
            digits = digits[1..];
        }

        if (digits.IsEmpty || digits.Length > MaxDigits)
        {
            return false;
        }

        foreach (byte digit in digits)
        {
            int d = !char.IsAsciiHexDigit((char)digit) ? radix
                : digit <= '9' ? digit - '0'
                : (digit | 0x20) - 'a' + 10;
            if (d >= radix)
            {
                return false;
            }

            value = (value * radix) + d;
        }

        return true;
    }
}
