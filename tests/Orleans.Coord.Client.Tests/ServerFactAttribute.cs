namespace Orleans.Coord.Client.Tests;

/// <summary>
/// A test against the servers that COORD_TEST_SERVER (host:port,host:port) names; skipped when it is not set. Such ones
/// are in the namespace WithServer, by which the runners find them.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ServerFactAttribute : FactAttribute
{
    public const string Variable = "COORD_TEST_SERVER";

    public ServerFactAttribute()
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable)))
        {
            Skip = $"{Variable} is not set";
        }
    }
}
