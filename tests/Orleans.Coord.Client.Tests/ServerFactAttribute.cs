namespace Orleans.Coord.Client.Tests;

/// <summary>A test against the server that COORD_TEST_SERVER (host:port) names; skipped when it is not set.</summary>
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
