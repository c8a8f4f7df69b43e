namespace Orleans.Coord.Tree;

/// <summary>
/// A set in an array, in an order that depends on its history only: small ones cost little more than their items,
/// large ones get an index so that removal stays fast. Removing swaps the last item into the gap.
/// </summary>
internal sealed class IndexedSet<T>
    where T : notnull
{
    private const int IndexFrom = 16;

    private T[] _items = new T[1];
    private Dictionary<T, int>? _positions;

    public int Count { get; private set; }

    public T this[int position] => Items[position];

    /// <summary>The items; valid until the next change.</summary>
    public ReadOnlySpan<T> Items => _items.AsSpan(0, Count);

    public bool Contains(T item) => PositionOf(item) >= 0;

    public bool Add(T item)
    {
        if (Contains(item))
        {
            return false;
        }

        if (Count == _items.Length)
        {
            Array.Resize(ref _items, Count * 2);
        }

        _items[Count] = item;
        _positions?.Add(item, Count);
        Count++;
        if (_positions is null && Count > IndexFrom)
        {
            BuildIndex();
        }

        return true;
    }

    public bool Remove(T item)
    {
        int position = PositionOf(item);
        if (position < 0)
        {
            return false;
        }

        Count--;
        _positions?.Remove(item);
        if (position < Count)
        {
            _items[position] = _items[Count];
            if (_positions is not null)
            {
                _positions[_items[position]] = position;
            }
        }

        _items[Count] = default!;
        return true;
    }

    private int PositionOf(T item) => _positions is null ? Array.IndexOf(_items, item, 0, Count)
        : _positions.TryGetValue(item, out int position) ? position : -1;

    private void BuildIndex()
    {
        _positions = new Dictionary<T, int>(Count);
        for (int i = 0; i < Count; i++)
        {
            _positions.Add(_items[i], i);
        }
    }
}
