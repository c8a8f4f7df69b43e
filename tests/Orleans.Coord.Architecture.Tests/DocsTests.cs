using System.Text.RegularExpressions;

namespace Orleans.Coord.Architecture.Tests;

/// <summary>What the documents point at is there.</summary>
public sealed partial class DocsTests
{
    private static IEnumerable<string> Documents => Directory
        .EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories)
        .Append(Path.Combine(Repository.Root, "README.md"));

    [Fact]
    public void Every_test_that_a_document_names_exists()
    {
        ILookup<string, string> sources = Repository.Sources()
            .Where(f => f.StartsWith("tests", StringComparison.Ordinal))
            .ToLookup(
                f => Path.GetFileNameWithoutExtension(f)!,
                f => File.ReadAllText(Path.Combine(Repository.Root, f)));
        IEnumerable<Match> named = Documents.SelectMany(f => NamedTest().Matches(File.ReadAllText(f)));

        Assert.All(named, test => Assert.Contains(
            sources[test.Groups["type"].Value],
            text => text.Contains($" {test.Groups["method"].Value}(", StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_path_that_a_document_names_exists() =>
        Assert.All(
            Documents.SelectMany(f => NamedPath().Matches(File.ReadAllText(f))).Select(m => m.Groups[1].Value),
            path => Assert.True(Path.Exists(Path.Combine(Repository.Root, path)), path));

    [GeneratedRegex(@"`(?<type>\w+Tests)\.(?<method>\w+)`")]
    private static partial Regex NamedTest();

    [GeneratedRegex(@"`((?:src|tests|silo-host|client-sdk|docs|samples|benchmarks)/[\w./-]+)`")]
    private static partial Regex NamedPath();
}
