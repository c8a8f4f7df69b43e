namespace Orleans.Coord.LoadGenerator;

/// <summary>
/// A family of znode paths of one length, told apart by zero-padded digits, so that a frame encoded once serves all
/// of them. The ends are offsets just past the last digit, or -1 where the path has no such digits.
/// </summary>
internal sealed record NodePath(string Text, int ParentEnd, int NumberEnd, int Parents)
{
    private const int ParentDigits = 5;
    private const int NumberDigits = 10;

    public const int MaxParents = 100_000;

    public static NodePath Fixed(string path) => new(path, -1, -1, 1);

    /// <summary>The parents <c>root/PPPPP</c>, one per number.</summary>
    public static NodePath ParentsUnder(string root)
    {
        string text = root + "/" + new string('0', ParentDigits);
        return new NodePath(text, -1, text.Length, 1);
    }

    /// <summary>The nodes <c>root/PPPPP/NNNNNNNNNN</c>, spread over the parents in turn.</summary>
    public static NodePath NodesUnder(string root, int parents)
    {
        string parent = root + "/" + new string('0', ParentDigits);
        string text = parent + "/" + new string('0', NumberDigits);
        return new NodePath(text, parent.Length, text.Length, parents);
    }
}
