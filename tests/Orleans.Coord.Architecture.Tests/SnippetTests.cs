namespace Orleans.Coord.Architecture.Tests;

/// <summary>The examples of the recipes' pages are compiled: each stands in a sample, word for word.</summary>
public sealed class SnippetTests
{
    private const string Fence = "```";

    public static TheoryData<string> Pages =>
        [.. new DirectoryInfo(Path.Combine(Repository.Root, "docs", "recipes")).GetFiles("*.md").Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Examples_of_a_page_are_compiled_in_a_sample(string page)
    {
        string samples = Path.Combine(Repository.Root, "samples", "RecipeBook", "RecipeBook.cs");
        string compiled = Normalize(File.ReadLines(samples));
        string[] lines = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "recipes", page));
        int examples = 0;
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i] == Fence + "csharp")
            {
                int end = Array.IndexOf(lines, Fence, i);
                Assert.Contains(Normalize(lines[(i + 1)..end]), compiled, StringComparison.Ordinal);
                examples++;
            }
        }

        Assert.True(examples > 0 || page == "README.md", $"{page} has no example");
    }

    private static string Normalize(IEnumerable<string> lines) => string.Join('\n', lines.Select(line => line.Trim()));
}
