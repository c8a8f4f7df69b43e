using BenchmarkDotNet.Attributes;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Benchmarks;

/// <summary>Frames and records: what every request passes.</summary>
[MemoryDiagnoser]
public class CodecBenchmarks
{
    private const int Frames = 32;

    private readonly JuteWriter _writer = new(4096);
    private byte[] _batch = [];

    [GlobalSetup]
    public void Setup()
    {
        for (int i = 0; i < Frames; i++)
        {
            int start = _writer.Length;
            _writer.WriteInt(0);
            _writer.WriteInt(i);
            _writer.WriteInt((int)OpCode.SetData);
            _writer.WriteString("/config/service/key");
            _writer.WriteBuffer(new byte[100]);
            _writer.WriteInt(-1);
            _writer.PatchInt(start, _writer.Length - start - sizeof(int));
        }

        _batch = _writer.Written.ToArray();
    }

    [Benchmark(OperationsPerInvoke = Frames)]
    public int ScanFrames() => FrameDecoder.Scan(_batch, FrameDecoder.MinRequestBytes, 1 << 20).Frames;

    [Benchmark(OperationsPerInvoke = Frames)]
    public int ReadSetDataRequests()
    {
        var reader = new JuteReader(_batch);
        int sum = 0;
        for (int i = 0; i < Frames; i++)
        {
            reader.ReadInt();
            sum += reader.ReadInt() + reader.ReadInt();
            sum += reader.ReadString().Length + reader.ReadBuffer().Length + reader.ReadInt();
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Frames)]
    public int WriteStatReplies()
    {
        _writer.Clear();
        for (int i = 0; i < Frames; i++)
        {
            _writer.WriteInt(84);
            _writer.WriteInt(i);
            _writer.WriteLong(i);
            _writer.WriteInt(0);
            _writer.WriteStat(new Stat(1, 2, 3, 4, 5, 6, 7, 0, 100, 0, 8));
        }

        return _writer.Length;
    }
}
