using System.Net.Sockets;

namespace Orleans.Coord.Tcp;

/// <summary>Whether a member may be linked.</summary>
internal enum Admission : byte
{
    /// <summary>It is no member here.</summary>
    Refused,

    /// <summary>It is not known here yet, but may be a member by now: linked where it says that it listens.</summary>
    Guest,

    /// <summary>It is one of the peers.</summary>
    Peer,
}

/// <summary>The two sides do not belong together. The message says why, for the log.</summary>
internal sealed class PeerRefusedException(string message) : Exception(message);

/// <summary>Makes sure, on both sides, that a connection joins two members of one ensemble.</summary>
internal sealed class Handshake(
    PeerTransportOptions options, IIncarnationRegistry registry, Func<ReplicaId, Admission> admissionOf)
{
    private readonly PeerTls? _tls = options.Tls is null ? null : new PeerTls(options.Tls);
    private readonly Lock _registryLock = new();

    /// <summary>Greets a member that was dialled, and checks its answer.</summary>
    /// <returns>The stream on which the link goes on.</returns>
    public async Task<Stream> DialAsync(Socket socket, ReplicaId peer, CancellationToken cancellationToken)
    {
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        if (_tls is not null)
        {
            stream = await _tls.DialAsync(stream, options.Cluster, cancellationToken);
        }

        await stream.WriteAsync(Greeting(Verdict.Welcome, peer).Encode(), cancellationToken);
        Hello answer = await Hello.ReadAsync(stream, cancellationToken);
        Verdict own = JudgeAnswer(answer, peer);
        if (own != Verdict.Welcome)
        {
            throw new PeerRefusedException(own == Verdict.OtherMember
                ? $"an address is wrong: member {answer.From} is there"
                : Describe(own, answer));
        }

        if (answer.Verdict != Verdict.Welcome)
        {
            throw new PeerRefusedException(DescribeRefusal(answer.Verdict));
        }

        return stream;
    }

    /// <summary>Reads and answers the greeting of whoever connected.</summary>
    /// <returns>The stream on which the link goes on, and what the member at its other end said.</returns>
    public async Task<(Stream Stream, Hello Hello)> AcceptAsync(Socket socket, CancellationToken cancellationToken)
    {
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        if (_tls is not null)
        {
            stream = await _tls.AcceptAsync(stream, cancellationToken);
        }

        Hello hello = await Hello.ReadAsync(stream, cancellationToken);
        Verdict verdict = JudgeGreeting(hello);
        await stream.WriteAsync(Greeting(verdict, hello.From).Encode(), cancellationToken);
        return verdict == Verdict.Welcome
            ? (stream, hello)
            : throw new PeerRefusedException(Describe(verdict, hello));
    }

    /// <summary>Where this member listens, once it does.</summary>
    public ushort Port { get; set; }

    private Hello Greeting(Verdict verdict, ReplicaId to) =>
        new(Hello.CurrentVersion, verdict, options.Self, to, options.Incarnation, options.Cluster, Port);

    private Verdict JudgeGreeting(Hello hello)
    {
        Verdict verdict = JudgeEnsemble(hello);
        return verdict != Verdict.Welcome ? verdict
            : hello.To != options.Self ? Verdict.OtherMember
            : admissionOf(hello.From) switch
            {
                Admission.Peer => JudgeIncarnation(hello),
                Admission.Guest when hello.Port != 0 => Verdict.Welcome,
                _ => Verdict.UnknownMember,
            };
    }

    private Verdict JudgeAnswer(Hello answer, ReplicaId expected)
    {
        Verdict verdict = JudgeEnsemble(answer);
        return verdict != Verdict.Welcome ? verdict
            : answer.From != expected || answer.To != options.Self ? Verdict.OtherMember
            : answer.Verdict != Verdict.Welcome || admissionOf(expected) != Admission.Peer ? Verdict.Welcome
            : JudgeIncarnation(answer);
    }

    private Verdict JudgeEnsemble(Hello hello) =>
        hello.Version != Hello.CurrentVersion ? Verdict.OtherVersion
        : hello.Cluster != options.Cluster ? Verdict.OtherCluster
        : Verdict.Welcome;

    // Last of all: the registry remembers only who passed everything else, and no guests: they have no vote here.
    private Verdict JudgeIncarnation(Hello hello)
    {
        lock (_registryLock)
        {
            return registry.Admit(hello.From, hello.Incarnation) ? Verdict.Welcome : Verdict.OtherIncarnation;
        }
    }

    private static string DescribeRefusal(Verdict verdict) => verdict switch
    {
        Verdict.UnknownMember => "this member is not in its configuration: it was removed, or is not yet added",
        Verdict.OtherIncarnation =>
            "it knows this member with another data directory; one that lost its data needs a new id",
        _ => $"it refuses this member ({verdict}); its log says more",
    };

    private string Describe(Verdict verdict, Hello hello) => verdict switch
    {
        Verdict.OtherVersion =>
            $"it speaks version {hello.Version} of the peer protocol, this member speaks {Hello.CurrentVersion}",
        Verdict.OtherCluster => $"it belongs to the ensemble '{hello.Cluster}', this member to '{options.Cluster}'",
        Verdict.OtherMember =>
            $"an address is wrong: member {hello.From} looks for {hello.To}, this is {options.Self}",
        Verdict.UnknownMember => $"member {hello.From} is not in this member's configuration",
        _ => $"member {hello.From} was known with another data directory; one that lost its data needs a new id",
    };
}
