namespace Orleans.Coord.Testing;

/// <summary>Waits for what must become true, far longer than it should ever take.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task TrueAsync(Func<bool> condition, string what)
    {
        long deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, $"Never came true: {what}");
            await Task.Delay(5);
        }
    }
}
