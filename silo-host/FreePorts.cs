using System.Net;
using System.Net.Sockets;

namespace Orleans.Coord.SiloHost;

/// <summary>Ports of the loopback address that nobody listens on.</summary>
internal static class FreePorts
{
    /// <summary>Finds so many different ones. Another process may take them first.</summary>
    public static int[] Find(int count)
    {
        List<TcpListener> held = [];
        for (int i = 0; i < count; i++)
        {
            var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            held.Add(listener);
        }

        int[] ports = [.. held.Select(l => ((IPEndPoint)l.LocalEndpoint).Port)];
        held.ForEach(l => l.Stop());
        return ports;
    }

    /// <summary>Whether nobody listens on a port of this machine.</summary>
    public static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return port != 0;
        }
        catch (Exception e) when (e is SocketException or ArgumentOutOfRangeException)
        {
            return false;
        }
    }
}
