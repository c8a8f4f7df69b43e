namespace Orleans.Coord.Client;

/// <summary>
/// An operation failed. <see cref="Code"/> tells why; the derived types stand for the outcomes that a program must
/// treat differently: <see cref="OutcomeUnknownException"/>, <see cref="SessionLostException"/>,
/// <see cref="TransactionFailedException"/> and <see cref="HistoryLostException"/>.
/// </summary>
public class CoordException : Exception
{
    internal CoordException(CoordErrorCode code, string? path, string message, Exception? inner = null)
        : base(message, inner)
    {
        Code = code;
        Path = path;
    }

    /// <summary>The server's code, or the code that stands for what the client met.</summary>
    public CoordErrorCode Code { get; }

    /// <summary>The path that the operation was about, as the caller wrote it; null when there is none.</summary>
    public string? Path { get; }

    internal static CoordException For(CoordErrorCode code, string? path) => code switch
    {
        CoordErrorCode.SessionExpired => new SessionLostException(path),
        CoordErrorCode.HistoryLost => new HistoryLostException(path),
        _ => new CoordException(code, path, path is null ? $"{code}" : $"{code} at {path}"),
    };
}

/// <summary>
/// The connection was lost after a write was sent and before its answer came: it may have happened, or not. Read
/// before writing again. Only a server without numbered writes (plain ZooKeeper) brings this about: Orleans.Coord is
/// asked again on the next connection, and repeats the original answer. Reads never end this way.
/// </summary>
public sealed class OutcomeUnknownException : CoordException
{
    internal OutcomeUnknownException(string? path)
        : base(CoordErrorCode.ConnectionLoss, path, $"The connection was lost; whether the write at {path} happened "
            + "is not known")
    {
    }
}

/// <summary>
/// The session has expired: its ephemeral znodes are gone or will be, and its watches are dead. A write that was
/// under way when it expired may have happened (<see cref="OutcomeUnknown"/>).
/// </summary>
public sealed class SessionLostException : CoordException
{
    internal SessionLostException(string? path, bool outcomeUnknown = false)
        : base(CoordErrorCode.SessionExpired, path, "The session has expired")
    {
        OutcomeUnknown = outcomeUnknown;
    }

    /// <summary>True when the operation was a write that had been sent and was not answered.</summary>
    public bool OutcomeUnknown { get; }
}

/// <summary>
/// The server no longer has all changes since the zxid asked for. Read the tree, and go on from the zxid before that.
/// </summary>
public sealed class HistoryLostException : CoordException
{
    internal HistoryLostException(string? path)
        : base(CoordErrorCode.HistoryLost, path, $"Not all changes at {path} since that zxid are known any more")
    {
    }
}

/// <summary>A transaction was refused as a whole; nothing of it happened.</summary>
public sealed class TransactionFailedException : CoordException
{
    internal TransactionFailedException(CoordErrorCode code, string? path, int failedIndex)
        : base(code, path, failedIndex < 0
            ? $"The transaction was refused: {code}"
            : $"The transaction was refused: {code} at {path} (operation {failedIndex})")
    {
        FailedIndex = failedIndex;
    }

    /// <summary>The position of the operation that failed, from 0; −1 when the server did not say.</summary>
    public int FailedIndex { get; }
}
