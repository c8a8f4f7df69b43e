namespace Orleans.Coord.Recipes;

internal static class Paths
{
    public static string Join(string parent, string name) => parent.Length == 1 ? "/" + name : $"{parent}/{name}";

    public static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];

    public static string ParentOf(string path) => path[..Math.Max(1, path.LastIndexOf('/'))];

    /// <summary>A name that no other call will ever use.</summary>
    public static string Unique() => Guid.NewGuid().ToString("N");
}
