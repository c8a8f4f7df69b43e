using System.Reflection;

namespace Orleans.Coord.Architecture.Tests;

/// <summary>The rings of docs/ARCHITECTURE.md, read off the compiled assemblies.</summary>
public sealed class DependencyRuleTests
{
    private const string Prefix = "Orleans.Coord.";

    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Primitives"] = [],
        ["Jute"] = ["Primitives"],
        ["Consensus"] = ["Primitives"],
        ["Tree"] = ["Primitives", "Jute"],
        ["Replication"] = ["Primitives", "Jute", "Consensus", "Tree"],
        ["Wal"] = ["Primitives", "Consensus", "Replication"],
        ["Gateway"] = ["Primitives", "Jute", "Replication"],
        ["Tcp"] = ["Primitives", "Jute", "Replication"],
        ["Grains.Abstractions"] = ["Primitives"],
        ["Grains"] = ["Primitives", "Jute", "Replication", "Grains.Abstractions"],
        ["Client"] = ["Primitives", "Jute"],
        ["SiloHost"] =
        [
            "Primitives", "Jute", "Consensus", "Tree", "Replication", "Wal", "Gateway", "Tcp", "Grains",
            "Grains.Abstractions",
        ],
        ["Clustering"] = ["Primitives", "Client"],
        ["Client.Grains"] = ["Primitives", "Jute", "Client", "Grains.Abstractions"],
        ["Recipes"] = ["Primitives", "Client"],
        ["Client.Hosting"] = ["Primitives", "Client", "Recipes"],
    };

    private static readonly string[] Core = ["Primitives", "Jute", "Consensus", "Tree", "Replication"];

    public static TheoryData<string> Projects => [.. Allowed.Keys];

    public static TheoryData<string> CoreProjects => [.. Core];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Arrows_point_inward(string project)
    {
        IEnumerable<string> inner = Load(project).GetReferencedAssemblies()
            .Select(a => a.Name!)
            .Where(n => n.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(n => n[Prefix.Length..]);
        Assert.Empty(inner.Except(Allowed[project]));
    }

    [Theory]
    [MemberData(nameof(CoreProjects))]
    public void The_core_references_the_base_library_only(string project)
    {
        IEnumerable<string> outer = Load(project).GetReferencedAssemblies()
            .Select(a => a.Name!)
            .Where(n => !n.StartsWith(Prefix, StringComparison.Ordinal))
            .Where(n => !n.StartsWith("System.", StringComparison.Ordinal));
        Assert.Empty(outer);
    }

    [Theory]
    [MemberData(nameof(CoreProjects))]
    public void The_core_needs_no_assembly_of_threads_files_sockets_or_processes(string project)
    {
        string[] banned =
        [
            "System.Threading.Thread", "System.Threading.ThreadPool", "System.Threading.Tasks.Parallel",
            "System.Net.Sockets", "System.IO.FileSystem", "System.Diagnostics.Process", "System.Console",
        ];
        Assert.Empty(Load(project).GetReferencedAssemblies().Select(a => a.Name!).Intersect(banned));
    }

    [Fact]
    public void Every_project_of_the_solution_has_its_place_in_the_table()
    {
        IEnumerable<string> sources = Directory
            .EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Select(f => Path.GetFileNameWithoutExtension(f)[Prefix.Length..]);
        Assert.Empty(sources.Except(Allowed.Keys));
    }

    private static Assembly Load(string project) => Assembly.Load(Prefix + project);
}
