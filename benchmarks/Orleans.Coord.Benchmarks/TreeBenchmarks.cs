using BenchmarkDotNet.Attributes;
using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Benchmarks;

/// <summary>The state machine over 10,000 znodes of 100 bytes, without log and network.</summary>
[MemoryDiagnoser]
public class TreeBenchmarks
{
    private const int Znodes = 10_000;
    private const int Batch = 1_000;

    private readonly CoordStateMachine _machine = new();
    private readonly ApplyResult _result = new();
    private readonly CallerIdentities _caller = new("127.0.0.1");
    private readonly JuteWriter _reply = new(1 << 16);
    private readonly JuteWriter _command = new(1 << 10);
    private readonly byte[][] _sets = new byte[Znodes][];
    private readonly byte[][] _gets = new byte[Znodes][];
    private long _index;
    private int _next;

    [GlobalSetup]
    public void Setup()
    {
        Apply(Command(OpCode.Create, w => WriteCreate(w, "/bench")));
        for (int i = 0; i < Znodes; i++)
        {
            string path = $"/bench/node{i:D7}";
            Apply(Command(OpCode.Create, w => WriteCreate(w, path)));
            _sets[i] = Command(OpCode.SetData, w =>
            {
                w.WriteString(path);
                w.WriteBuffer(new byte[100]);
                w.WriteInt(-1);
            });
            var get = new JuteWriter();
            get.WriteString(path);
            get.WriteBool(false);
            _gets[i] = get.Written.ToArray();
        }
    }

    [Benchmark(OperationsPerInvoke = Batch)]
    public void ApplySetData()
    {
        for (int i = 0; i < Batch; i++)
        {
            Apply(_sets[_next++ % Znodes]);
        }
    }

    [Benchmark(OperationsPerInvoke = Batch)]
    public void ReadGetData()
    {
        for (int i = 0; i < Batch; i++)
        {
            _reply.Clear();
            _machine.Read(OpCode.GetData, _gets[_next++ % Znodes], 1, _caller, _reply);
        }
    }

    private void Apply(byte[] payload) => _machine.Apply(++_index, payload, _result);

    private byte[] Command(OpCode op, Action<JuteWriter> body)
    {
        var request = new JuteWriter();
        body(request);
        _command.Clear();
        CommandCodec.WriteRequest(
            _command, CommandOptions.None, 1_600_000_000_000, 0, 0, 0, op, _caller.Encoded, request.Written);
        return _command.Written.ToArray();
    }

    private static void WriteCreate(JuteWriter w, string path)
    {
        w.WriteString(path);
        w.WriteBuffer(new byte[100]);
        w.WriteInt(1);
        w.WriteInt((int)Permissions.All);
        w.WriteString("world");
        w.WriteString("anyone");
        w.WriteInt(0);
    }
}
