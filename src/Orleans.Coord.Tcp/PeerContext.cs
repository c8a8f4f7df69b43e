using Microsoft.Extensions.Logging;

namespace Orleans.Coord.Tcp;

/// <summary>What all links of a transport share.</summary>
internal sealed record PeerContext(
    PeerTransportOptions Options, Handshake Handshake, PeerCounters Counters, ILogger Logger);
