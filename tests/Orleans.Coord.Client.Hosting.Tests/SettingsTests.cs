using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Coord.Recipes;

namespace Orleans.Coord.Client.Hosting.Tests;

public sealed class SettingsTests
{
    [Fact]
    public void Every_setting_is_read()
    {
        CoordClientOptions options = Read(
            ("ConnectionString", "a:1,b:2/root"), ("SessionTimeout", "00:00:07"), ("connectTimeout", "00:00:01"),
            ("ReconnectDelay", "00:00:00.020"), ("MaxReconnectDelay", "00:00:03"), ("CloseTimeout", "00:00:04"),
            ("ShuffleServers", "false"), ("MaxPendingRequests", "9"), ("MaxRequestBytes", "1000"),
            ("MaxReplyBytes", "2000"), ("WatchBufferCapacity", "5"), ("User", "ann"), ("Password", "secret"),
            ("Tls", "true"));
        Assert.NotNull(options.Tls);
        Assert.Equal("a:1,b:2/root", options.ConnectionString);
        Assert.Equal(
            (7_000, 1_000, 20, 3_000, 4_000),
            (options.SessionTimeout.TotalMilliseconds, options.ConnectTimeout.TotalMilliseconds,
                options.ReconnectDelay.TotalMilliseconds, options.MaxReconnectDelay.TotalMilliseconds,
                options.CloseTimeout.TotalMilliseconds));
        Assert.Equal(
            (false, 9, 1_000, 2_000, 5),
            (options.ShuffleServers, options.MaxPendingRequests, options.MaxRequestBytes, options.MaxReplyBytes,
                options.WatchBufferCapacity));
        Assert.Equal("digest", Assert.Single(options.Auth).Scheme);
    }

    [Theory]
    [InlineData("SessionTimout", "00:00:07", "'SessionTimout' is no setting of the client; there are ConnectionString")]
    [InlineData("SessionTimeout", "soon", "'SessionTimeout' is 'soon'; it must be a time span")]
    [InlineData("MaxReplyBytes", "1k", "'MaxReplyBytes' is '1k'; it must be a whole number")]
    [InlineData("ShuffleServers", "1", "'ShuffleServers' is '1'; it must be true or false")]
    [InlineData("User", "ann", "'User' and 'Password' go together")]
    public void What_cannot_be_read_is_named(string key, string value, string message)
    {
        var error = Assert.Throws<InvalidOperationException>(() => Read((key, value)));
        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Services_share_one_source_that_logs_to_the_applications_log()
    {
        var options = new CoordClientOptions();
        ServiceProvider services = new ServiceCollection()
            .AddLogging()
            .AddCoordClient(options)
            .BuildServiceProvider();
        await using (services)
        {
            Assert.Same(
                services.GetRequiredService<CoordClientSource>(), services.GetRequiredService<CoordClientSource>());
            Assert.NotNull(services.GetRequiredService<CoordServiceDirectory>());
            Assert.NotNull(services.GetRequiredService<CoordHealthCheck>());
            Assert.Same(services.GetRequiredService<ILoggerFactory>(), options.LoggerFactory);
        }
    }

    [Fact]
    public void Code_has_the_last_word_over_the_section()
    {
        IConfiguration section = Section(("SessionTimeout", "00:00:07"));
        CoordClientOptions? seen = null;
        new ServiceCollection().AddCoordClient(section, options =>
        {
            Assert.Equal(TimeSpan.FromSeconds(7), options.SessionTimeout);
            seen = options;
        });
        Assert.NotNull(seen);
    }

    private static CoordClientOptions Read(params (string Key, string Value)[] settings)
    {
        var options = new CoordClientOptions();
        CoordClientSettings.Read(Section(settings), options);
        return options;
    }

    private static IConfigurationRoot Section(params (string Key, string Value)[] settings) =>
        new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(s => new KeyValuePair<string, string?>(s.Key, s.Value)))
            .Build();
}
