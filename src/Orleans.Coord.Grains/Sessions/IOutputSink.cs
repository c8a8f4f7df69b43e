namespace Orleans.Coord.Grains.Sessions;

/// <summary>Where a connection's output goes. Called in the replica's turns: quick, and waits for nothing.</summary>
internal interface IOutputSink
{
    /// <summary>Takes whole frames that a turn wrote. False: too much is unread, and the connection must end.</summary>
    bool TryAdd(byte[] frames);

    /// <summary>Nothing follows. May be called again.</summary>
    void End();
}
