using System.Text;

namespace Orleans.Coord.Primitives.Tests;

public sealed class ZnodePathTests
{
    [Theory]
    [InlineData("/")]
    [InlineData("/a")]
    [InlineData("/a/b.c/..d/e..")]
    [InlineData("/with space/ünïcode/日本")]
    [InlineData("/\uFFEF")]
    public void Accepts_what_ZooKeeper_accepts(string path) =>
        Assert.True(ZnodePath.IsValid(Encoding.UTF8.GetBytes(path)));

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("//")]
    [InlineData("/a/")]
    [InlineData("/a//b")]
    [InlineData("/.")]
    [InlineData("/a/../b")]
    [InlineData("/a/./b")]
    [InlineData("/a\0")]
    [InlineData("/\u0001")]
    [InlineData("/\u007F")]
    [InlineData("/\u009F")]
    [InlineData("/\uE000")]
    [InlineData("/\uFFFD")]
    [InlineData("/\U0001F600")]
    public void Refuses_what_ZooKeeper_refuses(string path) =>
        Assert.False(ZnodePath.IsValid(Encoding.UTF8.GetBytes(path)));

    [Fact]
    public void Refuses_bytes_that_are_not_UTF8() => Assert.False(ZnodePath.IsValid([(byte)'/', 0xC3, 0x28]));

    [Theory]
    [InlineData("/a", "/", "a")]
    [InlineData("/a/bc", "/a", "bc")]
    public void Splits_into_parent_and_name(string path, string parent, string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(path);
        Assert.Equal(parent, Encoding.UTF8.GetString(ZnodePath.Parent(bytes)));
        Assert.Equal(name, Encoding.UTF8.GetString(ZnodePath.Name(bytes)));
    }
}
