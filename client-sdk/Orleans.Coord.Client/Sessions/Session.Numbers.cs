namespace Orleans.Coord.Client;

/// <content>The numbers of writes, which belong to the session and not to a connection.</content>
internal sealed partial class Session
{
    private int _extensions;
    private long _lastNumber;
    private long _lastAnswered;

    /// <summary>Whether the server that was connected last has the extension.</summary>
    public bool Has(ServerExtensions extension) => (Volatile.Read(ref _extensions) & (int)extension) != 0;

    /// <summary>All writes with a lower number are answered.</summary>
    public long LowestUnanswered => Volatile.Read(ref _lastAnswered) + 1;

    /// <summary>How far the numbers given are ahead of the answers.</summary>
    public long UnansweredNumbers => Volatile.Read(ref _lastNumber) - Volatile.Read(ref _lastAnswered);

    /// <summary>Called by the writer of the one live connection.</summary>
    public long NextNumber()
    {
        Volatile.Write(ref _lastNumber, _lastNumber + 1);
        return _lastNumber;
    }

    /// <summary>The last number was not used.</summary>
    public void TakeBack(long number)
    {
        Invariant.Check(number == _lastNumber);
        Volatile.Write(ref _lastNumber, number - 1);
    }

    /// <summary>Called by the reader of the one live connection.</summary>
    public void NoteAnswered(long number)
    {
        if (number > _lastAnswered)
        {
            Volatile.Write(ref _lastAnswered, number);
        }
    }
}
