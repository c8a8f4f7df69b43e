using Orleans.Coord.Jute;

namespace Orleans.Coord.Client.Tests;

/// <summary>Bodies of answers, and short names for what tests write often.</summary>
internal static class Bodies
{
    public static Stat StatOf(long mzxid, int version = 0) => new(1, mzxid, 0, 0, version, 0, 0, 0, 1, 0, mzxid);

    public static Action<JuteWriter> Data(string text, long mzxid = 1) => writer =>
    {
        writer.WriteBuffer(System.Text.Encoding.UTF8.GetBytes(text));
        writer.WriteStat(StatOf(mzxid));
    };

    public static Action<JuteWriter> OfStat(long mzxid = 1) => writer => writer.WriteStat(StatOf(mzxid));

    public static Action<JuteWriter> Children(long pzxid, params string[] names) => writer =>
    {
        writer.WriteInt(names.Length);
        foreach (string name in names)
        {
            writer.WriteString(name);
        }

        writer.WriteStat(StatOf(pzxid));
    };

    public static Action<JuteWriter> Created(string path) => writer =>
    {
        writer.WriteString(path);
        writer.WriteStat(StatOf(1));
    };

    public static string Text(this ZnodeData? data) => System.Text.Encoding.UTF8.GetString(data!.Data.Span);

    public static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(FakeServer.Patience);

    public static Task Soon(this Task task) => task.WaitAsync(FakeServer.Patience);

    public static async Task<T> NextAsync<T>(this IAsyncEnumerator<T> stream)
    {
        Assert.True(await stream.MoveNextAsync().AsTask().Soon());
        return stream.Current;
    }
}
