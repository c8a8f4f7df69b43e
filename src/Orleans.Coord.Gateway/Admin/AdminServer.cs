using System.Net;
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
/// <c>GET /commands/NAME</c> runs one and answers in JSON; the figures for Prometheus at <c>GET /metrics</c>;
/// <c>GET /livez</c> and <c>GET /readyz</c> for probes, which answer 200, or 503 and why;
/// <c>POST /commands/restore</c>; and <c>POST /commands/close_session?session_id=0x…</c>, which ends a session.
/// </summary>
internal sealed class AdminServer : IHttpApplication<HttpContext>, IAsyncDisposable
{
    private const string CommandsPath = "/commands";

    private static readonly JsonSerializerOptions _indented = new() { WriteIndented = true };

    private readonly AdminCommands _commands;
    private readonly AdminSnapshots? _snapshots;
    private readonly KestrelServer _server;
    private readonly IPEndPoint _endPoint;

    public AdminServer(
        IPEndPoint endPoint, AdminCommands commands, AdminSnapshots? snapshots, ILoggerFactory loggers)
    {
        const int MaxClients = 100;
        _commands = commands;
        _snapshots = snapshots;
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
    public Task ProcessRequestAsync(HttpContext context)
    {
        string path = context.Request.Path.Value?.TrimEnd('/') ?? "";
        string? command = path.StartsWith(CommandsPath + "/", StringComparison.Ordinal)
            ? path[(CommandsPath.Length + 1)..]
            : null;
        return HttpMethods.IsPost(context.Request.Method) ? PostAsync(context, command)
            : !HttpMethods.IsGet(context.Request.Method) ? RefuseMethod(context)
            : command is "snapshot" or "snap" && _snapshots is not null ? _snapshots.TakeAsync(context)
            : command is not null ? RunAsync(context, command)
            : GetAsync(context, path);
    }

    /// <summary>Answers in JSON.</summary>
    public static Task WriteAsync(HttpContext context, JsonObject answer) =>
        WriteAsync(context, "application/json; charset=utf-8", answer.ToJsonString(_indented));

    private async Task PostAsync(HttpContext context, string? command)
    {
        switch (command)
        {
            case "close_session":
                await WriteAsync(context, await _commands.EndSessionAsync(context.Request.Query));
                break;
            case "restore" or "rest" when _snapshots is not null:
                await _snapshots.RestoreAsync(context);
                break;
            default:
                await RefuseMethod(context);
                break;
        }
    }

    private async Task RunAsync(HttpContext context, string command) =>
        await WriteAsync(context, await _commands.RunAsync(command, context.Request.Query));

    private async Task GetAsync(HttpContext context, string path)
    {
        switch (path)
        {
            case "/metrics":
                await WriteAsync(context, "text/plain; version=0.0.4; charset=utf-8", await _commands.MetricsAsync());
                break;
            case "/livez":
                await WriteHealthAsync(context, await _commands.WhyNotLiveAsync());
                break;
            case "/readyz":
                await WriteHealthAsync(context, await _commands.WhyNotReadyAsync());
                break;
            case CommandsPath:
                await WriteAsync(context, "text/html; charset=utf-8", string.Concat(AdminCommands.Names.Select(
                    static name => $"<a href=\"{CommandsPath}/{name}\">{name}</a>\n<br/>\n")));
                break;
            default:
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                await WriteAsync(context, "text/plain", $"There are {CommandsPath}, /metrics, /livez and /readyz.\n");
                break;
        }
    }

    private static Task WriteHealthAsync(HttpContext context, string? complaint)
    {
        context.Response.StatusCode =
            complaint is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return WriteAsync(context, "text/plain; charset=utf-8", (complaint ?? "ok") + "\n");
    }

    private static Task RefuseMethod(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
        return Task.CompletedTask;
    }

    private static Task WriteAsync(HttpContext context, string type, string text)
    {
        context.Response.ContentType = type;
        return context.Response.WriteAsync(text);
    }
}
