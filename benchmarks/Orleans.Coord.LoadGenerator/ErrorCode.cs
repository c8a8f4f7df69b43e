namespace Orleans.Coord.LoadGenerator;

/// <summary>The error codes that a reply to this client can carry.</summary>
internal static class ErrorCode
{
    public const int NodeExists = -110;

    public static string NameOf(int code) => code switch
    {
        -1 => "SystemError (-1)",
        -4 => "ConnectionLoss (-4)",
        -5 => "MarshallingError (-5)",
        -6 => "Unimplemented (-6)",
        -7 => "OperationTimeout (-7)",
        -8 => "BadArguments (-8)",
        -101 => "NoNode (-101)",
        -102 => "NoAuth (-102)",
        -103 => "BadVersion (-103)",
        NodeExists => "NodeExists (-110)",
        -111 => "NotEmpty (-111)",
        -112 => "SessionExpired (-112)",
        -118 => "SessionMoved (-118)",
        -119 => "NotReadOnly (-119)",
        -125 => "QuotaExceeded (-125)",
        -127 => "Throttled (-127)",
        _ => $"error {code}",
    };
}
