using System.Globalization;
using System.Net;

namespace Orleans.Coord.Gateway;

/// <summary>Values as Java prints them, since that is what ZooKeeper's readers parse.</summary>
internal static class JavaText
{
    /// <summary>For instance <c>5.5</c>, <c>0.0</c>; at most four decimals.</summary>
    public static string Number(double value) => value.ToString("0.0###", CultureInfo.InvariantCulture);

    /// <summary>For instance <c>0x1000018d0b70000</c>.</summary>
    public static string Hex(long value) => "0x" + value.ToString("x", CultureInfo.InvariantCulture);

    /// <summary>For instance <c>Sat Nov 21 03:10:40 UTC 2026</c>.</summary>
    public static string Date(DateTimeOffset value) =>
        value.ToUniversalTime().ToString("ddd MMM dd HH:mm:ss 'UTC' yyyy", CultureInfo.InvariantCulture);

    /// <summary>For instance <c>/127.0.0.1:35130</c>.</summary>
    public static string Address(IPEndPoint value) => "/" + value;
}
