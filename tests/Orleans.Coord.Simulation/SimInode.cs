using Orleans.Coord.Wal;

namespace Orleans.Coord.Simulation;

/// <summary>A file's content twice over: as programs see it, and as a power loss would leave it.</summary>
internal sealed class SimInode
{
    internal const int SectorBytes = 512;
    private readonly HashSet<int> _dirty = [];
    private byte[] _content = [];
    private byte[] _durable = [];

    internal int Length => _content.Length;

    internal int Read(long offset, Span<byte> buffer)
    {
        int count = (int)Math.Clamp(_content.Length - offset, 0, buffer.Length);
        _content.AsSpan((int)Math.Min(offset, _content.Length), count).CopyTo(buffer);
        return count;
    }

    internal void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        if (offset + bytes.Length > _content.Length)
        {
            Resize((int)offset + bytes.Length);
        }

        bytes.CopyTo(_content.AsSpan((int)offset));
        for (long sector = offset / SectorBytes; sector * SectorBytes < offset + bytes.Length; sector++)
        {
            _dirty.Add((int)sector);
        }
    }

    internal uint Checksum(uint seed) => Crc32C.Compute(seed, _content);

    internal void Resize(int length) => Array.Resize(ref _content, length);

    internal void Sync()
    {
        Array.Resize(ref _durable, _content.Length);
        foreach (int sector in _dirty)
        {
            Persist(sector);
        }

        _dirty.Clear();
    }

    /// <summary>What a kernel does after a failed sync: pages count as clean that the disk has not got.</summary>
    internal void Forget() => _dirty.Clear();

    internal void FlipBit(long offset, int bit)
    {
        _content[offset] ^= (byte)(1 << bit);
        if (offset < _durable.Length)
        {
            _durable[offset] ^= (byte)(1 << bit);
        }
    }

    /// <summary>Keeps what was synced and, of the rest, what chance lets through.</summary>
    internal void LosePower(SplitMix64 random)
    {
        int mode = random.Below(4);
        if (_content.Length != _durable.Length && random.Below(2) == 0)
        {
            Array.Resize(ref _durable, _content.Length);
        }

        int[] sectors = [.. _dirty.Order()];
        int prefix = random.Below(sectors.Length + 1);
        for (int i = 0; i < sectors.Length; i++)
        {
            bool kept = mode switch
            {
                0 => false,
                1 => true,
                2 => i < prefix,
                _ => random.Below(2) == 0,
            };
            if (kept)
            {
                Persist(sectors[i]);
            }
        }

        _dirty.Clear();
        _content = [.. _durable];
    }

    private void Persist(int sector)
    {
        int start = sector * SectorBytes;
        int end = Math.Min(start + SectorBytes, Math.Min(_content.Length, _durable.Length));
        if (start < end)
        {
            _content.AsSpan(start..end).CopyTo(_durable.AsSpan(start));
        }
    }
}
