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
    public void No_flipped_bit_is_passed_over_in_silence()
    {
        string path = Path.Combine(_folder, "PEERS");
        var registry = new PeerRegistry(_folder, new NativeDisk());
        registry.Admit(new ReplicaId(2), 0xABC);
        registry.Admit(new ReplicaId(3), 0xDEF);
        byte[] whole = File.ReadAllBytes(path);
        for (int bit = 0; bit < whole.Length * 8; bit++)
        {
            byte[] flipped = [.. whole];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            File.WriteAllBytes(path, flipped);
            Assert.Throws<StorageException>(() => new PeerRegistry(_folder, new NativeDisk()));
        }
    }

    [Fact]
    public void A_member_that_could_not_be_remembered_is_not_known_at_the_next_attempt()
    {
        var disk = new Simulation.SimDisk(1);
        disk.CreateDirectory("/data");
        var registry = new PeerRegistry("/data", disk);
        disk.Fault = (what, _) => what == "sync" ? DiskError.Io : null;
        Assert.Throws<StorageException>(() => registry.Admit(new ReplicaId(2), 0xABC));
        Assert.Throws<StorageException>(() => registry.Admit(new ReplicaId(2), 0xABC));
        disk.Fault = null;
        Assert.True(registry.Admit(new ReplicaId(2), 0xABC));
    }

    [Fact]
    public void A_damaged_file_is_refused_by_name()
    {
        File.WriteAllText(Path.Combine(_folder, "PEERS"), "two abc\n");
        StorageException e = Assert.Throws<StorageException>(() => new PeerRegistry(_folder, new NativeDisk()));
        Assert.Contains("PEERS", e.Message, StringComparison.Ordinal);
    }
}
