using System.Diagnostics.CodeAnalysis;

namespace Orleans.Coord.Gateway;

/// <summary>Keeps a few objects for reuse. What it has no room for is left to the garbage collector.</summary>
internal sealed class BoundedPool<T>(int capacity)
    where T : class
{
    private readonly T?[] _items = new T?[capacity];
    private readonly Lock _lock = new();
    private int _count;

    /// <summary>Takes an object out; false when the pool is empty.</summary>
    public bool TryTake([NotNullWhen(true)] out T? item)
    {
        lock (_lock)
        {
            if (_count == 0)
            {
                item = null;
                return false;
            }

            item = _items[--_count]!;
            _items[_count] = null;
            return true;
        }
    }

    /// <summary>Puts an object in; false when the pool is full.</summary>
    public bool TryPut(T item)
    {
        lock (_lock)
        {
            if (_count == _items.Length)
            {
                return false;
            }

            _items[_count++] = item;
            return true;
        }
    }
}
