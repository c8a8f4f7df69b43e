using System.Globalization;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Simulation;

/// <content>
/// Numbered writes (docs/EXTENSIONS.md): what has no answer yet is sent again on each new connection, with its number.
/// Besides, the client asks what it knows: for results that are kept or dropped, for numbers that it passed over, and
/// for what must be refused.
/// </content>
internal sealed partial class SimClient
{
    private const int Remembered = 8;
    private const int FarAhead = 5000;
    private const int NumberWindow = 1024;
    private readonly SplitMix64 _extras;
    private readonly bool _numbers;
    private readonly int _seenLate;
    private readonly List<SimRequest> _unanswered = [];
    private readonly List<SimRequest> _answered = [];
    private long _lastNumber;
    private long _passedOver;
    private long _saidLowest = 1;
    private long _tookLowest = 1;

    // The group's feature level is too low as yet: on the next connection the client looks again.
    private bool _doesWithout;

    /// <summary>Whether the server may have dropped a number's result: it was told that nobody needs it.</summary>
    public bool MayBeForgotten(long number) => number < _saidLowest;

    /// <summary>Whether the server must have dropped it: the entry that told so was answered.</summary>
    public bool MustBeForgotten(long number) => number < _tookLowest;

    // The lock's requests and the operator's go without, so that both kinds are mixed.
    private bool IsToBeNumbered(OpCode op, Purpose purpose) => _numbers && !_doesWithout
        && purpose is Purpose.Plain or Purpose.Register
        && op is OpCode.Create or OpCode.Create2 or OpCode.SetData or OpCode.Delete or OpCode.Multi;

    // A client may be slow to say what it has seen.
    private long LowestFor(long number)
    {
        long needed = _unanswered.Count > 0 ? _unanswered[0].Number : number;
        long lowest = Math.Max(1, Math.Min(number, needed - _seenLate));
        _saidLowest = Math.Max(_saidLowest, lowest);
        return lowest;
    }

    private void FrameNumbered(SimRequest request)
    {
        request.Sends++;
        var body = new JuteWriter(request.Body.Length + 20);
        body.WriteLong(request.Number);
        body.WriteLong(request.Lowest);
        body.WriteInt((int)request.Op);
        body.WriteRaw(request.Body);
        Frame(request.Xid, OpCode.Numbered, body.Written);
    }

    // In their order, and before new ones. What was sent before may still be on its way.
    private void SendUnansweredAgain()
    {
        foreach (SimRequest request in _unanswered)
        {
            request.Xid = ++_xid;
            request.Lowest = LowestFor(request.Number);
            request.IsDoubled = false;
            Ask(request);
            if (_extras.OneIn(4))
            {
                Repeat(request, isUnderWay: true);
            }
        }

        if (_answered.Count > 0 && _extras.OneIn(2))
        {
            Repeat(_extras.PickOf(_answered), isUnderWay: false);
        }
    }

    private void ProbeNumbers()
    {
        if (!_numbers || _doesWithout || !_extras.OneIn(4))
        {
            return;
        }

        switch (_extras.Below(6))
        {
            case 0 or 1 when _answered.Count > 0:
                Repeat(_extras.PickOf(_answered), isUnderWay: false);
                break;
            case 2 when _unanswered.Count > 0:
                Repeat(_extras.PickOf(_unanswered), isUnderWay: true);
                break;
            case 3:
                _passedOver = ++_lastNumber;
                break;
            case 4 when _passedOver > 0:
                Probe(_passedOver, LowestFor(_passedOver));
                break;
            case 5:
                ProbeBadly();
                break;
        }
    }

    private void Repeat(SimRequest request, bool isUnderWay)
    {
        request.IsDoubled |= isUnderWay;
        Ask(new SimRequest
        {
            Xid = ++_xid,
            Op = request.Op,
            Body = request.Body,
            Path = request.Path,
            Number = request.Number,
            Lowest = LowestFor(request.Number),
            Sends = 1,
            IsProbe = true,
            IsDoubled = isUnderWay,
        });
    }

    // Numbers out of range, and what cannot be numbered.
    private void ProbeBadly()
    {
        long number = _lastNumber + FarAhead;
        switch (_extras.Below(4))
        {
            case 0:
                Probe(number, 0);
                break;
            case 1:
                Probe(number, number + 1);
                break;
            case 2:
                Probe(number, number - NumberWindow);
                break;
            default:
                Probe(number, number, OpCode.CloseSession);
                break;
        }
    }

    private void Probe(long number, long lowest, OpCode op = OpCode.Create)
    {
        string path = string.Create(CultureInfo.InvariantCulture, $"{Folder}/p{Id}.{number}");
        byte[] body = op == OpCode.Create ? RequestBody.Create(path, "") : [];
        Ask(new SimRequest
        {
            Xid = ++_xid, Op = op, Body = body, Path = path, Number = number, Lowest = lowest, Sends = 1,
            IsProbe = true,
        });
    }

    private void AnsweredNumbered(SimRequest request, CoordErrorCode code)
    {
        bool isTaken = code is not (CoordErrorCode.SystemError or CoordErrorCode.Unimplemented);
        if (isTaken && code != CoordErrorCode.BadArguments)
        {
            _tookLowest = Math.Max(_tookLowest, request.Lowest);
        }

        _doesWithout |= code == CoordErrorCode.Unimplemented;
        if (request.IsProbe)
        {
            return;
        }

        _unanswered.Remove(request);
        if (isTaken)
        {
            _answered.Add(request);
        }

        if (_answered.Count > Remembered)
        {
            _answered.RemoveAt(0);
        }
    }

    private void ForgetNumbers()
    {
        _unanswered.Clear();
        _answered.Clear();
        (_lastNumber, _passedOver, _saidLowest, _tookLowest) = (0, 0, 1, 1);
    }
}
