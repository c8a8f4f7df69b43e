using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Orleans.Coord.Gateway;

/// <summary>
/// The words over HTTP, as ZooKeeper's admin server has them: <c>GET /commands</c> lists the commands,
/// <c>GET /commands/NAME</c> runs one and answers in JSON; the figures for Prometheus at <c>GET /metrics</c>; and
/// <c>POST /commands/close_session?session_id=0x…</c>, which ends a session.
/// </summary>
internal sealed class AdminServer : IHttpApplication<HttpContext>, IAsyncDisposable
{
    private const string CommandsPath = "/commands";

    private static readonly JsonSerializerOptions _indented = new() { WriteIndented = true };

    private readonly AdminCommands _commands;
    private readonly KestrelServer _server;
    private readonly IPEndPoint _endPoint;

    public AdminServer(IPEndPoint endPoint, AdminCommands commands, ILoggerFactory loggers)
    {
        const int MaxClients = 100;
        _commands = commands;
        _endPoint = endPoint;
        var options = new KestrelServerOptions { AddServerHeader = false };
        options.Limits.MaxConcurrentConnections = MaxClients;
        options.Listen(endPoint, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            EndPointOf = () => (IPEndPoint)listen.EndPoint;
        });
        var transport = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), loggers);
        _server = new KestrelServer(Options.Create(options), transport, loggers);
    }

    /// <summary>Where it listens; the real port once started.</summary>
    public IPEndPoint EndPoint => EndPointOf();

    private Func<IPEndPoint> EndPointOf { get; set; } = () => new IPEndPoint(IPAddress.None, 0);

    /// <summary>Serves from now on.</summary>
    /// <exception cref="GatewayBindException">The port can't be had; the message tells the operator why.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _server.StartAsync(this, cancellationToken);
        }
        catch (IOException exception)
        {
            throw GatewayBindException.For(_endPoint, exception);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _server.StopAsync(now.Token);
        _server.Dispose();
    }

    /// <inheritdoc/>
    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    /// <inheritdoc/>
    public void DisposeContext(HttpContext context, Exception? exception)
    {
        // Nothing of ours.
    }

    /// <inheritdoc/>
    public async Task ProcessRequestAsync(HttpContext context)
    {
        string path = context.Request.Path.Value?.TrimEnd('/') ?? "";
        if (HttpMethods.IsPost(context.Request.Method) && path == CommandsPath + "/close_session")
        {
            JsonObject answer = await _commands.EndSessionAsync(context.Request.Query);
            await WriteAsync(context, "application/json; charset=utf-8", answer.ToJsonString(_indented));
        }
        else if (!HttpMethods.IsGet(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
        }
        else if (path == "/metrics")
        {
            await WriteAsync(context, "text/plain; version=0.0.4; charset=utf-8", await _commands.MetricsAsync());
        }
        else if (path == CommandsPath)
        {
            var links = new StringBuilder();
            foreach (string name in AdminCommands.Names)
            {
                links.Append($"<a href=\"{CommandsPath}/{name}\">{name}</a>\n<br/>\n");
            }

            await WriteAsync(context, "text/html; charset=utf-8", links.ToString());
        }
        else if (path.StartsWith(CommandsPath + "/", StringComparison.Ordinal))
        {
            JsonObject answer = await _commands.RunAsync(path[(CommandsPath.Length + 1)..], context.Request.Query);
            await WriteAsync(context, "application/json; charset=utf-8", answer.ToJsonString(_indented));
        }
        else
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            await WriteAsync(context, "text/plain", $"There is {CommandsPath} and /metrics.\n");
        }
    }

    private static Task WriteAsync(HttpContext context, string type, string text)
    {
        context.Response.ContentType = type;
        return context.Response.WriteAsync(text);
    }
}
