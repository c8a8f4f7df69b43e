using System.Buffers.Binary;

namespace Orleans.Coord.LoadGenerator;

/// <summary>A request frame encoded ahead of the run: to send it is a copy, the xid and the path's digits.</summary>
internal sealed class RequestTemplate
{
    private const int XidOffset = 4;
    private const int PathOffset = 16;
    private const int AllPermissions = 31;
    private const int AnyVersion = -1;

    private readonly byte[] _frame;
    private readonly int _parentEnd;
    private readonly int _numberEnd;
    private readonly uint _parents;

    private RequestTemplate(NodePath path, FrameWriter writer)
    {
        _frame = writer.ToFrame();
        _parentEnd = PathOffset + path.ParentEnd;
        _numberEnd = path.NumberEnd < 0 ? 0 : PathOffset + path.NumberEnd;
        _parents = (uint)path.Parents;
    }

    public int Length => _frame.Length;

    public static RequestTemplate Create(NodePath path, ReadOnlySpan<byte> value) => new(
        path,
        Begin(1, path).Buffer(value).Int(1).Int(AllPermissions).Text("world").Text("anyone").Int(0));

    public static RequestTemplate Delete(NodePath path) => new(path, Begin(2, path).Int(AnyVersion));

    public static RequestTemplate Exists(NodePath path) => new(path, Begin(3, path).Bool(false));

    public static RequestTemplate Get(NodePath path) => new(path, Begin(4, path).Bool(false));

    public static RequestTemplate Set(NodePath path, ReadOnlySpan<byte> value) =>
        new(path, Begin(5, path).Buffer(value).Int(AnyVersion));

    /// <summary>Writes the frame for the numbered node and returns its length.</summary>
    public int Write(Span<byte> destination, int xid, uint number)
    {
        _frame.CopyTo(destination);
        BinaryPrimitives.WriteInt32BigEndian(destination[XidOffset..], xid);
        if (_numberEnd > 0)
        {
            WriteDigits(destination[.._numberEnd], number);
        }

        if (_parents > 1)
        {
            WriteDigits(destination[.._parentEnd], number % _parents);
        }

        return _frame.Length;
    }

    private static FrameWriter Begin(int operation, NodePath path) =>
        new FrameWriter().Int(0).Int(operation).Text(path.Text);

    /// <summary>Fills digits backwards from the end; the template's zeros are the padding.</summary>
    private static void WriteDigits(Span<byte> field, uint value)
    {
        for (int i = field.Length - 1; value > 0; i--)
        {
            (value, uint digit) = Math.DivRem(value, 10);
            field[i] = (byte)('0' + digit);
        }
    }
}
