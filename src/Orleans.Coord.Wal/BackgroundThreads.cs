namespace Orleans.Coord.Wal;

/// <summary>The two threads of a data directory: one writes the log, one does what the log must not wait for.</summary>
internal sealed class BackgroundThreads(AppendQueue queue, AutoResetEvent backgroundWork)
{
    private const int SpaceCheckMs = 1000;
    private Thread? _log;
    private Thread? _background;
    private volatile bool _stopping;

    internal void Start(DataDirectory directory)
    {
        _log = new Thread(() => RunLog(directory)) { IsBackground = true, Name = "coord log" };
        _background = new Thread(() => RunBackground(directory)) { IsBackground = true, Name = "coord snapshot" };
        _log.Start();
        _background.Start();
    }

    /// <summary>Waits until both have ended; the log's thread first writes what is queued.</summary>
    internal void Stop()
    {
        _stopping = true;
        _log?.Join();
        _background?.Join();
    }

    private void RunLog(DataDirectory directory)
    {
        long nextCheck = 0;
        while (true)
        {
            if (Environment.TickCount64 >= nextCheck)
            {
                directory.CheckSpace();
                nextCheck = Environment.TickCount64 + SpaceCheckMs;
            }

            switch (directory.RunWriterOnce())
            {
                case WriterStep.Wrote:
                    continue;
                case WriterStep.Idle when !_stopping:
                    queue.WaitForWork(SpaceCheckMs);
                    continue;
                case WriterStep.OutOfSpace when !_stopping:
                    queue.WaitForSpace(SpaceCheckMs);
                    continue;
                default:
                    return;
            }
        }
    }

    private void RunBackground(DataDirectory directory)
    {
        while (!_stopping)
        {
            if (!directory.RunBackgroundOnce())
            {
                backgroundWork.WaitOne(SpaceCheckMs);
            }
        }
    }
}
