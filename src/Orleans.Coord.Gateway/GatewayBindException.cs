using System.Net;
using System.Net.Sockets;

namespace Orleans.Coord.Gateway;

/// <summary>The gateway could not listen. The message is a sentence for the operator, with the remedy.</summary>
public sealed class GatewayBindException : Exception
{
    /// <summary>Creates an exception without a text.</summary>
    public GatewayBindException()
    {
    }

    /// <summary>Creates an exception with a sentence for the operator.</summary>
    public GatewayBindException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception with a sentence for the operator and the cause.</summary>
    public GatewayBindException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal static GatewayBindException For(IPEndPoint endPoint, Exception cause)
    {
        SocketError error = cause switch
        {
            SocketException socket => socket.SocketErrorCode,
            { InnerException: SocketException socket } => socket.SocketErrorCode,
            _ => SocketError.SocketError,
        };
        string remedy = error switch
        {
            SocketError.AddressAlreadyInUse =>
                $"port {endPoint.Port} is in use by another program: stop it, or choose another port",
            SocketError.AccessDenied =>
                $"this user may not listen on port {endPoint.Port}: choose a port above 1023",
            SocketError.AddressNotAvailable =>
                $"this machine has no address {endPoint.Address}: choose one of its own, or 0.0.0.0 for all",
            _ => cause.Message,
        };
        return new GatewayBindException($"Cannot listen for clients on {endPoint}: {remedy}.", cause);
    }
}
