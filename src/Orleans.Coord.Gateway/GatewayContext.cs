using Orleans.Coord.Replication;

namespace Orleans.Coord.Gateway;

/// <summary>What all connections of a gateway share.</summary>
internal sealed record GatewayContext(
    GatewayOptions Options,
    ICoordFrontend Frontend,
    BufferPools Pools,
    GatewayCounters Counters,
    ConnectionLog Log,
    ConnectionTable Connections,
    FourLetterAnswers Words,
    TlsAcceptor? Tls,
    SharedIntake Intake,
    TokenBucket NewSessions);
