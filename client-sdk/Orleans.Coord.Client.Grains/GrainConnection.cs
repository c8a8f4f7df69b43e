using System.Net.Sockets;
using Orleans.Coord.Grains;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Client.Grains;

/// <summary>
/// One connection of a session: what the client writes to its socket goes to a session grain in numbered batches, and
/// the grain's numbered outputs come back. A break on the way is mended from the last number; where the grain is gone,
/// the socket is closed, and the client resumes its session through another grain.
/// </summary>
internal sealed class GrainConnection : IDisposable
{
    private const int BatchBytes = 64 * 1024;
    private const int Attempts = 3;
    private static readonly TimeSpan _retryDelay = TimeSpan.FromMilliseconds(100);

    private readonly Socket _socket;
    private readonly ISessionGrain _grain;
    private readonly CancellationTokenSource _over = new();
    private byte[] _buffer = new byte[BatchBytes];
    private int _filled;
    private long _received;

    private GrainConnection(Socket socket, ISessionGrain grain)
    {
        _socket = socket;
        _grain = grain;
    }

    /// <summary>Opens a connection; what the returned socket carries is ZooKeeper's protocol.</summary>
    public static async ValueTask<Socket> OpenAsync(IGrainFactory grains, CancellationToken cancellation)
    {
        (Socket own, Socket client) = await SocketPair.CreateAsync(cancellation).ConfigureAwait(false);
        var connection = new GrainConnection(own, grains.GetGrain<ISessionGrain>(Guid.NewGuid()));
        // Not where the caller is: that may be a grain's turn.
        _ = Task.Run(connection.RunAsync, CancellationToken.None);
        return client;
    }

    public void Dispose()
    {
        _socket.Dispose();
        _over.Dispose();
    }

    private async Task RunAsync()
    {
        using GrainConnection end = this;
        Task receiving = Task.CompletedTask;
        try
        {
            for (long number = 1; await ReadFramesAsync().ConfigureAwait(false) is { } frames; number++)
            {
                await SendAsync(number, frames).ConfigureAwait(false);
                if (number == 1)
                {
                    receiving = ReceiveAsync();
                }
            }
        }
#pragma warning disable CA1031 // Whatever ends a connection: the client sees it close, and makes another one.
        catch (Exception)
#pragma warning restore CA1031
        {
            // The client learns by its socket.
        }

        await _over.CancelAsync().ConfigureAwait(false);
        _socket.Dispose();
        await receiving.ConfigureAwait(false);
        await LetGoAsync().ConfigureAwait(false);
    }

    // Null at the end. One read's worth of whole frames, at least one.
    private async ValueTask<byte[]?> ReadFramesAsync()
    {
        while (true)
        {
            FrameScan scan = FrameDecoder.Scan(_buffer.AsSpan(0, _filled), 0, int.MaxValue);
            if (scan.Frames > 0)
            {
                byte[] frames = _buffer[..scan.Bytes];
                _buffer.AsSpan(scan.Bytes, _filled - scan.Bytes).CopyTo(_buffer);
                _filled -= scan.Bytes;
                return frames;
            }

            if (_filled == _buffer.Length)
            {
                Array.Resize(ref _buffer, 2 * _buffer.Length);
            }

            int count = await _socket.ReceiveAsync(_buffer.AsMemory(_filled), SocketFlags.None).ConfigureAwait(false);
            if (count == 0)
            {
                return null;
            }

            _filled += count;
        }
    }

    private async Task SendAsync(long number, byte[] frames)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await _grain.SendAsync(number, Volatile.Read(ref _received), frames).ConfigureAwait(false);
                return;
            }
            catch (Exception e) when (e is not ReplicaRefusedException && attempt < Attempts)
            {
                await Task.Delay(_retryDelay, _over.Token).ConfigureAwait(false);
            }
        }
    }

    // Ends with the socket closed. Never throws.
    private async Task ReceiveAsync()
    {
        for (int failures = 0; failures < Attempts && !_over.IsCancellationRequested; failures++)
        {
            try
            {
                await foreach (SessionOutput output in _grain
                    .ReceiveAsync(_received, _over.Token).ConfigureAwait(false))
                {
                    failures = 0;
                    await TakeAsync(output).ConfigureAwait(false);
                }

                break;
            }
            catch (Exception e) when (e is ReplicaRefusedException or SocketException or ObjectDisposedException
                or OperationCanceledException)
            {
                break;
            }
#pragma warning disable CA1031 // The stream broke on its way; it is resumed where it ended.
            catch (Exception)
#pragma warning restore CA1031
            {
                await Task.Delay(_retryDelay).ConfigureAwait(false);
            }
        }

        _socket.Dispose();
    }

    private async ValueTask TakeAsync(SessionOutput output)
    {
        if (output.Number <= _received)
        {
            // A sign of life, or sent again.
            return;
        }

        Invariant.Check(output.Number == _received + 1);
        ReadOnlyMemory<byte> rest = output.Frames;
        while (!rest.IsEmpty)
        {
            rest = rest[await _socket.SendAsync(rest, SocketFlags.None).ConfigureAwait(false)..];
        }

        Volatile.Write(ref _received, output.Number);
    }

    private async Task LetGoAsync()
    {
        try
        {
            await _grain.CloseAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // The grain, or its silo, is gone already.
        catch (Exception)
#pragma warning restore CA1031
        {
            // Nothing is left to let go of.
        }
    }
}
