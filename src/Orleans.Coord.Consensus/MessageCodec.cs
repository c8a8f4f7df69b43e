using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Orleans.Coord.Consensus;

/// <summary>
/// A message as bytes, the same for every transport: version, kind, sender, receiver, term, then the kind's own fields,
/// all little-endian. Reading trusts nothing: whatever bytes come, it says no or gives a message.
/// </summary>
public static class MessageCodec
{
    private const byte Version = 1;

    private enum Kind : byte
    {
        RequestVote = 1,
        RequestVoteResponse = 2,
        PreVote = 3,
        PreVoteResponse = 4,
        Append = 5,
        AppendResponse = 6,
        Heartbeat = 7,
        HeartbeatResponse = 8,
        InstallSnapshot = 9,
        InstallSnapshotResponse = 10,
        TimeoutNow = 11,
        ReadIndexRequest = 12,
        ReadIndexResponse = 13,
    }

    /// <summary>Appends the message's bytes to <paramref name="output"/>.</summary>
    public static void Write(Message message, IBufferWriter<byte> output)
    {
        var to = new Writer(output);
        to.Byte(Version);
        to.Byte((byte)KindOf(message));
        to.Byte(message.From.Value);
        to.Byte(message.To.Value);
        to.Long(message.Term.Value);
        WriteBody(message, ref to);
    }

    /// <summary>
    /// Reads one message that fills <paramref name="bytes"/>; false if they are not one. Payloads are slices of
    /// <paramref name="bytes"/>, not copies: the buffer must stay as it is.
    /// </summary>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out Message? message)
    {
        var from = new Reader(bytes);
        byte version = from.Byte();
        var kind = (Kind)from.Byte();
        var sender = new ReplicaId(from.Byte());
        var receiver = new ReplicaId(from.Byte());
        var term = new Term(from.Count());
        message = null;
        if (version != Version || sender == ReplicaId.None || receiver == ReplicaId.None || from.Failed)
        {
            return false;
        }

        Message? read = ReadBody(kind, sender, receiver, term, ref from);
        message = from.Failed || !from.IsAtEnd ? null : read;
        return message is not null;
    }

    private static Kind KindOf(Message message) => message switch
    {
        RequestVote => Kind.RequestVote,
        RequestVoteResponse => Kind.RequestVoteResponse,
        PreVote => Kind.PreVote,
        PreVoteResponse => Kind.PreVoteResponse,
        Append => Kind.Append,
        AppendResponse => Kind.AppendResponse,
        Heartbeat => Kind.Heartbeat,
        HeartbeatResponse => Kind.HeartbeatResponse,
        InstallSnapshot => Kind.InstallSnapshot,
        InstallSnapshotResponse => Kind.InstallSnapshotResponse,
        TimeoutNow => Kind.TimeoutNow,
        ReadIndexRequest => Kind.ReadIndexRequest,
        ReadIndexResponse => Kind.ReadIndexResponse,
        _ => throw new InvariantException($"no kind for {message.GetType().Name}"),
    };

    private static void WriteBody(Message message, ref Writer to)
    {
        switch (message)
        {
            case RequestVote m:
                to.Long(m.LastLogIndex.Value);
                to.Long(m.LastLogTerm.Value);
                to.Flag(m.IsTransfer);
                break;
            case PreVote m:
                to.Long(m.LastLogIndex.Value);
                to.Long(m.LastLogTerm.Value);
                break;
            case RequestVoteResponse m:
                to.Flag(m.Granted);
                break;
            case PreVoteResponse m:
                to.Flag(m.Granted);
                break;
            case Append m:
                WriteAppend(m, ref to);
                break;
            case AppendResponse m:
                to.Flag(m.Success);
                to.Long(m.Index.Value);
                to.Long(m.HintIndex.Value);
                to.Long(m.HintTerm.Value);
                break;
            case Heartbeat m:
                to.Long(m.LeaderCommit.Value);
                to.Long(m.ReadRound);
                break;
            case HeartbeatResponse m:
                to.Long(m.ReadRound);
                break;
            case InstallSnapshot m:
                WriteInstall(m, ref to);
                break;
            case InstallSnapshotResponse m:
                to.Long(m.Index.Value);
                to.Long(m.NextOffset);
                break;
            case ReadIndexRequest m:
                to.Long((long)m.Incarnation);
                to.Long((long)m.Context);
                break;
            case ReadIndexResponse m:
                to.Long((long)m.Incarnation);
                to.Long((long)m.Context);
                to.Long(m.Index?.Value ?? -1);
                break;
            default:
                Invariant.Check(message is TimeoutNow);
                break;
        }
    }

    private static Message? ReadBody(Kind kind, ReplicaId sender, ReplicaId receiver, Term term, ref Reader from) =>
        kind switch
        {
            Kind.RequestVote => new RequestVote(sender, receiver, term, from.Index(), from.Term(), from.Flag()),
            Kind.PreVote => new PreVote(sender, receiver, term, from.Index(), from.Term()),
            Kind.RequestVoteResponse => new RequestVoteResponse(sender, receiver, term, from.Flag()),
            Kind.PreVoteResponse => new PreVoteResponse(sender, receiver, term, from.Flag()),
            Kind.Append => ReadAppend(sender, receiver, term, ref from),
            Kind.AppendResponse => new AppendResponse(
                sender, receiver, term, from.Flag(), from.Index(), from.Index(), from.Term()),
            Kind.Heartbeat => new Heartbeat(sender, receiver, term, from.Index(), from.Count()),
            Kind.HeartbeatResponse => new HeartbeatResponse(sender, receiver, term, from.Count()),
            Kind.InstallSnapshot => ReadInstall(sender, receiver, term, ref from),
            Kind.InstallSnapshotResponse => new InstallSnapshotResponse(
                sender, receiver, term, from.Index(), from.Count()),
            Kind.TimeoutNow => new TimeoutNow(sender, receiver, term),
            Kind.ReadIndexRequest => new ReadIndexRequest(
                sender, receiver, term, (ulong)from.Long(), (ulong)from.Long()),
            Kind.ReadIndexResponse => new ReadIndexResponse(
                sender, receiver, term, (ulong)from.Long(), (ulong)from.Long(), from.OptionalIndex()),
            _ => null,
        };

    private static void WriteAppend(Append message, ref Writer to)
    {
        to.Long(message.PrevLogIndex.Value);
        to.Long(message.PrevLogTerm.Value);
        to.Long(message.LeaderCommit.Value);
        to.Int(message.Entries.Length);
        foreach (Entry entry in message.Entries.Span)
        {
            to.Long(entry.Term.Value);
            to.Byte((byte)entry.Kind);
            to.Block(entry.Payload.Span);
        }
    }

    private static Append? ReadAppend(ReplicaId sender, ReplicaId receiver, Term term, ref Reader from)
    {
        LogIndex previous = from.Index();
        Term previousTerm = from.Term();
        LogIndex commit = from.Index();
        int count = from.Length(Reader.EntryHeadBytes);
        var entries = new Entry[count];
        Term last = previousTerm;
        for (int i = 0; i < count && !from.Failed; i++)
        {
            Term entryTerm = from.Term();
            byte kind = from.Byte();
            entries[i] = new Entry(previous + i + 1, entryTerm, (EntryKind)kind, from.Block());
            from.Require(entryTerm >= last && entryTerm <= term && kind <= (byte)EntryKind.Configuration);
            from.Require(!from.Failed && IsSound(entries[i]));
            last = entryTerm;
        }

        from.Require(previousTerm <= term && previous.Value <= long.MaxValue - count);
        return from.Failed ? null : new Append(sender, receiver, term, previous, previousTerm, commit, entries);
    }

    private static bool IsSound(in Entry entry) =>
        entry.Kind != EntryKind.Configuration || QuorumConfig.TryDecode(entry.Payload.Span, out _);

    private static void WriteInstall(InstallSnapshot message, ref Writer to)
    {
        to.Long(message.Snapshot.Index.Value);
        to.Long(message.Snapshot.Term.Value);
        to.Block(message.Snapshot.Configuration.Span);
        to.Long(message.Offset);
        to.Flag(message.Done);
        to.Block(message.Data.Span);
    }

    private static InstallSnapshot? ReadInstall(ReplicaId sender, ReplicaId receiver, Term term, ref Reader from)
    {
        var snapshot = new SnapshotMetadata(from.Index(), from.Term(), from.Block());
        long offset = from.Count();
        bool done = from.Flag();
        ReadOnlyMemory<byte> data = from.Block();
        from.Require(QuorumConfig.TryDecode(snapshot.Configuration.Span, out _));
        from.Require(snapshot.Term <= term && offset <= long.MaxValue - data.Length);
        return from.Failed ? null : new InstallSnapshot(sender, receiver, term, snapshot, offset, data, done);
    }

    private readonly ref struct Writer(IBufferWriter<byte> output)
    {
        public void Byte(byte value)
        {
            output.GetSpan(1)[0] = value;
            output.Advance(1);
        }

        public void Flag(bool value) => Byte(value ? (byte)1 : (byte)0);

        public void Int(int value)
        {
            BinaryPrimitives.WriteInt32LittleEndian(output.GetSpan(sizeof(int)), value);
            output.Advance(sizeof(int));
        }

        public void Long(long value)
        {
            BinaryPrimitives.WriteInt64LittleEndian(output.GetSpan(sizeof(long)), value);
            output.Advance(sizeof(long));
        }

        public void Block(ReadOnlySpan<byte> bytes)
        {
            Int(bytes.Length);
            output.Write(bytes);
        }
    }

    /// <summary>
    /// Reads fields; after the first one that is not there, or not allowed, everything reads as nothing.
    /// </summary>
    private ref struct Reader(ReadOnlyMemory<byte> bytes)
    {
        public const int EntryHeadBytes = sizeof(long) + 1 + sizeof(int);

        private ReadOnlyMemory<byte> _rest = bytes;

        public bool Failed { get; private set; }

        public readonly bool IsAtEnd => _rest.IsEmpty;

        public void Require(bool condition) => Failed |= !condition;

        public byte Byte() => Take(1) is { IsEmpty: false } taken ? taken.Span[0] : (byte)0;

        public bool Flag()
        {
            byte value = Byte();
            Require(value <= 1);
            return value == 1;
        }

        public long Long() =>
            Take(sizeof(long)) is { IsEmpty: false } taken ? BinaryPrimitives.ReadInt64LittleEndian(taken.Span) : 0;

        /// <summary>A number that cannot be negative, nor so large that adding to it could overflow.</summary>
        public long Count()
        {
            long value = Long();
            Require(value is >= 0 and < long.MaxValue / 2);
            return value;
        }

        public LogIndex Index() => new(Count());

        public Term Term() => new(Count());

        public LogIndex? OptionalIndex()
        {
            long value = Long();
            Require(value is >= -1 and < long.MaxValue / 2);
            return value < 0 ? null : new LogIndex(value);
        }

        /// <summary>
        /// A number of things that take at least <paramref name="bytesEach"/>: never more than could be there.
        /// </summary>
        public int Length(int bytesEach)
        {
            ReadOnlyMemory<byte> taken = Take(sizeof(int));
            int value = taken.IsEmpty ? 0 : BinaryPrimitives.ReadInt32LittleEndian(taken.Span);
            Require(value >= 0 && value <= _rest.Length / bytesEach);
            return Failed ? 0 : value;
        }

        public ReadOnlyMemory<byte> Block() => Take(Length(1));

        private ReadOnlyMemory<byte> Take(int count)
        {
            Require(count <= _rest.Length);
            if (Failed)
            {
                return default;
            }

            ReadOnlyMemory<byte> taken = _rest[..count];
            _rest = _rest[count..];
            return taken;
        }
    }
}
