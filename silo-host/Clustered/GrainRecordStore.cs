using Orleans.Coord.Wal;
using Orleans.Storage;

namespace Orleans.Coord.SiloHost.Clustered;

/// <summary>A replica's records in Orleans' grain storage: each the state of a grain that never runs.</summary>
internal sealed class GrainRecordStore(IGrainStorage storage, ReplicaId replica) : IRecordStore
{
    private const string StateName = "coord.record";
    private const string GrainType = "coord-replica-record";

    public StoredRecord? Read(string name)
    {
        GrainState<RecordBytes> state = Call(name, null, storage.ReadStateAsync);
        return state.RecordExists ? new StoredRecord(state.State!.Bytes, state.ETag!) : null;
    }

    public string Write(string name, ReadOnlyMemory<byte> bytes, string? etag)
    {
        var state = new GrainState<RecordBytes>(new RecordBytes { Bytes = bytes }, etag!)
        {
            RecordExists = etag is not null,
        };
        return Call(name, state, storage.WriteStateAsync).ETag!;
    }

    // Reads the etag first. What is deleted is never changed, so if the etag does not hold, another owner was faster.
    public void Delete(string name)
    {
        GrainState<RecordBytes> state = Call(name, null, storage.ReadStateAsync);
        if (!state.RecordExists)
        {
            return;
        }

        try
        {
            Call(name, state, storage.ClearStateAsync);
        }
        catch (RecordConflictException)
        {
            // It is gone, as it should be.
        }
    }

    private GrainState<RecordBytes> Call(
        string name, GrainState<RecordBytes>? state, Func<string, GrainId, IGrainState<RecordBytes>, Task> operation)
    {
        state ??= new GrainState<RecordBytes>(new RecordBytes());
        var id = GrainId.Create(GrainType, $"{replica}/{name}");
        try
        {
            // Callers wait, as they do for a disk; what they wait for must not need their thread's scheduler.
            Task.Run(() => operation(StateName, id, state)).GetAwaiter().GetResult();
            return state;
        }
        catch (InconsistentStateException e)
        {
            throw new RecordConflictException($"Record {id} was changed by somebody else.", e);
        }
#pragma warning disable CA1031 // Providers throw what their drivers throw; it is not known what happened.
        catch (Exception e)
#pragma warning restore CA1031
        {
            throw new IOException(e.Message, e);
        }
    }
}

/// <summary>A record as the state of a grain.</summary>
internal sealed class RecordBytes
{
    /// <summary>All of it.</summary>
    public ReadOnlyMemory<byte> Bytes { get; set; }
}

/// <summary>Stores records as they are.</summary>
internal sealed class RecordSerializer : IGrainStorageSerializer
{
    public BinaryData Serialize<T>(T? input) => new(((RecordBytes)(object)input!).Bytes);

    public T? Deserialize<T>(BinaryData input) => (T)(object)new RecordBytes { Bytes = input.ToMemory() };
}
