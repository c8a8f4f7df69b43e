using System.Diagnostics.CodeAnalysis;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Client;

/// <content>What the server can do beyond ZooKeeper's protocol: numbers on writes, linearizable reads.</content>
internal sealed partial class Connection
{
    // What the server keeps for a session: answers of so many numbers, and of some bytes. An answer is less than four
    // times its request, so the server's limit for bytes is never met from here.
    private const int MaxUnanswered = 1024;
    private const long MaxUnansweredBytes = 1024 * 1024;

    private const int Undiscovered = -1;

    private int _extensions = Undiscovered;
    private long _unansweredBytes;

    private bool IsDiscovered => Volatile.Read(ref _extensions) != Undiscovered;

    /// <summary>The server has said what it can do: from here on requests are sent.</summary>
    public void Discovered(ServerExtensions extensions)
    {
        Volatile.Write(ref _extensions, (int)extensions);
        ScheduleFlush();
    }

    private bool Has(ServerExtensions extension) => (Volatile.Read(ref _extensions) & (int)extension) != 0;

    private bool IsNumbered(Request request) =>
        request.OnLoss == OnLoss.Unknown && Has(ServerExtensions.NumberedWrites);

    private void WriteExtension(Request request)
    {
        if (IsNumbered(request))
        {
            // Once given, a number stays with its write over all connections.
            request.Number = request.Number == 0 ? _session.NextNumber() : request.Number;
            _out.WriteInt((int)OpCode.Numbered);
            _out.WriteLong(request.Number);
            _out.WriteLong(_session.LowestUnanswered);
        }
        else if (request.IsLinearizable && Has(ServerExtensions.LinearizableReads))
        {
            _out.WriteInt((int)OpCode.LinearizableRead);
        }
    }

    // The last number given, to a write that was not sent after all.
    private void TakeNumberBack(Request request)
    {
        if (request.Number > 0 && request.Sends == 0)
        {
            _session.TakeBack(request.Number);
            request.Number = 0;
        }
    }

    private void NoteWriteSent(Request request, int bytes)
    {
        if (request.Number > 0)
        {
            request.FrameBytes = bytes;
            Interlocked.Add(ref _unansweredBytes, bytes);
        }
    }

    // Answers come in the order of the numbers.
    private void NoteWriteAnswered(Request request)
    {
        _session.NoteAnswered(request.Number);
        Interlocked.Add(ref _unansweredBytes, -request.FrameBytes);
        if (Volatile.Read(ref _waitsForAnswers))
        {
            ScheduleFlush();
        }
    }

    private bool TryNextRepeat([NotNullWhen(true)] out Request? request)
    {
        while (_repeats.TryDequeue(out request) && request.Number > 0 && !Has(ServerExtensions.NumberedWrites))
        {
            // The server that it was sent to would have known; this one would run it a second time.
            _session.NoteAnswered(request.Number);
            request.Fail(new OutcomeUnknownException(_session.ClientPath(request)));
        }

        return request is not null;
    }

    // There is no telling yet how to send the next request, or it is a write for which the server has no room before
    // the client has more answers.
    private bool MustWait() =>
        !IsDiscovered || (_session.TryPeek(out Request? next) && IsNumbered(next) && IsFull());

    // As MustWait, by the writer, who will be called again when there is room.
    private bool MustWaitForRoom()
    {
        // Noted before looking, so that the reader either sees it or has made room already.
        Volatile.Write(ref _waitsForAnswers, true);
        Interlocked.MemoryBarrier();
        bool mustWait = MustWait();
        Volatile.Write(ref _waitsForAnswers, mustWait);
        return mustWait;
    }

    private bool IsFull() => _session.UnansweredNumbers >= MaxUnanswered
        || Interlocked.Read(ref _unansweredBytes) >= MaxUnansweredBytes;
}
