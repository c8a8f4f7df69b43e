namespace Orleans.Coord.Client;

public sealed partial class CoordClient
{
    /// <summary>How many requests of one recursive call are under way at a time.</summary>
    private const int Batch = 256;

    /// <summary>Creates those of a path's znodes that do not exist, as persistent ones without data.</summary>
    /// <param name="path">The path that exists afterwards.</param>
    /// <param name="acl">For the znodes created; null for <see cref="CoordClientOptions.DefaultAcl"/>.</param>
    /// <param name="cancellation">Gives up; a part of the path may exist then.</param>
    /// <exception cref="CoordException">No right, or an ephemeral znode stands in the way.</exception>
    public async Task EnsurePathAsync(
        string path, IReadOnlyList<Acl>? acl = null, CancellationToken cancellation = default)
    {
        // From the far end, since most often only the last names are missing, or none. By the server's paths, so
        // that this client's own root is made too.
        var missing = new Stack<string>();
        string at = _session.Root.ToServer(path);
        while (at != "/" && !await ExistsOnServerAsync(at, cancellation).ConfigureAwait(false))
        {
            missing.Push(at);
            at = at[..Math.Max(1, at.LastIndexOf('/'))];
        }

        while (missing.TryPeek(out string? next))
        {
            var create = new CreateOperation(
                next, default, acl ?? _session.Options.DefaultAcl, CreateMode.Persistent, 0, _session.Root);
            try
            {
                CoordResult<CreatedZnode> created =
                    await SendAsync<CreateOperation, CreatedZnode>(create, cancellation).ConfigureAwait(false);
                ThrowUnless(created.Code, _session.Root.ToClient(next), CoordErrorCode.NodeExists);
                missing.Pop();
            }
            catch (OutcomeUnknownException)
            {
                // Whether it was created or exists: asking again finds out.
            }
        }
    }

    /// <summary>
    /// Deletes a znode and all below it, children before parents; not as one step. Ends well when there is nothing.
    /// </summary>
    /// <param name="path">The znode; the root itself is never deleted, only what is below it.</param>
    /// <param name="cancellation">Gives up; a part may be deleted then.</param>
    /// <exception cref="CoordException">No right.</exception>
    public async Task DeleteRecursiveAsync(string path, CancellationToken cancellation = default)
    {
        // Others may create children meanwhile: list anew until nothing refuses to go.
        bool again = true;
        while (again)
        {
            List<string> doomed = await ListSubtreeAsync(path, cancellation).ConfigureAwait(false);
            again = false;
            for (int end = doomed.Count; end > 0; end -= Batch)
            {
                int start = Math.Max(0, end - Batch);
                again |= !await DeleteAllAsync(doomed, start, end, cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task<bool> ExistsOnServerAsync(string serverPath, CancellationToken cancellation)
    {
        CoordResult<Stat> result =
            await SendAsync<ExistsOperation, Stat>(new(serverPath), cancellation).ConfigureAwait(false);
        ThrowUnless(result.Code, _session.Root.ToClient(serverPath), CoordErrorCode.NoNode);
        return result.Succeeded;
    }

    /// <summary>The znode and all below it, parents before children. ZooKeeper's own subtree is left alone.</summary>
    private async Task<List<string>> ListSubtreeAsync(string path, CancellationToken cancellation)
    {
        var found = new List<string> { path };
        int done = 0;
        while (done < found.Count)
        {
            string[] parents = [.. found.Skip(done).Take(Batch)];
            ZnodeChildren?[] lists = await Task.WhenAll(
                parents.Select(parent => TryGetChildrenAsync(parent, cancellation))).ConfigureAwait(false);
            foreach ((string parent, ZnodeChildren? children) in parents.Zip(lists))
            {
                string prefix = parent == "/" ? "/" : parent + "/";
                found.AddRange((children?.Names ?? []).Select(name => prefix + name).Where(p => !IsReserved(p)));
            }

            done += parents.Length;
        }

        found.RemoveAll(static p => p == "/");
        return found;
    }

    private bool IsReserved(string path) => _session.Root.ToServer(path) == "/zookeeper";

    private async Task<bool> DeleteAllAsync(List<string> paths, int start, int end, CancellationToken cancellation)
    {
        var deletes = new List<Task<CoordResult>>(end - start);
        for (int i = end - 1; i >= start; i--)
        {
            deletes.Add(TryDeleteAsync(paths[i], AnyVersion, cancellation));
        }

        bool all = true;
        foreach (Task<CoordResult> delete in deletes)
        {
            try
            {
                CoordResult result = await delete.ConfigureAwait(false);
                all &= result.Code != CoordErrorCode.NotEmpty;
            }
            catch (OutcomeUnknownException)
            {
                all = false;
            }
        }

        return all;
    }
}
