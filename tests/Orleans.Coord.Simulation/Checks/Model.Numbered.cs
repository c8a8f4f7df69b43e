using Orleans.Coord.Jute;
using Orleans.Coord.Tree;

namespace Orleans.Coord.Simulation;

/// <content>
/// Numbered writes, by the rules of docs/EXTENSIONS.md: where each has run is known for ever, and only the answers
/// within the session's window may be repeated.
/// </content>
internal sealed partial class Model
{
    private const int NumberWindow = 1024;
    private readonly Dictionary<(long SessionId, long Number), long> _numbered = [];

    /// <summary>The index at which a session's write with a number has run; 0 if it has not.</summary>
    public long IndexOf(long sessionId, long number) => _numbered.GetValueOrDefault((sessionId, number));

    private CoordErrorCode Numbered(ref JuteReader reader, long sessionId, JuteWriter body)
    {
        long number = reader.ReadLong();
        long lowest = reader.ReadLong();
        var op = (OpCode)reader.ReadInt();
        if (_level < FeatureLevels.Extensions)
        {
            return CoordErrorCode.Unimplemented;
        }

        bool isWrite = op is OpCode.Create or OpCode.Create2 or OpCode.SetData or OpCode.Delete or OpCode.Multi;
        if (!isWrite || lowest < 1 || lowest > number || number >= lowest + NumberWindow)
        {
            return CoordErrorCode.BadArguments;
        }

        ModelSession session = _sessions[sessionId];
        session.LowestNumber = Math.Max(session.LowestNumber, lowest);
        if (number < session.LowestNumber || number <= session.LastNumber)
        {
            return Again(session, number, body);
        }

        session.LastNumber = number;
        _numbered.Add((sessionId, number), _index);
        return op == OpCode.Multi
            ? Multi(ref reader, sessionId, body)
            : Single(op, ref reader, sessionId, body);
    }

    // Passed over, or seen by the client as it said: refused for good.
    private CoordErrorCode Again(ModelSession session, long number, JuteWriter body)
    {
        if (number < session.LowestNumber || !_numbered.TryGetValue((session.Id, number), out long ran))
        {
            return CoordErrorCode.SystemError;
        }

        body.WriteRaw(_results[(int)ran].Body);
        return _results[(int)ran].Code;
    }

    // An id that is given out again has a session without a past.
    private void ForgetNumbers(long sessionId)
    {
        foreach ((long SessionId, long) key in _numbered.Keys.Where(key => key.SessionId == sessionId).ToArray())
        {
            _numbered.Remove(key);
        }
    }

    /// <summary>What a command asks for, without the number; and the number, or 0.</summary>
    private static long NumberOf(in Command command, out OpCode op, out ReadOnlySpan<byte> body)
    {
        op = command.Op;
        body = command.Body;
        if (op != OpCode.Numbered)
        {
            return 0;
        }

        var reader = new JuteReader(body);
        long number = reader.ReadLong();
        reader.ReadLong();
        op = (OpCode)reader.ReadInt();
        body = reader.Rest;
        return number;
    }
}
