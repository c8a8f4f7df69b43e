namespace Orleans.Coord.Wal;

/// <summary>
/// Durable records by name, each with an etag that changes whenever the record does. What <see cref="RecordDisk"/>
/// keeps a replica in; a store belongs to one replica. Every call throws <see cref="IOException"/> where the store does
/// not answer: whether a change has happened is then not known.
/// </summary>
public interface IRecordStore
{
    /// <summary>Reads a record; null if there is none.</summary>
    StoredRecord? Read(string name);

    /// <summary>Writes a record that is still as the caller knows it, and returns its new etag.</summary>
    /// <param name="name">At most 40 characters.</param>
    /// <param name="bytes">All of it.</param>
    /// <param name="etag">As last read or written; null if there must be no such record.</param>
    /// <exception cref="RecordConflictException">It is not; nothing was changed.</exception>
    string Write(string name, ReadOnlyMemory<byte> bytes, string? etag);

    /// <summary>Removes a record; nothing happens if there is none.</summary>
    void Delete(string name);
}

/// <summary>A record as it was read.</summary>
/// <param name="Bytes">All of it.</param>
/// <param name="Etag">Names this state of it.</param>
public readonly record struct StoredRecord(ReadOnlyMemory<byte> Bytes, string Etag);

/// <summary>A record was changed by somebody else.</summary>
public sealed class RecordConflictException : Exception
{
    /// <summary>Creates an exception without a text.</summary>
    public RecordConflictException()
    {
    }

    /// <summary>Creates an exception that names the record.</summary>
    public RecordConflictException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception that names the record, and its cause.</summary>
    public RecordConflictException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
