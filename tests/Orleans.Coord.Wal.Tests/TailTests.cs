using Orleans.Coord.Consensus;
using Orleans.Coord.Simulation;

namespace Orleans.Coord.Wal.Tests;

/// <summary>The verdict on what follows the last whole batch, case by case.</summary>
public sealed class TailTests
{
    private const uint Seed = 5;
    private const long Start = 1024;
    private const long End = 64 * 512;
    private const int Sectors = 8;
    private readonly IDiskFile _file = new SimDisk(1).Create("/file");
    private readonly BatchReader _reader = new();

    public TailTests() => _file.Truncate(End);

    [Fact]
    public void Nothing_written_is_blank() => AssertTail(TailKind.Blank, Start, Start);

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(7)]
    public void A_prefix_of_a_batch_is_torn(int written)
    {
        Write(Start, 9);
        Blank(Start, written, Sectors - written);
        AssertTail(TailKind.Torn, Start + (written * 512), Start + (written * 512));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(6)]
    public void A_batch_with_a_hole_is_torn(int hole)
    {
        Write(Start, 9);
        Blank(Start, hole, 1);
        AssertTail(TailKind.Torn, Start + (hole * 512), Start + (Sectors * 512));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(7)]
    public void A_damaged_sector_in_a_complete_batch_is_in_doubt(int sector)
    {
        Write(Start, 9);
        Damage(Start + (sector * 512));
        AssertTail(TailKind.InDoubt, Start + (sector * 512), Start + (Sectors * 512));
    }

    [Fact]
    public void A_damaged_sector_does_not_matter_in_a_batch_that_is_torn_anyway()
    {
        Write(Start, 9);
        Damage(Start + (2 * 512));
        Blank(Start, 5, 1);
        AssertTail(TailKind.Torn, Start + (2 * 512), Start + (Sectors * 512));
    }

    [Fact]
    public void Without_its_header_a_batchs_extent_is_unknown_and_damage_is_in_doubt()
    {
        Write(Start, 9);
        Damage(Start);
        Blank(Start, 5, 1);
        AssertTail(TailKind.InDoubt, Start, Start + (Sectors * 512));
    }

    [Fact]
    public void Damage_behind_a_torn_batch_is_not_that_batchs()
    {
        Write(Start, 9);
        Blank(Start, 5, 1);
        Damage(Start + (20 * 512));
        AssertTail(TailKind.InDoubt, Start + (5 * 512), Start + (21 * 512));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void Any_whole_sector_of_a_later_batch_proves_that_the_damaged_one_was_synced(int survivor)
    {
        Write(Start, 9);
        Damage(Start + 512);
        Write(Start + (Sectors * 512), 10);
        Blank(Start + (Sectors * 512), 0, survivor);
        Blank(Start + (Sectors * 512), survivor + 1, Sectors - survivor - 1);
        AssertTail(TailKind.Corrupt, Start + 512, Start + ((Sectors + survivor + 1) * 512));
    }

    [Fact]
    public void Even_a_blanked_sector_is_corruption_if_a_later_batch_was_written()
    {
        Write(Start, 9);
        Blank(Start, 3, 1);
        Write(Start + (Sectors * 512), 10);
        AssertTail(TailKind.Corrupt, Start + (3 * 512), Start + (2 * Sectors * 512));
    }

    private void Write(long offset, long sequence)
    {
        BatchEncoder encoder = new();
        encoder.Begin();
        encoder.Add(Make.Entry(1, bytes: (Sectors * Sector.DataBytes) - BatchHeader.Bytes - 16));
        BatchHeader header = new(sequence, encoder.BodyBytes, new LogIndex(1), 1, null, null, offset);
        Assert.Equal(Sectors * 512, header.FramedBytes);
        _file.Write(offset, encoder.Seal(header, Seed, offset));
    }

    private void Blank(long offset, int from, int count) => _file.Write(offset + (from * 512), new byte[count * 512]);

    private void Damage(long offset)
    {
        byte[] one = new byte[1];
        _file.Read(offset + 99, one);
        one[0] ^= 4;
        _file.Write(offset + 99, one);
    }

    private void AssertTail(TailKind kind, long offset, long nonBlankEnd)
    {
        _reader.Open(_file, Seed);
        Assert.False(_reader.TryRead(Start, out _));
        Assert.Equal(new Tail(kind, offset, nonBlankEnd), SegmentScan.Judge(_reader, Start, End, 9));
    }
}
