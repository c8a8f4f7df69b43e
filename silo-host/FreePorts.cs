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
}
