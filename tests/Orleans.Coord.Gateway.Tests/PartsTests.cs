using System.Net;
using Microsoft.Extensions.Logging;
using Orleans.Coord.Jute;
using Orleans.Coord.Replication;

namespace Orleans.Coord.Gateway.Tests;

/// <summary>The small parts, one by one.</summary>
public sealed class PartsTests
{
    private static readonly IPEndPoint _client = new(IPAddress.Loopback, 1234);

    [Fact]
    public void A_pool_keeps_so_many_and_no_more()
    {
        var pool = new BoundedPool<string>(2);
        Assert.False(pool.TryTake(out _));
        Assert.True(pool.TryPut("a"));
        Assert.True(pool.TryPut("b"));
        Assert.False(pool.TryPut("c"));
        Assert.True(pool.TryTake(out string? item));
        Assert.Equal("b", item);
    }

    [Fact]
    public void A_huge_writer_is_not_kept()
    {
        var pools = new BufferPools();
        JuteWriter huge = pools.RentWriter();
        huge.WriteRaw(new byte[1_000_000]);
        pools.Return(huge);
        JuteWriter small = pools.RentWriter();
        Assert.NotSame(huge, small);
        small.WriteInt(1);
        pools.Return(small);
        Assert.Same(small, pools.RentWriter());
        Assert.Equal(0, small.Length);
    }

    [Fact]
    public void The_table_counts_by_address()
    {
        var table = new ConnectionTable(maxConnections: 3, maxPerAddress: 2);
        IPAddress one = IPAddress.Parse("10.0.0.1");
        IPAddress other = IPAddress.Parse("10.0.0.2");
        Assert.Null(table.TryAdmit(one));
        Assert.Null(table.TryAdmit(one));
        Assert.Contains("from one address", table.TryAdmit(one));
        Assert.Null(table.TryAdmit(other));
        Assert.Contains("limit of 3", table.TryAdmit(other));
        table.Leave(one);
        Assert.Null(table.TryAdmit(one));
        Assert.Equal(3, table.Count);
    }

    [Fact]
    public void The_log_writes_so_many_lines_a_second_and_counts_the_rest()
    {
        var lines = new TestLog();
        var log = new ConnectionLog(lines, maxLinesPerSecond: 2);
        log.Malformed(_client, "one");
        log.Closed(_client, "two");
        log.Refused(_client, "three");
        log.Fault(_client, new InvalidOperationException("four"));
        Assert.Equal([111, 112], lines.Lines.Select(line => line.Id));
        log.NextSecond();
        Assert.True(lines.Has(115, "2 more lines"));
        log.NextSecond();
        Assert.Equal(1, lines.Count(115));
        log.Refused(_client, "five");
        Assert.True(lines.Has(110, "five"));
    }

    [Fact]
    public void Lines_that_nobody_wants_take_no_room_and_are_not_told_of()
    {
        var lines = new TestLog { Least = LogLevel.Information };
        var log = new ConnectionLog(lines, maxLinesPerSecond: 1);
        log.Closed(_client, "one");
        log.Closed(_client, "two");
        log.Refused(_client, "three");
        log.NextSecond();
        Assert.Equal([110], lines.Lines.Select(line => line.Id));
    }

    [Fact]
    public void Latencies_are_summed_up()
    {
        var meter = new LatencyMeter();
        Assert.Equal((0, 0.0, 0), (meter.MinMs, meter.AverageMs, meter.MaxMs));
        long ms = System.Diagnostics.Stopwatch.Frequency / 1000;
        meter.Add(4 * ms, 1);
        meter.Add(1 * ms, 3);
        Assert.Equal((1, 1.75, 4, 1), (meter.MinMs, meter.AverageMs, meter.MaxMs, meter.LastMs));
        meter.Reset();
        Assert.Equal((0, 0.0, 0), (meter.MinMs, meter.AverageMs, meter.MaxMs));
    }

    [Fact]
    public void A_connection_s_figures_come_off_the_wire()
    {
        var figures = new ConnectionStatistics();
        var welcome = new JuteWriter();
        welcome.WriteInt(36);
        welcome.WriteInt(0);
        welcome.WriteInt(6000);
        welcome.WriteLong(0x77);
        welcome.WriteBuffer(new byte[16]);
        int reply = welcome.Length;
        welcome.WriteInt(16);
        welcome.WriteInt(1);
        welcome.WriteLong(0x99);
        welcome.WriteInt(0);

        figures.NoteSent(2, welcome.Written, reply);
        Assert.Equal((6000, 0x77L, 2L), (figures.TimeoutMs, figures.SessionId, figures.Sent));
        Assert.Equal(-1, figures.LastZxid);
        figures.NoteSent(1, welcome.Written[reply..], 0);
        Assert.Equal(0x99, figures.LastZxid);
    }

    [Fact]
    public void An_event_does_not_count_as_the_last_reply()
    {
        var figures = new ConnectionStatistics();
        figures.NoteSent(1, new byte[40], 0);
        var notification = new JuteWriter();
        notification.WriteInt(16);
        notification.WriteInt(-1);
        notification.WriteLong(0x99);
        notification.WriteInt(0);
        figures.NoteSent(1, notification.Written, 0);
        Assert.Equal(-1, figures.LastZxid);
    }

    [Fact]
    public void A_ping_does_not_hide_the_last_request_s_number()
    {
        var figures = new ConnectionStatistics();
        figures.NoteReceived(2, Wire.Request(9, OpCode.Exists).AsSpan(4));
        figures.NoteReceived(1, Wire.Request(-2, OpCode.Ping).AsSpan(4));
        Assert.Equal((3L, 9, OpCode.Ping), (figures.Received, figures.LastXid, figures.LastOperation));
    }

    [Fact]
    public void Values_look_like_java_s()
    {
        Assert.Equal("5.5", JavaText.Number(5.5));
        Assert.Equal("0.0", JavaText.Number(0));
        Assert.Equal("1.4286", JavaText.Number(10 / 7.0));
        Assert.Equal("0xffffffffffffffff", JavaText.Hex(-1));
        Assert.Equal("/127.0.0.1:1234", JavaText.Address(_client));
        Assert.Equal(
            "Wed Jan 07 04:05:06 UTC 2026",
            JavaText.Date(new DateTimeOffset(2026, 1, 7, 5, 5, 6, TimeSpan.FromHours(1))));
    }

    [Fact]
    public void Every_operation_has_a_name()
    {
        foreach (OpCode operation in Enum.GetValues<OpCode>())
        {
            bool named = operation is not (OpCode.Error or OpCode.Notification or OpCode.Auth or OpCode.Sasl);
            Assert.Equal(named, OperationName.Of(operation) != "NA");
        }
    }

    [Fact]
    public void The_version_is_one_that_monitoring_can_parse()
    {
        Assert.Matches(
            @"^3\.9\.3-orleans\.coord\.\d+\.\d+\.\d+, built on \d{4}-\d\d-\d\d \d\d:\d\d UTC$", ServerVersion.Text);
    }

    [Fact]
    public void Turn_outputs_end_and_flush_each_output()
    {
        var outputs = new TurnOutputs();
        Assert.Null(outputs.EndTurn());
        var first = new CountingOutput();
        outputs.Add(first);
        List<ITurnOutput>? written = outputs.EndTurn();
        Assert.Equal((1, 0), (first.Ended, first.Flushed));

        // The next turn ends before this one is flushed.
        var second = new CountingOutput();
        outputs.Add(second);
        List<ITurnOutput>? writtenNext = outputs.EndTurn();
        outputs.Flush(writtenNext);
        outputs.Flush(written);
        outputs.Flush(null);
        Assert.Equal((1, 1), (first.Ended, first.Flushed));
        Assert.Equal((1, 1), (second.Ended, second.Flushed));
        Assert.Null(outputs.EndTurn());
    }

    private sealed class CountingOutput : ITurnOutput
    {
        public int Ended { get; private set; }

        public int Flushed { get; private set; }

        public void EndTurn() => Ended++;

        public void Flush() => Flushed++;
    }
}
