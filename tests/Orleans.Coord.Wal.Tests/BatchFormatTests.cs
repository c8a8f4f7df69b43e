using Orleans.Coord.Consensus;
using Orleans.Coord.Simulation;

namespace Orleans.Coord.Wal.Tests;

/// <summary>Sectors, headers and batches as bytes.</summary>
public sealed class BatchFormatTests
{
    private const uint Seed = 77;
    private readonly IDiskFile _file = new SimDisk(1).Create("/file");
    private readonly BatchEncoder _encoder = new();
    private readonly BatchReader _reader = new();

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(1, 416)] // fills the first sector to the last byte
    [InlineData(1, 417)]
    [InlineData(1, 920)] // and the second
    [InlineData(3, 100)]
    [InlineData(40, 333)]
    [InlineData(2, 300_000)]
    [InlineData(1, 9 << 20)]
    public void Batches_of_any_size_are_read_back(int count, int bytes)
    {
        Entry[] entries = Make.Entries(10, 9 + count, 3, bytes);
        BatchHeader written = Write(1024, 5, entries);
        _reader.Open(_file, Seed);
        Assert.True(_reader.TryRead(1024, out BatchHeader header));
        Assert.Equal(written, header);
        Make.AssertEqual(entries, Entries(header, 0, long.MaxValue));
        Assert.False(_reader.TryRead(512, out _));
        Assert.False(_reader.TryRead(1024 + header.FramedBytes, out _));
    }

    [Fact]
    public void A_range_of_a_batch_is_read_within_the_budget()
    {
        BatchHeader header = Write(512, 1, Make.Entries(1, 10));
        _reader.Open(_file, Seed);
        Assert.True(_reader.TryRead(512, out _));
        Make.AssertEqual(Make.Entries(4, 6), Entries(header, 4, 6));
        Make.AssertEqual(Make.Entries(4, 5), Entries(header, 4, 9, 150));
        Make.AssertEqual(Make.Entries(4, 4), Entries(header, 4, 9, 1));
    }

    [Fact]
    public void A_small_batch_after_a_large_one_carries_nothing_of_it()
    {
        Write(512, 1, Make.Entries(1, 50));
        Write(512 * 200, 2, Make.Entries(51, 51, bytes: 5));
        byte[] sector = new byte[512];
        _file.Read(512 * 200, sector);
        Assert.Equal(-1, sector.AsSpan((72 + 16 + 5)..504).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void Every_flipped_bit_of_a_batch_is_noticed()
    {
        BatchHeader header = Write(512, 1, Make.Entries(1, 4, bytes: 200));
        byte[] bytes = new byte[header.FramedBytes];
        _file.Read(512, bytes);
        for (int i = 0; i < bytes.Length * 8; i++)
        {
            bytes[i / 8] ^= (byte)(1 << (i % 8));
            _file.Write(512, bytes);
            _reader.Open(_file, Seed);
            Assert.False(_reader.TryRead(512, out _), $"bit {i}");
            bytes[i / 8] ^= (byte)(1 << (i % 8));
        }
    }

    [Theory]
    [InlineData(Seed + 1, 512)]
    [InlineData(Seed, 1024)]
    public void A_batch_of_another_segment_or_place_is_not_taken_for_one_of_this(uint seed, long offset)
    {
        BatchHeader header = Write(512, 1, Make.Entries(1, 1));
        byte[] bytes = new byte[header.FramedBytes];
        _file.Read(512, bytes);
        _file.Write(offset, bytes);
        _reader.Open(_file, seed);
        Assert.False(_reader.TryRead(offset, out _));
    }

    [Fact]
    public void Sectors_are_blank_whole_or_damaged()
    {
        byte[] sector = new byte[Sector.Bytes];
        Assert.Equal(SectorState.Blank, Sector.Check(sector, Seed, 0, out _));
        sector[3] = 1;
        Assert.Equal(SectorState.Damaged, Sector.Check(sector, Seed, 0, out _));
        Sector.Seal(sector, Seed, 0, 42);
        Assert.Equal(SectorState.Whole, Sector.Check(sector, Seed, 0, out uint tag));
        Assert.Equal(42u, tag);
        sector.AsSpan().Clear();
        Sector.Seal(sector, Seed, 0, 0);
        Assert.Equal(SectorState.Whole, Sector.Check(sector, Seed, 0, out _));
    }

    [Fact]
    public void The_checksum_is_CRC_32C()
    {
        Assert.Equal(0xE3069283, Crc32C.Compute(0, "123456789"u8));
        Assert.Equal(0x8A9136AA, Crc32C.Compute(0, new byte[32]));
        Assert.Equal(
            Crc32C.Compute(0, "123456789"u8), Crc32C.Compute(Crc32C.Compute(0, "1234"u8), "56789"u8));
    }

    [Fact]
    public void Segment_headers_are_read_back_and_tied_to_replica_and_number()
    {
        SegmentHeader header = new(99, 7, 65536, 1234, new LogIndex(555), Make.HardState(8, 3, 500));
        byte[] sector = new byte[Sector.Bytes];
        header.Encode(sector);
        Assert.True(SegmentHeader.TryDecode(sector, 99, 7, out SegmentHeader read));
        Assert.Equal(header, read);
        Assert.False(SegmentHeader.TryDecode(sector, 98, 7, out _));
        Assert.False(SegmentHeader.TryDecode(sector, 99, 8, out _));
        Assert.False(SegmentHeader.TryDecode(sector.AsSpan(0, 100), 99, 7, out _));
    }

    [Fact]
    public void File_names_are_told_from_others()
    {
        Assert.True(FileNames.IsSegment(FileNames.Segment(17), out long number));
        Assert.Equal(17, number);
        SnapshotMetadata metadata = Make.Metadata(123, 4);
        Assert.True(FileNames.IsSnapshot(FileNames.Snapshot(metadata), out LogIndex index, out Term term));
        Assert.Equal((123, 4), (index.Value, term.Value));
        foreach (string name in new[] { "log-.wal", "log-1.tmp", "log-x.wal", "LOCK", "snapshot-1.snap", "silo.pid" })
        {
            Assert.False(FileNames.IsSegment(name, out _) || FileNames.IsSnapshot(name, out _, out _), name);
        }
    }

    private BatchHeader Write(long offset, long sequence, Entry[] entries)
    {
        _encoder.Begin();
        foreach (Entry entry in entries)
        {
            _encoder.Add(entry);
        }

        LogIndex first = entries.Length > 0 ? entries[0].Index : new LogIndex(1);
        BatchHeader header = new(
            sequence, _encoder.BodyBytes, first, entries.Length, Make.HardState(2, 3, 4), new Term(6), offset);
        Assert.Equal(header.FramedBytes, _encoder.FramedBytes);
        _file.Write(offset, _encoder.Seal(header, Seed, offset));
        return header;
    }

    private List<Entry> Entries(BatchHeader header, long from, long to, long budget = long.MaxValue)
    {
        List<Entry> entries = [];
        _reader.CopyEntries(header, new LogIndex(from), new LogIndex(to), ref budget, entries);
        return entries;
    }
}
