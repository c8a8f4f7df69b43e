using System.Buffers.Binary;
using System.Globalization;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Tree.Tests;

/// <summary>
/// Replays what a real ZooKeeper 3.8.0 was asked and answered (<c>Recordings/record.py</c>): random requests over few
/// paths, malformed ones among them. Codes, bodies and events must be the same to the byte, but for three things:
/// times, the order of names in listings, and zxids, of which ours leave gaps.
/// </summary>
public sealed class RecordingTests
{
    /// <summary>Room between two of ZooKeeper's zxids, for requests that it refuses without using one.</summary>
    private const long Spread = 1_000;

    public static TheoryData<string> Recordings =>
        [.. Directory.GetFiles(Folder, "*.tsv").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Recordings");

    [Theory]
    [MemberData(nameof(Recordings))]
    public void Answers_are_those_of_a_real_ZooKeeper(string recording)
    {
        string[] lines = File.ReadAllLines(Path.Combine(Folder, recording));
        string[] head = lines[0].Split('\t');
        long session = long.Parse(head[2], CultureInfo.InvariantCulture);
        var replay = new Replay(session, digest: head[0] == "acl" ? head[3] : null);
        for (int i = 1; i < lines.Length; i++)
        {
            var step = Step.Parse(lines[i]);
            (CoordErrorCode code, string body, string events) = replay.Run(step);
            Assert.Equal($"{i}: {step.Op} {step.Code}", $"{i}: {step.Op} {code}");
            Assert.Equal($"{i}: {step.Op} {step.Reply}", $"{i}: {step.Op} {body}");
            Assert.Equal($"{i}: {step.Op} {step.Events}", $"{i}: {step.Op} {events}");
        }
    }

    private sealed record Step(OpCode Op, byte[] Body, long Zxid, CoordErrorCode Code, string Reply, string Events)
    {
        public static Step Parse(string line)
        {
            string[] fields = line.Split('\t');
            return new Step(
                (OpCode)int.Parse(fields[0], CultureInfo.InvariantCulture),
                Convert.FromHexString(fields[1]),
                long.Parse(fields[2], CultureInfo.InvariantCulture),
                (CoordErrorCode)int.Parse(fields[3], CultureInfo.InvariantCulture),
                fields[4],
                fields[5]);
        }
    }

    private sealed class Replay
    {
        private readonly CoordStateMachine _machine = new();
        private readonly ApplyResult _result = new();
        private readonly JuteWriter _reply = new();
        private readonly JuteWriter _payload = new();
        private readonly CallerIdentities _who = new("127.0.0.1");
        private readonly long _session;
        private long _position;

        public Replay(long session, string? digest)
        {
            _session = session;
            if (digest is not null)
            {
                _who.Add("digest", digest);
            }

            CommandCodec.WriteCreateSession(_payload, 1, session, 0, SessionTable.HashPassword([1]), 30_000);
            _machine.Apply(1, _payload.Written, _result);
            Assert.Equal(CoordErrorCode.Ok, _result.Code);
        }

        public (CoordErrorCode Code, string Body, string Events) Run(Step step)
        {
            _result.Reset();
            _reply.Clear();
            CoordErrorCode code = step.Op switch
            {
                OpCode.Exists or OpCode.GetData or OpCode.GetAcl or OpCode.GetChildren or OpCode.GetChildren2
                    or OpCode.MultiRead or OpCode.GetEphemerals or OpCode.GetAllChildrenNumber =>
                    _machine.Read(step.Op, step.Body, _session, _who, _reply),
                OpCode.SetWatches or OpCode.CheckWatches or OpCode.RemoveWatches =>
                    _machine.WatchOperation(step.Op, Spreaded(step), _session, _who, _reply, _result.Events),
                _ => Write(step),
            };
            byte[] body = _reply.Written.ToArray();
            Normalizer.Apply(step.Op, body);
            IEnumerable<string> events = _result.Events.Select(e => $"{(int)e.Type} {Harness.Text(e.Path)}");
            return (code, Convert.ToHexStringLower(body), string.Join('|', events));
        }

        /// <summary>The zxid in a request to set watches again is one of ZooKeeper's.</summary>
        private static byte[] Spreaded(Step step)
        {
            byte[] body = [.. step.Body];
            if (step.Op == OpCode.SetWatches && body.Length >= sizeof(long))
            {
                long zxid = BinaryPrimitives.ReadInt64BigEndian(body);
                BinaryPrimitives.WriteInt64BigEndian(body, (zxid * Spread) + Spread - 1);
            }

            return body;
        }

        private CoordErrorCode Write(Step step)
        {
            _payload.Clear();
            CommandCodec.WriteRequest(
                _payload, CommandOptions.None, 5, _session, 1, ++_position, step.Op, _who.Encoded, step.Body);
            _machine.Apply(Math.Max(_machine.LastApplied + 1, step.Zxid * Spread), _payload.Written, _result);
            _reply.WriteRaw(_result.Body.Written);
            return _result.Code;
        }
    }

    /// <summary>Makes of our reply what the recorder made of ZooKeeper's: no times, names sorted.</summary>
    private static class Normalizer
    {
        private const int StatBytes = 68;
        private const int HeaderBytes = 9;

        public static void Apply(OpCode op, Span<byte> body)
        {
            if (body.IsEmpty)
            {
                return;
            }

            if (op is not (OpCode.Multi or OpCode.MultiRead))
            {
                One(op, body);
                return;
            }

            while (body[4] == 0)
            {
                var type = (OpCode)BinaryPrimitives.ReadInt32BigEndian(body);
                body = body[HeaderBytes..];
                body = body[One(type, body)..];
            }
        }

        private static int One(OpCode op, Span<byte> body)
        {
            switch (op)
            {
                case OpCode.Exists or OpCode.SetData or OpCode.SetAcl:
                    return StatAt(body, 0);
                case OpCode.GetData or OpCode.Create2 or OpCode.CreateContainer or OpCode.CreateTtl:
                    return StatAt(body, BufferEnd(body));
                case OpCode.GetAcl:
                    return StatAt(body, body.Length - StatBytes);
                case OpCode.Create:
                    return BufferEnd(body);
                case OpCode.GetChildren or OpCode.GetEphemerals:
                    return SortNames(body);
                case OpCode.GetChildren2:
                    return StatAt(body, SortNames(body));
                case OpCode.Error:
                    return sizeof(int);
                default:
                    return 0;
            }
        }

        private static int StatAt(Span<byte> body, int at)
        {
            Span<byte> stat = body.Slice(at, StatBytes);
            stat.Slice(16, 16).Clear();
            foreach (int zxidAt in (ReadOnlySpan<int>)[0, 8, 60])
            {
                long zxid = BinaryPrimitives.ReadInt64BigEndian(stat[zxidAt..]);
                BinaryPrimitives.WriteInt64BigEndian(stat[zxidAt..], zxid / Spread);
            }

            return at + StatBytes;
        }

        private static int BufferEnd(ReadOnlySpan<byte> body) =>
            sizeof(int) + Math.Max(0, BinaryPrimitives.ReadInt32BigEndian(body));

        private static int SortNames(Span<byte> body)
        {
            var reader = new JuteReader(body);
            byte[][] names = new byte[reader.ReadInt()][];
            for (int i = 0; i < names.Length; i++)
            {
                names[i] = reader.ReadString().ToArray();
            }

            Array.Sort(names, (a, b) => a.AsSpan().SequenceCompareTo(b));
            var writer = new JuteWriter();
            writer.WriteInt(names.Length);
            foreach (byte[] name in names)
            {
                writer.WriteBuffer(name);
            }

            writer.Written.CopyTo(body);
            return writer.Length;
        }
    }
}
