using Orleans.Coord.Jute;

namespace Orleans.Coord.Client;

/// <summary>What becomes of a request that was sent when its connection is lost.</summary>
internal enum OnLoss
{
    /// <summary>It changes nothing: sent again on the next connection.</summary>
    Repeat,

    /// <summary>
    /// It is a write and may have happened. With a number it is sent again; without, the caller is told so.
    /// </summary>
    Unknown,

    /// <summary>It belongs to the connection and goes with it.</summary>
    Drop,
}

/// <summary>Which one-shot watch a read sets.</summary>
internal enum OneShotKind
{
    None,
    Data,
    Exist,
    Children,
}

/// <summary>An operation's wire form and result. Implemented by structs, so that a request is one object.</summary>
/// <typeparam name="T">What the answer holds.</typeparam>
internal interface IOperation<T>
{
    OpCode Code { get; }

    /// <summary>The path as the server knows it; null when there is none.</summary>
    string? Path { get; }

    OnLoss OnLoss { get; }

    void Write(JuteWriter writer, bool watch);

    T Read(ref JuteReader reader);
}

/// <summary>A request from its call to its end. Queued, written once per connection, ended once.</summary>
internal abstract class Request
{
    private CancellationTokenRegistration _cancellation;
    private SemaphoreSlim? _place;

    public abstract OpCode Code { get; }

    public abstract string? Path { get; }

    public abstract OnLoss OnLoss { get; }

    /// <summary>True once the caller has its answer or has cancelled.</summary>
    public abstract bool IsAnswered { get; }

    /// <summary>The one-shot watch to set; the writer leaves it out where a persistent one covers it.</summary>
    public OneShotKind Watch { get; init; }

    /// <summary>The number it was written under on the current connection.</summary>
    public int Xid { get; set; }

    /// <summary>On how many connections it was sent.</summary>
    public int Sends { get; set; }

    /// <summary>The session's number for a write that the server runs once; 0 while it has none.</summary>
    public long Number { get; set; }

    /// <summary>Bytes of its frame on the current connection.</summary>
    public int FrameBytes { get; set; }

    /// <summary>Whether it is a read that sees all that was answered before it was sent.</summary>
    public bool IsLinearizable { get; init; }

    public abstract void WriteBody(JuteWriter writer, bool watch);

    /// <summary>Ends it with the server's answer; false when the answer's bytes cannot be read.</summary>
    public abstract bool Answer(CoordErrorCode code, ref JuteReader body);

    public abstract void Fail(Exception error);

    /// <summary>Arranges cancelling by the caller, and giving back the request's place at its end.</summary>
    public void Begin(SemaphoreSlim place, CancellationToken cancellation)
    {
        _place = place;
        if (cancellation.CanBeCanceled)
        {
            _cancellation = cancellation.UnsafeRegister(
                static (state, token) => ((Request)state!).Cancel(token), this);
        }
    }

    /// <summary>To be called once, when the request is neither queued nor under way any more.</summary>
    public void End()
    {
        _cancellation.Dispose();
        Interlocked.Exchange(ref _place, null)?.Release();
    }

    protected abstract void Cancel(CancellationToken token);
}

/// <summary>A request of one operation.</summary>
/// <typeparam name="TOperation">The operation.</typeparam>
/// <typeparam name="T">What its answer holds.</typeparam>
internal sealed class Request<TOperation, T>(TOperation operation) : Request
    where TOperation : struct, IOperation<T>
{
    private readonly TaskCompletionSource<CoordResult<T>> _source =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TOperation Operation => operation;

    public override OpCode Code => operation.Code;

    public override string? Path => operation.Path;

    public override OnLoss OnLoss => operation.OnLoss;

    public override bool IsAnswered => _source.Task.IsCompleted;

    public Task<CoordResult<T>> Task => _source.Task;

    /// <summary>Runs on the reader, in the order of the answers, before the caller learns of the answer.</summary>
    public Action<CoordErrorCode, T?>? Answered { get; init; }

    public override void WriteBody(JuteWriter writer, bool watch) => operation.Write(writer, watch);

    public override bool Answer(CoordErrorCode code, ref JuteReader body)
    {
        T? value = code == CoordErrorCode.Ok ? operation.Read(ref body) : default;
        if (body.Failed)
        {
            Fail(new CoordException(CoordErrorCode.MarshallingError, Path, $"The answer to {Code} cannot be read"));
            return false;
        }

        Answered?.Invoke(code, value);
        _source.TrySetResult(new CoordResult<T>(code, value));
        End();
        return true;
    }

    public override void Fail(Exception error)
    {
        // Reading the exception keeps requests that nobody waits for from being reported as unobserved.
        _source.TrySetException(error);
        _ = _source.Task.Exception;
        End();
    }

    protected override void Cancel(CancellationToken token) => _source.TrySetCanceled(token);
}
