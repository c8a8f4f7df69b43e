namespace Orleans.Coord.Architecture.Tests;

/// <summary>House style that a compiler does not check.</summary>
public sealed class StyleTests
{
    private const int MaxLines = 600;
    private const int MaxColumns = 120;

    [Fact]
    public void No_file_is_longer_than_the_cap() =>
        Assert.DoesNotContain(Repository.Sources(), f => File.ReadLines(Full(f)).Count() > MaxLines);

    [Fact]
    public void No_line_is_wider_than_the_cap() =>
        Assert.Empty(Repository.Sources().SelectMany(f => File.ReadLines(Full(f))
            .Select((line, i) => (File: $"{f}:{i + 1}", line.Length))
            .Where(l => l.Length > MaxColumns)
            .Select(l => l.File)));

    [Fact]
    public void No_file_promises_work_for_later()
    {
        string[] promises = ["TO" + "DO", "FIX" + "ME", "HA" + "CK", "NotImplemented" + "Exception"];
        Assert.DoesNotContain(Repository.Sources(), f => promises.Any(File.ReadAllText(Full(f)).Contains));
    }

    [Fact]
    public void Every_core_project_turns_the_banned_symbols_on()
    {
        string[] core = ["Primitives", "Jute", "Consensus", "Tree", "Replication"];
        Assert.All(core, name =>
        {
            string file = Path.Combine(Repository.Root, "src", "Orleans.Coord." + name, $"Orleans.Coord.{name}.csproj");
            Assert.Contains("<IsCoordCore>true</IsCoordCore>", File.ReadAllText(file), StringComparison.Ordinal);
        });
    }

    private static string Full(string file) => Path.Combine(Repository.Root, file);
}
