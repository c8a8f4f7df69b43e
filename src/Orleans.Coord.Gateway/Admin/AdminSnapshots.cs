using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Orleans.Coord.Gateway;

/// <summary>
/// The commands <c>snapshot</c> and <c>restore</c> of ZooKeeper's admin server: only for callers who show in the header
/// <c>Authorization: SCHEME CREDENTIALS</c> that they may do anything to the root, and each only so often.
/// </summary>
internal sealed class AdminSnapshots(ISnapshotAdmin snapshots, TimeSpan interval)
{
    private readonly RateLimit _takes = new(interval);
    private readonly RateLimit _restores = new(interval);

    /// <summary><c>GET /commands/snapshot</c>, with the file unless <c>streaming=false</c>.</summary>
    public async Task TakeAsync(HttpContext context)
    {
        if (await RefuseAsync(context, "snapshot", _takes))
        {
            return;
        }

        if (await snapshots.TakeAsync(context.RequestAborted) is not { } download)
        {
            await AnswerAsync(
                context, "snapshot", StatusCodes.Status500InternalServerError,
                "No snapshot could be taken; the silo's log may say why.");
            return;
        }

        await using Stream content = download.Content;
        IHeaderDictionary headers = context.Response.Headers;
        headers["last_zxid"] = "0x" + download.Zxid.ToString("x", CultureInfo.InvariantCulture);
        headers["snapshot_size"] = content.Length.ToString(CultureInfo.InvariantCulture);
        string streaming = context.Request.Query["streaming"].ToString();
        if (streaming.Equals("false", StringComparison.OrdinalIgnoreCase))
        {
            await AnswerAsync(context, "snapshot", StatusCodes.Status200OK, null);
            return;
        }

        context.Response.ContentType = "application/octet-stream";
        context.Response.ContentLength = content.Length;
        await content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }

    /// <summary><c>POST /commands/restore</c> with a snapshot's file.</summary>
    public async Task RestoreAsync(HttpContext context)
    {
        if (await RefuseAsync(context, "restore", _restores))
        {
            return;
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            // The host knows what its disk has room for.
            limit.MaxRequestBodySize = null;
        }

        RestoreResult result = await snapshots.RestoreAsync(context.Request.Body, context.RequestAborted);
        int status = result.Refusal is null ? StatusCodes.Status200OK : StatusCodes.Status409Conflict;
        await AnswerAsync(context, "restore", status, result.Refusal, result.LastZxid);
    }

    private async Task<bool> RefuseAsync(HttpContext context, string command, RateLimit limit)
    {
        (int status, string error) = await RightOfAsync(context) switch
        {
            null => (StatusCodes.Status401Unauthorized, "Auth info is missing for the command"),
            AdminRight.NotAuthenticated => (StatusCodes.Status401Unauthorized, "Not authenticated"),
            AdminRight.NotAuthorized => (
                StatusCodes.Status403Forbidden,
                "Not authorized: only the super user may, or who has all rights on the root by its own list"),
            _ when !limit.TryTake() => (
                StatusCodes.Status429TooManyRequests,
                $"Only one {command} is allowed in {interval.TotalSeconds} s (Coord:AdminSnapshotIntervalMs)"),
            _ => (0, ""),
        };
        if (status != 0)
        {
            await AnswerAsync(context, command, status, error);
        }

        return status != 0;
    }

    private async Task<AdminRight?> RightOfAsync(HttpContext context)
    {
        string header = context.Request.Headers.Authorization.ToString();
        if (header.Length == 0)
        {
            return null;
        }

        string[] words = header.Split(' ', 2);
        return await snapshots.RightOfAsync(
            context.Connection.RemoteIpAddress ?? IPAddress.None, words[0], words.Length > 1 ? words[1] : "",
            context.RequestAborted);
    }

    private static Task AnswerAsync(
        HttpContext context, string command, int status, string? error, long? lastZxid = null)
    {
        var answer = new JsonObject { ["command"] = command, ["error"] = error };
        if (lastZxid is { } zxid && error is null)
        {
            answer["last_zxid"] = zxid;
        }

        context.Response.StatusCode = status;
        return AdminServer.WriteAsync(context, answer);
    }

    private sealed class RateLimit(TimeSpan interval)
    {
        private long _nextMs = long.MinValue;

        public bool TryTake()
        {
            long next = Volatile.Read(ref _nextMs);
            long now = Environment.TickCount64;
            return now >= next
                && Interlocked.CompareExchange(ref _nextMs, now + (long)interval.TotalMilliseconds, next) == next;
        }
    }
}
