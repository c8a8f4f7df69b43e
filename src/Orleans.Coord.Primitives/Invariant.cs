using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Orleans.Coord;

/// <summary>
/// Checks that stay on in production: a broken invariant stops the replica rather than spoil its state.
/// </summary>
public static class Invariant
{
    /// <summary>Throws when <paramref name="condition"/> does not hold.</summary>
    /// <param name="condition">What must be true.</param>
    /// <param name="what">The condition's own text, filled in by the compiler.</param>
    /// <param name="member">The method that checks, filled in by the compiler.</param>
    /// <exception cref="InvariantException">The condition is false.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(
        [DoesNotReturnIf(false)] bool condition,
        [CallerArgumentExpression(nameof(condition))] string what = "",
        [CallerMemberName] string member = "")
    {
        if (!condition)
        {
            Fail(what, member);
        }
    }

    [DoesNotReturn]
    private static void Fail(string what, string member) => throw new InvariantException($"{member}: {what}");
}

/// <summary>A state was met that correct code never reaches. The host stops the replica; it must not go on.</summary>
public sealed class InvariantException : Exception
{
    /// <summary>Creates an exception without a text.</summary>
    public InvariantException()
    {
    }

    /// <summary>Creates an exception that names the broken invariant.</summary>
    public InvariantException(string message)
        : base(message)
    {
    }

    /// <summary>Creates an exception that names the broken invariant and its cause.</summary>
    public InvariantException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
