using Orleans.Coord.Tree;

namespace Orleans.Coord.SiloHost;

/// <summary>The settings of section <c>Coord</c>: appsettings.json, environment (<c>Coord__Name</c>), flags.</summary>
public sealed class CoordSettings
{
    /// <summary>Port for ZooKeeper clients; 0 takes a free one.</summary>
    public int ClientPort { get; set; } = 2181;

    /// <summary>Where to listen: <c>localhost</c>, <c>*</c> for every address, or one IP address.</summary>
    public string ClientAddress { get; set; } = "localhost";

    /// <summary>Folder of the log, the snapshots and the pid file.</summary>
    public string DataDirectory { get; set; } = "data";

    /// <summary>This silo's id in its ensemble, 1 to 255.</summary>
    public int ReplicaId { get; set; } = 1;

    /// <summary>
    /// The ensemble's voters and where they listen for each other, <c>1=host:2888,2=host:2888,3=host:2888</c>, each
    /// with the address for clients if <c>/zookeeper/config</c> is to have it, <c>1=host:2888;host:2181</c>; empty for
    /// one silo alone.
    /// </summary>
    public string Members { get; set; } = "";

    /// <summary>
    /// <c>orleans</c> or <c>standalone</c>; empty for Orleans where it is built in and no members are listed.
    /// </summary>
    public string Host { get; set; } = "";

    /// <summary>
    /// Orleans host: the ids of the group's first voters, <c>1,2,3</c>; a silo with another id joins as an observer.
    /// Empty for one silo alone.
    /// </summary>
    public string Voters { get; set; } = "";

    /// <summary>Orleans host: the cluster's name; silos and clients of another name do not meet.</summary>
    public string ClusterId { get; set; } = "coord";

    /// <summary>
    /// Orleans host: the folder where the silos of this machine find each other; empty for <c>cluster</c> in the data
    /// folder.
    /// </summary>
    public string ClusterDirectory { get; set; } = "";

    /// <summary>
    /// Orleans host: connection string of a PostgreSQL database in which silos of several machines find each other;
    /// empty for silos of one machine, which find each other in a folder.
    /// </summary>
    public string Database { get; set; } = "";

    /// <summary>
    /// Orleans host: <c>Disk</c> for replicas in the silos' data directories, <c>GrainStorage</c> for replicas in the
    /// database of <see cref="Database"/>, which outlive their silos.
    /// </summary>
    public string Storage { get; set; } = "Disk";

    /// <summary>Orleans host: the IP address under which other silos and Orleans clients reach this one.</summary>
    public string SiloAddress { get; set; } = "127.0.0.1";

    /// <summary>Orleans host: the port for other silos; 0 takes a free one.</summary>
    public int SiloPort { get; set; }

    /// <summary>Orleans host: the port for Orleans clients; 0 takes a free one.</summary>
    public int GrainClientPort { get; set; }

    /// <summary>
    /// Orleans host: an observer whose silo is gone for this many milliseconds is removed, and its id for good; 0 keeps
    /// it.
    /// </summary>
    public int RemoveObserversAfterMs { get; set; }

    /// <summary>
    /// Whether this silo, while its data directory is empty, waits to be added to a running ensemble instead of
    /// beginning one.
    /// </summary>
    public bool Join { get; set; }

    /// <summary>The ensemble's name: silos of others are refused.</summary>
    public string EnsembleName { get; set; } = "coord";

    /// <summary>Whether members may be changed at run time (ZooKeeper's reconfigEnabled).</summary>
    public bool ReconfigEnabled { get; set; }

    /// <summary>TLS between the members.</summary>
    public PeerTlsSettings PeerTls { get; set; } = new();

    /// <summary>ZooKeeper's tick, milliseconds: session time-outs are negotiated into [2, 20] ticks.</summary>
    public int TickTimeMs { get; set; } = 2000;

    /// <summary>Shortest session time-out, milliseconds; 0 means two ticks.</summary>
    public int MinSessionTimeoutMs { get; set; }

    /// <summary>Longest session time-out, milliseconds; 0 means twenty ticks.</summary>
    public int MaxSessionTimeoutMs { get; set; }

    /// <summary>
    /// Whether this silo, while it has no quorum, serves reads to clients that agree to it (ZooKeeper's
    /// readonlymode.enabled).
    /// </summary>
    public bool ReadOnlyMode { get; set; }

    /// <summary>
    /// Whether new sessions stay with this silo until they write (ZooKeeper's localSessionsEnabled).
    /// </summary>
    public bool LocalSessions { get; set; }

    /// <summary>
    /// Whether local sessions may have ephemeral znodes (ZooKeeper's localSessionsUpgradingEnabled).
    /// </summary>
    public bool LocalSessionsUpgrading { get; set; }

    /// <summary>The super user, as ZooKeeper's superDigest: <c>user:base64(sha1(user:password))</c>.</summary>
    public string? SuperDigest { get; set; }

    /// <summary>TLS for clients.</summary>
    public ClientTlsSettings ClientTls { get; set; } = new();

    /// <summary>Port of the admin server (HTTP), on the same address as <see cref="ClientPort"/>; 0 for none.</summary>
    public int AdminPort { get; set; }

    /// <summary>
    /// The admin server takes one snapshot in this time, and restores one, milliseconds (ZooKeeper's
    /// admin.rateLimiterIntervalInMS); 0 for no limit.
    /// </summary>
    public int AdminSnapshotIntervalMs { get; set; } = 300_000;

    /// <summary>SASL DIGEST-MD5.</summary>
    public SaslSettings Sasl { get; set; } = new();

    /// <summary>
    /// Schemes, separated by commas, of which a client must have shown one before it is served (ZooKeeper's
    /// <c>enforce.auth.schemes</c>); empty for no such need.
    /// </summary>
    public string RequireAuth { get; set; } = "";

    /// <summary>
    /// Providers of further schemes, separated by commas, each <c>path/of/library.dll:Full.Type.Name</c>.
    /// </summary>
    public string AuthProviders { get; set; } = "";

    /// <summary>Whether znodes with a time to live may be created (ZooKeeper's extendedTypesEnabled).</summary>
    public bool ExtendedTypes { get; set; }

    /// <summary>Whether writes beyond a hard quota are refused (ZooKeeper's enforceQuota).</summary>
    public bool EnforceQuota { get; set; }

    /// <summary>How often empty containers and outlived TTL znodes are looked for, milliseconds.</summary>
    public int ContainerCheckMs { get; set; } = 60_000;

    /// <summary>Frames of this many bytes or more close the connection (ZooKeeper's jute.maxbuffer).</summary>
    public int MaxFrameBytes { get; set; } = CoordLimits.DefaultMaxFrameBytes;

    /// <summary>Most connections from one address; 0 means no limit.</summary>
    public int MaxClientConnections { get; set; }

    /// <summary>Requests of all clients that may wait to be executed until nobody is read on; 0: no limit.</summary>
    public int MaxOutstandingRequests { get; set; } = 65_536;

    /// <summary>Requests of more bytes count as large; 0 means that none does.</summary>
    public int LargeRequestBytes { get; set; }

    /// <summary>Bytes of all large requests under way together.</summary>
    public long MaxLargeRequestsBytes { get; set; } = 100 << 20;

    /// <summary>Clients that may connect in a second; 0 means no limit.</summary>
    public int MaxConnectsPerSecond { get; set; }

    /// <summary>Four-letter words that are answered, separated by commas; <c>*</c> for all.</summary>
    public string FourLetterWords { get; set; } = "ruok,srvr,stat,mntr,conf,cons,envi,isro,wchs,dump";

    /// <summary>Size of a log segment file, bytes.</summary>
    public long SegmentBytes { get; set; } = 64L << 20;

    /// <summary>
    /// A snapshot is taken when the log has grown by this much, or by the last snapshot's size if larger.
    /// </summary>
    public long SnapshotLogBytes { get; set; } = 64L << 20;

    /// <summary>Free disk space below which writes are refused, bytes.</summary>
    public long DiskReserveBytes { get; set; } = 64L << 20;

    /// <summary>
    /// The highest feature level in which this silo takes part; 0 for the newest that it knows. Holding it back on one
    /// silo holds the group back, so that the version before can still be started.
    /// </summary>
    public int FeatureLevel { get; set; }

    /// <summary>Start although the log's last batch is damaged and may have been acknowledged.</summary>
    public bool AcceptTailLoss { get; set; }

    /// <summary>Throws when a value cannot be used.</summary>
    /// <exception cref="StartupException">Names the setting, the value and what is allowed.</exception>
    public void Validate()
    {
        Range(nameof(ClientPort), ClientPort, 0, 65_535);
        Range(nameof(AdminPort), AdminPort, 0, 65_535);
        Range(nameof(AdminSnapshotIntervalMs), AdminSnapshotIntervalMs, 0, int.MaxValue);
        Range(nameof(ReplicaId), ReplicaId, 1, 255);
        Require(
            System.Net.IPAddress.TryParse(SiloAddress, out _), nameof(SiloAddress), SiloAddress,
            "an IP address of this machine");
        Require(
            Storage.Equals("Disk", StringComparison.OrdinalIgnoreCase) || IsInGrainStorage, nameof(Storage), Storage,
            "Disk or GrainStorage");
        Require(
            !IsInGrainStorage || Database.Length > 0, nameof(Storage), Storage,
            "Disk unless Coord:Database names the PostgreSQL database that keeps the replicas");
        Range(nameof(SiloPort), SiloPort, 0, 65_535);
        Range(nameof(GrainClientPort), GrainClientPort, 0, 65_535);
        Require(!string.IsNullOrWhiteSpace(ClusterId), nameof(ClusterId), ClusterId, "a name");
        Require(
            VoterIds.Distinct().Count() == VoterIds.Count && VoterIds.All(id => id.Value > 0), nameof(Voters), Voters,
            "different ids from 1 to 255, separated by commas");
        Require(
            RemoveObserversAfterMs is 0 or >= 60_000, nameof(RemoveObserversAfterMs),
            RemoveObserversAfterMs.ToString(), "0, or at least 60000: a silo that is only restarted comes back");
        Range(nameof(TickTimeMs), TickTimeMs, 10, 3_600_000);
        Range(nameof(MinSessionTimeoutMs), MinSessionTimeoutMs, 0, int.MaxValue);
        Range(nameof(MaxSessionTimeoutMs), MaxSessionTimeoutMs, 0, int.MaxValue);
        Require(
            LocalSessions || !LocalSessionsUpgrading, nameof(LocalSessionsUpgrading), "true",
            "false unless LocalSessions is true");
        Range(nameof(ContainerCheckMs), ContainerCheckMs, 10, int.MaxValue);
        Range(nameof(MaxFrameBytes), MaxFrameBytes, 1024, 1 << 30);
        Range(nameof(MaxClientConnections), MaxClientConnections, 0, int.MaxValue);
        Range(nameof(MaxOutstandingRequests), MaxOutstandingRequests, 0, int.MaxValue);
        Range(nameof(LargeRequestBytes), LargeRequestBytes, 0, int.MaxValue);
        Range(nameof(MaxLargeRequestsBytes), MaxLargeRequestsBytes, 1, long.MaxValue);
        Range(nameof(MaxConnectsPerSecond), MaxConnectsPerSecond, 0, 1_000_000);
        Range(nameof(FeatureLevel), FeatureLevel, 0, FeatureLevels.Newest);
        Range(nameof(SegmentBytes), SegmentBytes, 1 << 20, 1L << 34);
        Range(nameof(SnapshotLogBytes), SnapshotLogBytes, 1 << 16, 1L << 40);
        Range(nameof(DiskReserveBytes), DiskReserveBytes, 0, 1L << 40);
        Require(
            !string.IsNullOrWhiteSpace(DataDirectory), nameof(DataDirectory), DataDirectory, "the path of a folder");
        Require(
            string.IsNullOrEmpty(SuperDigest) || SuperDigest.Contains(':', StringComparison.Ordinal),
            nameof(SuperDigest), SuperDigest, "user:base64(sha1(user:password)), as for ZooKeeper's superDigest");
        Range("ClientTls:Port", ClientTls.Port, 0, 65_535);
        Require(
            ClientTls.ClientAuth is "none" or "want" or "need", "ClientTls:ClientAuth", ClientTls.ClientAuth,
            "none, want or need");
        Require(
            ClientTls.Certificate.Length > 0 == (ClientTls.Port > 0 || ClientTls.OnClientPort),
            "ClientTls:Certificate", ClientTls.Certificate,
            "the file of the server's certificate if ClientTls:Port or ClientTls:OnClientPort is set, and else empty");
        Require(
            string.IsNullOrEmpty(Sasl.SuperUser) || Sasl.Users.ContainsKey(Sasl.SuperUser),
            "Sasl:SuperUser", Sasl.SuperUser, "the name of a user in Sasl:Users");
        Require(
            !Join || !string.IsNullOrWhiteSpace(Members), nameof(Join), "true",
            "false unless Members names this silo and the members of the ensemble that it is to join");
        Require(
            EnsembleName.Length is > 0 and <= 64
            && EnsembleName.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'),
            nameof(EnsembleName), EnsembleName, "1 to 64 of the characters A-Za-z0-9._-");
        Require(
            MinTimeout <= MaxTimeout, nameof(MinSessionTimeoutMs), MinTimeout.ToString(),
            $"at most MaxSessionTimeoutMs, which is {MaxTimeout}");
        Require(
            MaxFrameBytes < SegmentBytes / 2, nameof(MaxFrameBytes), MaxFrameBytes.ToString(),
            $"less than half of SegmentBytes, which is {SegmentBytes}");
    }

    internal ReplicaId Replica => new((byte)ReplicaId);

    // What cannot be read is 0, which is no id.
    internal IReadOnlyList<ReplicaId> VoterIds => string.IsNullOrWhiteSpace(Voters)
        ? [Replica]
        : [.. Voters.Split(',').Select(id => new ReplicaId(byte.TryParse(id, out byte value) ? value : (byte)0))];

    // Whether the Orleans host links this silo's replica to others.
    internal bool IsGrouped => !string.IsNullOrWhiteSpace(Voters);

    internal bool IsInGrainStorage => Storage.Equals("GrainStorage", StringComparison.OrdinalIgnoreCase);

    internal TimeSpan? LongestAbsence =>
        RemoveObserversAfterMs == 0 ? null : TimeSpan.FromMilliseconds(RemoveObserversAfterMs);

    internal string ClusterFolder => Path.GetFullPath(
        string.IsNullOrWhiteSpace(ClusterDirectory) ? Path.Combine(DataDirectory, "cluster") : ClusterDirectory);

    internal int MinTimeout => MinSessionTimeoutMs == 0 ? checked(2 * TickTimeMs) : MinSessionTimeoutMs;

    internal int MaxTimeout => MaxSessionTimeoutMs == 0 ? checked(20 * TickTimeMs) : MaxSessionTimeoutMs;

    private static void Range(string name, long value, long min, long max) =>
        Require(value >= min && value <= max, name, value.ToString(), $"a number from {min} to {max}");

    private static void Require(bool holds, string name, string? value, string allowed)
    {
        if (!holds)
        {
            throw new StartupException($"Setting Coord:{name} is '{value}'; it must be {allowed}.");
        }
    }
}

/// <summary>The settings of section <c>Coord:ClientTls</c>.</summary>
public sealed class ClientTlsSettings
{
    /// <summary>Port for TLS clients; 0 for none of their own.</summary>
    public int Port { get; set; }

    /// <summary>Whether TLS clients may come to the plain port too.</summary>
    public bool OnClientPort { get; set; }

    /// <summary>File of the server's certificate and its chain: PEM, .p12 or .pfx.</summary>
    public string Certificate { get; set; } = "";

    /// <summary>PEM file of the private key; empty when it is in the certificate's file.</summary>
    public string Key { get; set; } = "";

    /// <summary>Password of the private key; empty for none.</summary>
    public string Password { get; set; } = "";

    /// <summary>PEM file of the authorities whose clients are trusted.</summary>
    public string Authorities { get; set; } = "";

    /// <summary>Whether clients show a certificate: <c>none</c>, <c>want</c> or <c>need</c>.</summary>
    public string ClientAuth { get; set; } = "need";

    /// <summary>
    /// Whether clients' certificates are refused that their authorities have revoked, or cannot be asked about.
    /// </summary>
    public bool CheckRevocation { get; set; }

    /// <summary>The subject of the certificate whose owner may do anything; empty for none.</summary>
    public string SuperUser { get; set; } = "";
}

/// <summary>The settings of section <c>Coord:Sasl</c>.</summary>
public sealed class SaslSettings
{
    /// <summary>Passwords by user name; without any, SASL is off.</summary>
    public Dictionary<string, string> Users { get; } = [];

    /// <summary>The user who may do anything (ZooKeeper's <c>zookeeper.superUser</c>); empty for none.</summary>
    public string SuperUser { get; set; } = "";
}

/// <summary>The settings of section <c>Coord:PeerTls</c>: files in PEM form; all empty for links without TLS.</summary>
public sealed class PeerTlsSettings
{
    /// <summary>This silo's own certificate.</summary>
    public string CertificateFile { get; set; } = "";

    /// <summary>Its private key; empty if the certificate's file has it.</summary>
    public string KeyFile { get; set; } = "";

    /// <summary>The authorities that issue the members' certificates.</summary>
    public string CaFile { get; set; } = "";
}

/// <summary>The silo cannot start. The message is one sentence for the operator, with the remedy.</summary>
public sealed class StartupException : Exception
{
    /// <summary>Creates an exception without a text.</summary>
    public StartupException()
    {
    }

    /// <summary>Creates an exception with the sentence to print.</summary>
    public StartupException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception with the sentence to print and its cause.</summary>
    public StartupException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
