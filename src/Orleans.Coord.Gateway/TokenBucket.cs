namespace Orleans.Coord.Gateway;

/// <summary>Lets so many through a second, and as many at once after a quiet second.</summary>
/// <param name="perSecond">How many; 0 lets all through.</param>
/// <param name="nowMs">The clock, milliseconds.</param>
internal sealed class TokenBucket(int perSecond, Func<long> nowMs)
{
    private const long UnitsPerToken = 1000;

    private readonly Lock _lock = new();
    private long _units = perSecond * UnitsPerToken;
    private long _lastMs = nowMs();

    /// <summary>Takes a token; false when there is none.</summary>
    public bool TryTake()
    {
        if (perSecond <= 0)
        {
            return true;
        }

        lock (_lock)
        {
            long now = nowMs();
            long full = perSecond * UnitsPerToken;
            _units = Math.Min(full, _units + (Math.Clamp(now - _lastMs, 0, UnitsPerToken) * perSecond));
            _lastMs = now;
            if (_units < UnitsPerToken)
            {
                return false;
            }

            _units -= UnitsPerToken;
            return true;
        }
    }
}
