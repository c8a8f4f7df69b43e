using System.Globalization;
using System.Text;

namespace Orleans.Coord.Recipes;

/// <summary>
/// A 64-bit number that many change at a time without losing a change: decimal text in one znode, as kazoo's counter.
/// </summary>
/// <remarks>
/// When a connection breaks under a change, it ends with <see cref="OutcomeUnknownException"/> where the server
/// cannot tell what became of it. Where only fresh numbers are needed, <see cref="CoordSequence"/> is faster.
/// </remarks>
public sealed class CoordCounter
{
    private readonly SharedValue _value;

    /// <summary>Names a counter; nothing is sent.</summary>
    /// <param name="client">The session to read and write with.</param>
    /// <param name="path">The znode that holds it; where there is none the counter is 0.</param>
    public CoordCounter(CoordClient client, string path) => _value = new SharedValue(client, path);

    /// <summary>The znode that holds the counter.</summary>
    public string Path => _value.Path;

    /// <summary>Reads the counter.</summary>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="FormatException">The znode holds no number.</exception>
    public async Task<long> GetAsync(CancellationToken cancellation = default) =>
        Read((await _value.GetAsync(cancellation).ConfigureAwait(false))?.Data);

    /// <summary>Adds 1 and returns the sum.</summary>
    /// <param name="cancellation">Gives up waiting; the change may happen all the same.</param>
    /// <exception cref="OutcomeUnknownException">The connection was lost before the answer came.</exception>
    public Task<long> IncrementAsync(CancellationToken cancellation = default) => AddAsync(1, cancellation);

    /// <summary>Adds a number and returns the sum.</summary>
    /// <param name="delta">What to add; may be negative.</param>
    /// <param name="cancellation">Gives up waiting; the change may happen all the same.</param>
    /// <exception cref="OverflowException">The sum does not fit; nothing happened.</exception>
    /// <exception cref="FormatException">The znode holds no number.</exception>
    /// <exception cref="OutcomeUnknownException">The connection was lost before the answer came.</exception>
    public async Task<long> AddAsync(long delta, CancellationToken cancellation = default) =>
        Read(await _value.UpdateAsync(old => Write(checked(Read(old) + delta)), cancellation).ConfigureAwait(false));

    /// <summary>Writes the counter whatever it was.</summary>
    /// <param name="value">The new value.</param>
    /// <param name="cancellation">Gives up waiting; the change may happen all the same.</param>
    /// <exception cref="OutcomeUnknownException">The connection was lost before the answer came.</exception>
    public Task SetAsync(long value, CancellationToken cancellation = default) =>
        _value.SetAsync(Write(value), cancellation);

    /// <summary>Writes the counter if it has the value expected; false when it has another.</summary>
    /// <param name="value">The new value.</param>
    /// <param name="expected">The value it must have.</param>
    /// <param name="cancellation">Gives up waiting; the change may happen all the same.</param>
    /// <exception cref="FormatException">The znode holds no number.</exception>
    /// <exception cref="OutcomeUnknownException">The connection was lost before the answer came.</exception>
    public async Task<bool> TrySetAsync(long value, long expected, CancellationToken cancellation = default)
    {
        while (true)
        {
            ZnodeData? old = await _value.GetAsync(cancellation).ConfigureAwait(false);
            if (Read(old?.Data) != expected)
            {
                return false;
            }

            if (await _value.TrySetAsync(Write(value), old, cancellation).ConfigureAwait(false))
            {
                return true;
            }
        }
    }

    private static long Read(ReadOnlyMemory<byte>? data) => data is not { Length: > 0 } text
        ? 0
        : long.Parse(text.Span, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    private static ReadOnlyMemory<byte> Write(long value) =>
        Encoding.UTF8.GetBytes(value.ToString(CultureInfo.InvariantCulture));
}
