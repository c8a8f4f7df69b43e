using System.Runtime.CompilerServices;

namespace Orleans.Coord.Client;

/// <summary>The session's state: one current value, and a task per value that ends when it is replaced.</summary>
internal sealed class StateCell
{
    private readonly Lock _gate = new();
    private volatile Node _current = new(SessionState.Connecting);

    public SessionState Value => _current.State;

    public static bool IsFinal(SessionState state) => state is SessionState.Expired or SessionState.Closed;

    /// <summary>Moves on; a final state stays.</summary>
    public bool TrySet(SessionState next)
    {
        Node old;
        lock (_gate)
        {
            old = _current;
            if (IsFinal(old.State) || old.State == next)
            {
                return false;
            }

            _current = new Node(next);
        }

        old.Replaced.SetResult();
        return true;
    }

    /// <summary>Waits until the state is the wanted one or final; returns what it is.</summary>
    public async Task<SessionState> WaitAsync(SessionState wanted, CancellationToken cancellation)
    {
        while (true)
        {
            Node node = _current;
            if (node.State == wanted || IsFinal(node.State))
            {
                return node.State;
            }

            await node.Replaced.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>The state, then each later one that a consumer is in time for; ends with a final one.</summary>
    public async IAsyncEnumerable<SessionState> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        while (true)
        {
            Node node = _current;
            yield return node.State;
            if (IsFinal(node.State))
            {
                yield break;
            }

            await node.Replaced.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    // Nodes do not point forward: a consumer that holds an old one holds nothing else.
    private sealed class Node(SessionState state)
    {
        public SessionState State { get; } = state;

        public TaskCompletionSource Replaced { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
