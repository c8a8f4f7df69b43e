namespace Orleans.Coord;

/// <summary>Identifies one member of the consensus group. Never reused; 0 means none.</summary>
/// <param name="Value">1 to 255: it is the high byte of the session ids that this member hands out.</param>
public readonly record struct ReplicaId(byte Value) : IComparable<ReplicaId>
{
    /// <summary>No member, for instance an unknown leader or a vote not given.</summary>
    public static ReplicaId None => default;

    /// <inheritdoc/>
    public int CompareTo(ReplicaId other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.NumberFormatInfo.InvariantInfo);

    /// <summary>Orders by value.</summary>
    public static bool operator <(ReplicaId a, ReplicaId b) => a.Value < b.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator >(ReplicaId a, ReplicaId b) => a.Value > b.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator <=(ReplicaId a, ReplicaId b) => a.Value <= b.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator >=(ReplicaId a, ReplicaId b) => a.Value >= b.Value;
}

/// <summary>A Raft term: a period with at most one leader (Raft paper, section 5.1). Starts at 0, only rises.</summary>
/// <param name="Value">The number of the term.</param>
public readonly record struct Term(long Value) : IComparable<Term>
{
    /// <summary>The term that follows.</summary>
    public Term Next => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Term other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.NumberFormatInfo.InvariantInfo);

    /// <summary>Orders by value.</summary>
    public static bool operator <(Term a, Term b) => a.Value < b.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator >(Term a, Term b) => a.Value > b.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator <=(Term a, Term b) => a.Value <= b.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator >=(Term a, Term b) => a.Value >= b.Value;
}

/// <summary>
/// Position of an entry in the replicated log. The first entry has index 1; 0 means before all entries.
/// </summary>
/// <param name="Value">The index; equal to the zxid of the write that the entry holds.</param>
public readonly record struct LogIndex(long Value) : IComparable<LogIndex>
{
    /// <summary>The index that follows.</summary>
    public LogIndex Next => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(LogIndex other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.NumberFormatInfo.InvariantInfo);

    /// <summary>The index that lies <paramref name="count"/> entries further.</summary>
    public static LogIndex operator +(LogIndex index, long count) => new(index.Value + count);

    /// <summary>The index that lies <paramref name="count"/> entries before.</summary>
    public static LogIndex operator -(LogIndex index, long count) => new(index.Value - count);

    /// <summary>Number of entries from <paramref name="b"/> to <paramref name="a"/>.</summary>
    public static long operator -(LogIndex a, LogIndex b) => a.Value - b.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator <(LogIndex a, LogIndex b) => a.Value < b.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator >(LogIndex a, LogIndex b) => a.Value > b.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator <=(LogIndex a, LogIndex b) => a.Value <= b.Value;

    /// <summary>Orders by value.</summary>
    public static bool operator >=(LogIndex a, LogIndex b) => a.Value >= b.Value;
}
