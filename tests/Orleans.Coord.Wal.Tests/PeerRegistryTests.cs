using Orleans.Coord.Replication;

namespace Orleans.Coord.Wal.Tests;

public sealed class PeerRegistryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("coord-peers-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_member_keeps_its_first_incarnation_over_restarts()
    {
        var first = new PeerRegistry(_folder, new NativeDisk());
        Assert.True(first.Admit(new ReplicaId(2), 0xABC));
        Assert.True(first.Admit(new ReplicaId(2), 0xABC));
        Assert.False(first.Admit(new ReplicaId(2), 0xDEF));
        var again = new PeerRegistry(_folder, new NativeDisk());
        Assert.True(again.Admit(new ReplicaId(2), 0xABC));
        Assert.False(again.Admit(new ReplicaId(2), 0xDEF));
        Assert.True(again.Admit(new ReplicaId(3), 0xDEF));
    }

    [Fact]
    public void A_damaged_file_is_refused_by_name()
    {
        File.WriteAllText(Path.Combine(_folder, "PEERS"), "two abc\n");
        StorageException e = Assert.Throws<StorageException>(() => new PeerRegistry(_folder, new NativeDisk()));
        Assert.Contains("PEERS", e.Message, StringComparison.Ordinal);
    }
}
