namespace Orleans.Coord.Recipes.Tests;

public sealed class ContenderTests
{
    [Theory]
    [InlineData("6f2d__lock__0000000007", false, 7)]
    [InlineData("6f2d__rlock__0000000007", true, 7)]
    [InlineData("_c_6f2d-lock-0000000007", false, 7)]
    [InlineData("lock-2147483647", false, int.MaxValue)]
    [InlineData("_c_6f2d-__WRIT__0000000007", false, 7)]
    [InlineData("_c_6f2d-__READ__0000000007", true, 7)]
    [InlineData("6f2d__lock__-2147483648", false, int.MinValue)]
    [InlineData("6f2d__lock__-000000005", false, -5)]
    public void Reads_the_names_of_all_layouts(string name, bool isShared, int sequence)
    {
        Assert.True(Contender.TryParse(name, out Contender contender));
        Assert.Equal(new Contender(name, isShared, sequence), contender);
    }

    [Theory]
    [InlineData("")]
    [InlineData("ready")]
    [InlineData("0000000007")]
    [InlineData("6f2d__lock__7")]
    [InlineData("6f2d__lock__0000000007x")]
    [InlineData("6f2d__lock__00000000071")]
    public void Leaves_other_names_alone(string name) => Assert.False(Contender.TryParse(name, out _));

    [Fact]
    public void Waits_for_the_last_one_before_it()
    {
        string[] names = ["c__lock__0000000009", "x", "a__rlock__0000000003", "b__lock__0000000005"];
        Assert.Equal("b__lock__0000000005", BlockerOf(names[0], names));
        Assert.Equal("a__rlock__0000000003", BlockerOf(names[3], names));
        Assert.Null(BlockerOf(names[2], names));
    }

    [Fact]
    public void Readers_wait_for_writers_only()
    {
        string[] names = ["a__lock__0000000001", "b__rlock__0000000002", "c__rlock__0000000003"];
        Assert.Equal(names[0], BlockerOf(names[2], names));
        Assert.Null(BlockerOf(names[2], names[1..]));
    }

    [Fact]
    public void The_order_survives_the_wrap_of_the_counter()
    {
        string[] names = ["b__lock__-2147483648", "a__lock__2147483647", "c__lock__-2147483647"];
        Assert.Equal(["a__lock__2147483647", names[0], names[2]], WaitingLine.Order(names));
        Assert.Equal(names[1], BlockerOf(names[0], names));
    }

    [Fact]
    public void Sees_that_it_is_not_in_the_list() =>
        Assert.False(Contender.Parse("a__lock__0000000001").TryFindBlocker(["b__lock__0000000000"], out _));

    private static string? BlockerOf(string name, string[] names)
    {
        Assert.True(Contender.Parse(name).TryFindBlocker(names, out string? blocker));
        return blocker;
    }
}
