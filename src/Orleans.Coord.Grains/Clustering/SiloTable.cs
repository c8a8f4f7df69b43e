using System.Text.Json;

namespace Orleans.Coord.Grains.Clustering;

/// <summary>The table as it is stored, in JSON. Every change but a sign of life raises the version.</summary>
internal sealed class SiloTable
{
    private static readonly JsonSerializerOptions _format = new() { WriteIndented = true };

    /// <summary>Number of changes; also the table's etag.</summary>
    public int Version { get; set; }

    /// <summary>The silos, dead ones too.</summary>
    public List<SiloRow> Silos { get; init; } = [];

    /// <summary>Reads a table; an empty one from no bytes.</summary>
    /// <exception cref="JsonException">The bytes hold no table.</exception>
    public static SiloTable Parse(ReadOnlySpan<byte> json) =>
        json.IsEmpty ? new() : JsonSerializer.Deserialize<SiloTable>(json, _format) ?? new();

    /// <summary>The table in JSON.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, _format);
}

/// <summary>One silo of the table.</summary>
internal sealed class SiloRow
{
    /// <summary>Address and generation, as Orleans writes them.</summary>
    public required string Address { get; init; }

    /// <summary>The silo's name.</summary>
    public required string Name { get; set; }

    /// <summary>The machine's name.</summary>
    public string? HostName { get; set; }

    /// <summary>Where it stands.</summary>
    public required SiloStatus Status { get; set; }

    /// <summary>Port for Orleans clients; 0 for none.</summary>
    public int GatewayPort { get; set; }

    /// <summary>When it started, UTC.</summary>
    public DateTime Started { get; set; }

    /// <summary>Its last sign of life, UTC.</summary>
    public DateTime Alive { get; set; }

    /// <summary>Who suspects it to be dead.</summary>
    public List<Suspicion> Suspects { get; set; } = [];

    /// <summary>The table's version after the last change of this row; its etag.</summary>
    public int Changed { get; set; }
}

/// <summary>One silo's vote against another.</summary>
/// <param name="By">The voter's address.</param>
/// <param name="At">When, UTC.</param>
internal sealed record Suspicion(string By, DateTime At);
