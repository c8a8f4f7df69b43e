namespace Orleans.Coord.Client;

/// <summary>
/// Sources that end with the session. They are cancelled on the spot: a source linked to the session's token would
/// learn of it from a callback, which a starved thread pool runs late.
/// </summary>
internal sealed class LostSources
{
    private readonly Lock _gate = new();
    private readonly HashSet<CancellationTokenSource> _sources = [];
    private bool _ended;

    public CancellationTokenSource New()
    {
        var source = new Source(this);
        lock (_gate)
        {
            if (_ended)
            {
                source.Cancel();
            }
            else
            {
                _sources.Add(source);
            }
        }

        return source;
    }

    public void CancelAll()
    {
        lock (_gate)
        {
            _ended = true;
            foreach (CancellationTokenSource source in _sources)
            {
                // Sets the token now and runs what others registered on it elsewhere.
                _ = source.CancelAsync();
            }

            _sources.Clear();
        }
    }

    private void Remove(CancellationTokenSource source)
    {
        lock (_gate)
        {
            _sources.Remove(source);
        }
    }

    private sealed class Source(LostSources owner) : CancellationTokenSource
    {
        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                owner.Remove(this);
            }

            base.Dispose(disposing);
        }
    }
}
