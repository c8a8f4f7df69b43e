namespace Orleans.Coord.Recipes.Tests;

/// <summary>Sees who is inside at a time, and in which order the fencing tokens came.</summary>
internal sealed class Referee
{
    private readonly List<long> _tokens = [];
    private int _inside;

    public IReadOnlyList<long> Tokens => _tokens;

    /// <summary>To be called while holding what excludes all others.</summary>
    public async Task VisitAsync(CoordHandle handle)
    {
        Assert.Equal(1, Interlocked.Increment(ref _inside));
        // Without a lock of its own: the one under test is to protect the list.
        _tokens.Add(handle.FencingToken);
        await Task.Yield();
        Assert.Equal(0, Interlocked.Decrement(ref _inside));
    }

    public void AssertRising(int count)
    {
        Assert.Equal(count, _tokens.Count);
        Assert.All(_tokens.Zip(_tokens.Skip(1)), pair => Assert.True(pair.First < pair.Second));
    }
}
