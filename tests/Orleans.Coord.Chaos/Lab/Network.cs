using System.Globalization;

namespace Orleans.Coord.Chaos.Lab;

/// <summary>What is between the members: links that can be cut, one direction at a time, and healed.</summary>
internal abstract class Network : IDisposable
{
    /// <summary>Where clients reach a member.</summary>
    public abstract (string Host, int Port) ClientAddress(int member);

    /// <summary>The words before the silo's own that start a member's process.</summary>
    public abstract IReadOnlyList<string> Launcher(int member);

    /// <summary>Where a member listens for clients, and where all members are, as <c>ID=HOST:PORT,…</c>.</summary>
    public abstract (string ClientHost, string Members) Settings(int member);

    /// <summary>From now on nothing that one member sends reaches the other.</summary>
    public abstract void Cut(int from, int to);

    /// <summary>All cuts are mended.</summary>
    public abstract void Heal();

    public virtual void Dispose()
    {
    }

    protected static string List(int count, Func<int, string> address) => string.Join(
        ',', Enumerable.Range(1, count).Select(
            id => string.Create(CultureInfo.InvariantCulture, $"{id}={address(id)}")));
}
