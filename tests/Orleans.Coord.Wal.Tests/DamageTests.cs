using Orleans.Coord.Consensus;
using Orleans.Coord.Simulation;

namespace Orleans.Coord.Wal.Tests;

/// <summary>Every kind of damage to the log: repaired when provably harmless, else refused with a sentence.</summary>
public sealed class DamageTests
{
    // With 100-byte entries appended one by one, each batch is one sector; the header takes the first.
    private const int Sector = 512;
    private readonly Rig _rig = new Rig().Open();

    [Fact]
    public void Kill_in_the_middle_of_a_large_write_is_recovered_without_asking()
    {
        _rig.AppendEach(1, 5);
        _rig.Append(Make.Entries(6, 50, bytes: 180));
        _rig.Disk.CrashAfter(0);
        Assert.Throws<SimCrashException>(() => _rig.Settle());
        _rig.Reopen().AssertHolds(1, 5);
        _rig.AppendEach(6, 9);
        _rig.Reopen(CrashKind.PowerLoss).AssertHolds(1, 9);
        Assert.Empty(_rig.Directory.Notes);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(19)]
    public void A_batch_with_a_blank_sector_was_never_synced_and_is_cut(int blank)
    {
        _rig.AppendEach(1, 5);
        _rig.Append(Make.Entries(6, 60, bytes: 180));
        _rig.Settle();
        Blank(_rig.Segments[0], (6 + blank) * Sector);
        _rig.Reopen().AssertHolds(1, 5);
        Assert.Contains("cut an unfinished batch at offset 3072", Assert.Single(_rig.Directory.Notes));
    }

    [Fact]
    public void A_written_but_unsynced_batch_that_is_whole_is_kept()
    {
        _rig.AppendEach(1, 5);
        _rig.Append([Make.Entry(6)]);
        _rig.Disk.CrashAfter(1);
        Assert.Throws<SimCrashException>(() => _rig.Settle());
        _rig.Reopen().AssertHolds(1, 6);
        _rig.Reopen(CrashKind.PowerLoss).AssertHolds(1, 6);
    }

    [Fact]
    public void A_bit_flip_in_the_middle_is_refused_naming_file_and_offset()
    {
        _rig.AppendEach(1, 20);
        _rig.Disk.FlipBit(_rig.Segments[0], (7 * Sector) + 100, 3);
        string message = _rig.Refused();
        Assert.Contains(_rig.Segments[0] + " is damaged at offset 3584", message);
        Assert.Contains("Restore the directory from a backup", message);
        _rig.Options = _rig.Options with { AcceptTailLoss = true };
        Assert.Contains("damaged at offset 3584", _rig.Refused());
    }

    [Fact]
    public void A_bit_flip_in_the_last_batch_asks_for_the_operators_word()
    {
        _rig.AppendEach(1, 20);
        _rig.Disk.FlipBit(_rig.Segments[0], (20 * Sector) + 100, 3);
        string message = _rig.Refused();
        Assert.Contains(_rig.Segments[0] + " is damaged at offset 10240", message);
        Assert.Contains("--accept-tail-loss", message);

        _rig.Options = _rig.Options with { AcceptTailLoss = true };
        _rig.Reopen().AssertHolds(1, 19);
        Assert.Contains("as the operator accepted", Assert.Single(_rig.Directory.Notes));

        // Once is enough.
        _rig.Options = _rig.Options with { AcceptTailLoss = false };
        _rig.AppendEach(20, 25);
        _rig.Reopen().AssertHolds(1, 25);
    }

    [Theory]
    [InlineData(20 * Sector)]
    [InlineData((20 * Sector) + 30)]
    [InlineData((20 * Sector) + 505)]
    [InlineData((20 * Sector) + 510)]
    [InlineData(21 * Sector)]
    [InlineData(30 * Sector)]
    public void No_flipped_bit_at_the_end_is_cut_silently(long offset)
    {
        _rig.AppendEach(1, 20);
        _rig.Disk.FlipBit(_rig.Segments[0], offset, 0);
        Assert.Contains("--accept-tail-loss", _rig.Refused());
    }

    [Fact]
    public void A_bit_flip_in_a_segments_header_is_refused()
    {
        _rig.AppendEach(1, 20);
        _rig.Disk.FlipBit(_rig.Segments[0], 20, 0);
        Assert.Contains(_rig.Segments[0] + " is damaged at offset 0", _rig.Refused());
    }

    [Theory]
    [InlineData(10 * Sector)]
    [InlineData((10 * Sector) + 77)]
    [InlineData(Sector)]
    public void A_truncated_last_segment_is_refused_unless_accepted(long length)
    {
        _rig.AppendEach(1, 20);
        Truncate(_rig.Segments[0], length);
        string message = _rig.Refused();
        Assert.Contains(_rig.Segments[0], message);
        Assert.Contains("--accept-tail-loss", message);
        _rig.Options = _rig.Options with { AcceptTailLoss = true };
        _rig.Reopen().AssertHolds(1, (length / Sector) - 1);
        long last = length / Sector;
        _rig.AppendEach(last, last + 3).Reopen(CrashKind.PowerLoss).AssertHolds(1, last + 3);
    }

    [Fact]
    public void An_empty_last_segment_file_is_refused()
    {
        _rig.AppendEach(1, 20);
        Truncate(_rig.Segments[0], 0);
        Assert.Contains(_rig.Segments[0] + " is damaged", _rig.Refused());
    }

    [Fact]
    public void A_missing_segment_in_the_middle_is_named()
    {
        _rig.AppendEach(1, 200);
        string missing = _rig.Segments[1];
        _rig.Disk.Delete(missing);
        Assert.Contains(missing + " is missing", _rig.Refused());
    }

    [Fact]
    public void A_missing_newest_segment_is_named()
    {
        _rig.AppendEach(1, 200);
        string missing = _rig.Segments[^1];
        _rig.Disk.Delete(missing);
        Assert.Contains(missing + " is missing", _rig.Refused());
    }

    [Fact]
    public void All_segments_missing_is_not_taken_for_an_empty_directory()
    {
        _rig.AppendEach(1, 5);
        string only = Assert.Single(_rig.Segments);
        _rig.Disk.Delete(only);
        Assert.Contains(only + " is missing", _rig.Refused());
    }

    [Fact]
    public void Damage_that_a_snapshot_covers_does_no_harm()
    {
        _rig.AppendEach(1, 200);
        Assert.True(_rig.Segments.Length > 2);
        _rig.Snapshot(195);
        _rig.Disk.FlipBit(_rig.Segments[0], 3 * Sector, 1);
        _rig.Reopen();
        Assert.Contains("A snapshot covers what was in it", Assert.Single(_rig.Directory.Notes));
        Assert.Equal(200, _rig.Log.LastIndex.Value);
        Assert.InRange(_rig.Log.FirstIndex.Value, 2, 196);
        Assert.Empty(_rig.Reopen().Directory.Notes);
    }

    [Fact]
    public void A_segment_of_another_replica_is_refused()
    {
        _rig.AppendEach(1, 5);
        Rig other = new Rig().Open().AppendEach(1, 5);
        byte[] foreign = new byte[16 << 10];
        using (IDiskFile from = other.Disk.Open(other.Segments[0]))
        using (IDiskFile to = _rig.Disk.Open(_rig.Segments[0]))
        {
            from.Read(0, foreign);
            to.Write(0, foreign);
            to.Sync();
        }

        Assert.Contains("is not this segment's", _rig.Refused());
    }

    [Fact]
    public void Leftover_temporary_files_are_cleared_away()
    {
        _rig.AppendEach(1, 3);
        foreach (string name in new[] { "spare.tmp", "segment.tmp", "snapshot.tmp", "MANIFEST.tmp" })
        {
            _rig.Disk.Create($"{Rig.Folder}/{name}").Write(0, new byte[700]);
        }

        _rig.Reopen().AssertHolds(1, 3);
        Assert.DoesNotContain(_rig.Disk.Files, path => path.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void Reading_a_damaged_entry_says_which_file()
    {
        _rig.AppendEach(1, 20);
        _rig.Disk.FlipBit(_rig.Segments[0], (7 * Sector) + 100, 3);
        List<Entry> entries = [];
        var error = Assert.Throws<Orleans.Coord.Replication.StorageException>(
            () => _rig.Log.Read(new LogIndex(1), new LogIndex(20), int.MaxValue, entries));
        Assert.Contains(_rig.Segments[0] + " is damaged at offset 3584", error.Message);
    }

    private void Blank(string path, long offset)
    {
        using IDiskFile file = _rig.Disk.Open(path);
        file.Write(offset, new byte[Sector]);
        file.Sync();
    }

    private void Truncate(string path, long length)
    {
        using IDiskFile file = _rig.Disk.Open(path);
        file.Truncate(length);
        file.Sync();
    }
}
