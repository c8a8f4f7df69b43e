using System.Diagnostics.CodeAnalysis;

namespace Orleans.Coord.Client;

/// <summary>The answer of a <c>Try…</c> call: a value, or the expected reason why there is none.</summary>
/// <typeparam name="T">The value's type.</typeparam>
/// <param name="Code"><see cref="CoordErrorCode.Ok"/>, or what stood in the way.</param>
/// <param name="Value">The value; default when the call did not succeed.</param>
public readonly record struct CoordResult<T>(CoordErrorCode Code, T? Value)
{
    /// <summary>True when the call succeeded.</summary>
    [MemberNotNullWhen(true, nameof(Value))]
    public bool Succeeded => Code == CoordErrorCode.Ok;
}

/// <summary>The answer of a <c>Try…</c> call that yields no value.</summary>
/// <param name="Code"><see cref="CoordErrorCode.Ok"/>, or what stood in the way.</param>
public readonly record struct CoordResult(CoordErrorCode Code)
{
    /// <summary>True when the call succeeded.</summary>
    public bool Succeeded => Code == CoordErrorCode.Ok;
}
