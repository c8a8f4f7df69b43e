using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Orleans.Coord.Client;

/// <summary>
/// The events of one stream that its consumer has not taken yet. When they are too many all are forgotten, and the
/// consumer gets one resync in their place.
/// </summary>
internal sealed class WatchBuffer(string path, int capacity)
{
    private readonly Lock _gate = new();
    private readonly Queue<WatchEvent> _events = new();
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private Exception? _error;

    /// <summary>Whether the server has the watch: a new connection sets it again, else its own request does.</summary>
    public bool IsArmed { get; private set; }

    /// <summary>The server has confirmed the watch.</summary>
    public void Arm()
    {
        lock (_gate)
        {
            IsArmed = true;
            ReplaceByResync();
        }

        _signal.Writer.TryWrite(true);
    }

    public void Offer(WatchEvent what)
    {
        lock (_gate)
        {
            if (_events.Count == capacity)
            {
                // It stands for this event too: whoever takes it reads afterwards.
                ReplaceByResync();
            }
            else
            {
                _events.Enqueue(what);
            }
        }

        _signal.Writer.TryWrite(true);
    }

    public void Resync()
    {
        lock (_gate)
        {
            ReplaceByResync();
        }

        _signal.Writer.TryWrite(true);
    }

    public void Fail(Exception error)
    {
        lock (_gate)
        {
            _error = error;
        }

        _signal.Writer.TryWrite(true);
    }

    /// <summary>Yields events as they come, until the session ends, and then throws what ended it.</summary>
    public async IAsyncEnumerable<WatchEvent> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        while (true)
        {
            await _signal.Reader.ReadAsync(cancellation).ConfigureAwait(false);
            while (TryTake(out WatchEvent what))
            {
                yield return what;
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    // Whoever reads again has no use for what came before.
    private void ReplaceByResync()
    {
        _events.Clear();
        _events.Enqueue(new WatchEvent(WatchEventKind.Resync, path, -1));
    }

    private bool TryTake(out WatchEvent what)
    {
        lock (_gate)
        {
            if (_events.TryDequeue(out what))
            {
                return true;
            }

            return _error is null ? false : throw _error;
        }
    }
}
