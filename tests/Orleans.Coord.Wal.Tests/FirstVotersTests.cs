using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal.Tests;

public sealed class FirstVotersTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("first-voters-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_a_directory_began_with_counts_whatever_is_asked_later()
    {
        Assert.Equal(Ids(1, 2, 3), Settle(1, 2, 3));
        Assert.Equal(Ids(1, 2, 3), Settle(1, 2, 3, 4));
        Assert.Equal(Ids(1, 2, 3), Settle());
    }

    [Fact]
    public void A_member_that_was_to_wait_never_begins_by_itself()
    {
        Assert.Empty(Settle());
        Assert.Empty(Settle(1, 2, 3));
    }

    [Theory]
    [InlineData("voters 1 x\n")]
    [InlineData("voters 0\n")]
    [InlineData("voters 1")]
    [InlineData("")]
    public void A_damaged_file_is_named(string text)
    {
        File.WriteAllText(Path.Combine(_folder, "VOTERS"), text);
        StorageException e = Assert.Throws<StorageException>(() => Settle(1));
        Assert.Contains("VOTERS", e.Message, StringComparison.Ordinal);
    }

    private static ReplicaId[] Ids(params byte[] ids) => [.. ids.Select(id => new ReplicaId(id))];

    private IReadOnlyList<ReplicaId> Settle(params byte[] ids) =>
        FirstVoters.Settle(_folder, new NativeDisk(), Ids(ids));
}
