using System.Net.Sockets;

namespace Orleans.Coord.Client.Grains;

/// <summary>Two sockets of this process that are connected to each other.</summary>
internal static class SocketPair
{
    /// <summary>Makes a pair. Nobody else can connect: the name lies in a folder of this user alone.</summary>
    public static async ValueTask<(Socket One, Socket Other)> CreateAsync(CancellationToken cancellation)
    {
        string folder = Directory.CreateTempSubdirectory("coord-").FullName;
        var address = new UnixDomainSocketEndPoint(Path.Combine(folder, "s"));
        var one = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(address);
            listener.Listen(1);
            await one.ConnectAsync(address, cancellation).ConfigureAwait(false);
            return (one, await listener.AcceptAsync(cancellation).ConfigureAwait(false));
        }
        catch
        {
            one.Dispose();
            throw;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
