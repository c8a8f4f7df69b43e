using System.Globalization;

/// <summary>
/// Stands for any store outside the tree. It keeps the greatest fencing token it has seen, and refuses a write with
/// a lesser one: that is all a store has to do.
/// </summary>
internal sealed class FencedFile(string path)
{
    /// <summary>Adds a line, unless a later holder of the lock has written already.</summary>
    public bool TryAppend(long token, string line)
    {
        using FileStream file = OpenAlone();
        using var reader = new StreamReader(file);
        string? newest = null;
        while (reader.ReadLine() is { } written)
        {
            newest = written;
        }

        if (newest is not null && long.Parse(newest.Split(' ')[0], CultureInfo.InvariantCulture) > token)
        {
            return false;
        }

        using var writer = new StreamWriter(file);
        writer.WriteLine($"{token} {line}");
        return true;
    }

    private FileStream OpenAlone()
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                // The other worker writes at this moment.
                Thread.Sleep(1);
            }
        }
    }
}
