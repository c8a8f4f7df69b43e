using System.Collections.Concurrent;
using Orleans.Coord.Grains.Sessions;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Grains.Znodes;

/// <summary>One connection of a silo to its own replica: requests out, each answer to its asker.</summary>
internal sealed class SiloConnection : IOutputSink
{
    private readonly ConcurrentDictionary<int, TaskCompletionSource<Answer>> _asked = [];
    private readonly TaskCompletionSource<int> _welcomed = NewSource<int>();
    private readonly ReplicaConnection _connection;
    private uint _asks;

    public SiloConnection(LocalReplica replica) => _connection = new ReplicaConnection(replica, this);

    /// <summary>
    /// The time-out of the session that the replica has given, milliseconds; 0 for none. Completes when it has
    /// answered.
    /// </summary>
    public Task<int> Welcomed => _welcomed.Task;

    /// <summary>Whether nothing can be asked any more.</summary>
    public bool IsOver => _connection.IsClosed;

    /// <summary>Asks for a new session.</summary>
    public void Start(int timeoutMs) => _connection.Connect(new ConnectRequest(
        0, 0, timeoutMs, 0, new byte[CoordLimits.PasswordBytes], CanBeReadOnly: false, HasReadOnlyByte: false));

    /// <summary>Asks something; the answer's code is connection loss where none comes.</summary>
    /// <param name="request">The operation and its body.</param>
    /// <param name="barrier">Whether it must see all that any silo has acknowledged before.</param>
    public async Task<Answer> AskAsync(ZnodeRequest request, bool barrier)
    {
        // Positive, however many there are: the others have meanings of their own.
        int xid = (int)(Interlocked.Increment(ref _asks) % int.MaxValue) + 1;
        TaskCompletionSource<Answer> answer = NewSource<Answer>();
        _asked[xid] = answer;
        var frames = new JuteWriter();
        if (barrier)
        {
            ZnodeRequest.Sync(request.Path).WriteFrame(frames, ZnodeRequest.UnaskedXid);
        }

        request.WriteFrame(frames, xid);
        await _connection.PostAsync(frames.WrittenMemory);
        if (IsOver)
        {
            FailAsked();
        }

        return await answer.Task;
    }

    /// <summary>Shows that the session is still wanted.</summary>
    public void Ping()
    {
        var frame = new JuteWriter();
        ZnodeRequest.Ping.WriteFrame(frame, ZnodeRequest.PingXid);
        _ = _connection.PostAsync(frame.WrittenMemory);
    }

    /// <summary>Lets go of the connection.</summary>
    public void Leave() => _connection.Disconnect();

    public bool TryAdd(byte[] frames)
    {
        ReadOnlyMemory<byte> rest = frames;
        if (!_welcomed.Task.IsCompleted)
        {
            _welcomed.TrySetResult(TimeoutOf(TakeFrame(ref rest)));
        }

        while (!rest.IsEmpty)
        {
            ReadOnlyMemory<byte> frame = TakeFrame(ref rest);
            var reader = new JuteReader(frame.Span);
            int xid = reader.ReadInt();
            long zxid = reader.ReadLong();
            var code = (CoordErrorCode)reader.ReadInt();
            if (_asked.TryRemove(xid, out TaskCompletionSource<Answer>? answer))
            {
                answer.TrySetResult(new Answer(code, zxid, frame[reader.Position..]));
            }
        }

        return true;
    }

    public void End()
    {
        _welcomed.TrySetResult(0);
        FailAsked();
    }

    private void FailAsked()
    {
        foreach (int xid in _asked.Keys)
        {
            if (_asked.TryRemove(xid, out TaskCompletionSource<Answer>? answer))
            {
                answer.TrySetResult(new Answer(CoordErrorCode.ConnectionLoss, 0, default));
            }
        }
    }

    private static ReadOnlyMemory<byte> TakeFrame(ref ReadOnlyMemory<byte> rest)
    {
        int length = new JuteReader(rest.Span).ReadInt();
        ReadOnlyMemory<byte> frame = rest.Slice(FrameDecoder.PrefixBytes, length);
        rest = rest[(FrameDecoder.PrefixBytes + length)..];
        return frame;
    }

    private static int TimeoutOf(ReadOnlyMemory<byte> frame)
    {
        var reader = new JuteReader(frame.Span);
        reader.ReadInt();
        return reader.ReadInt();
    }

    // An asker's work must not run in the replica's turn.
    private static TaskCompletionSource<T> NewSource<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>A reply of the replica.</summary>
/// <param name="Code">ZooKeeper's code; <see cref="CoordErrorCode.ConnectionLoss"/> where no reply came.</param>
/// <param name="Zxid">The newest zxid that the replica had applied; a write's own.</param>
/// <param name="Body">The rest of the reply.</param>
internal readonly record struct Answer(CoordErrorCode Code, long Zxid, ReadOnlyMemory<byte> Body);
