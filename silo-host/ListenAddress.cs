using System.Net;

namespace Orleans.Coord.SiloHost;

/// <summary>Setting <c>Coord:ClientAddress</c> as an address to bind.</summary>
internal static class ListenAddress
{
    /// <summary>Reads <c>localhost</c>, <c>*</c> or an IP address.</summary>
    /// <exception cref="StartupException">It is none of them.</exception>
    public static IPEndPoint Parse(CoordSettings settings)
    {
        IPAddress? address = settings.ClientAddress switch
        {
            "localhost" => IPAddress.Loopback,
            "*" => System.Net.Sockets.Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any,
            string text => IPAddress.TryParse(text, out IPAddress? parsed) ? parsed : null,
        };
        return address is not null
            ? new IPEndPoint(address, settings.ClientPort)
            : throw new StartupException(
                $"Setting Coord:ClientAddress is '{settings.ClientAddress}'; "
                + "it must be localhost, * or an IP address.");
    }

    /// <summary>Where a client on this machine connects.</summary>
    public static string ForClients(CoordSettings settings, int port)
    {
        bool own = IPAddress.TryParse(settings.ClientAddress, out IPAddress? address)
            && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any);
        return new IPEndPoint(own ? address! : IPAddress.Loopback, port).ToString();
    }
}
