using System.Net;
using System.Net.Sockets;

namespace Orleans.Coord.Tcp;

/// <summary>The member could not listen for the others. The message is a sentence with the remedy.</summary>
public sealed class PeerBindException : Exception
{
    /// <summary>Creates an exception without a text.</summary>
    public PeerBindException()
    {
    }

    /// <summary>Creates an exception with a sentence for the operator.</summary>
    public PeerBindException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception with a sentence for the operator and the cause.</summary>
    public PeerBindException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal static PeerBindException For(IPEndPoint endPoint, SocketException cause)
    {
        string remedy = cause.SocketErrorCode switch
        {
            SocketError.AddressAlreadyInUse =>
                $"port {endPoint.Port} is in use by another program: stop it, or choose another port",
            SocketError.AccessDenied =>
                $"this user may not listen on port {endPoint.Port}: choose a port above 1023",
            SocketError.AddressNotAvailable =>
                $"this machine has no address {endPoint.Address}: choose one of its own, or 0.0.0.0 for all",
            _ => cause.Message,
        };
        return new PeerBindException($"Cannot listen for the other members on {endPoint}: {remedy}.", cause);
    }
}
