using System.CommandLine;
using System.Globalization;
using Orleans.Coord.Tree;
using Command = System.CommandLine.Command;

namespace Orleans.Coord.SiloHost.Administration;

/// <summary>
/// <c>./coord member</c>: shows and changes the members of a running ensemble, over ZooKeeper's own protocol
/// (<c>reconfig</c>), so it works from any machine that reaches a member.
/// </summary>
internal static class MemberCommand
{
    private const string AuthVariable = "COORD_AUTH";
    private static readonly TimeSpan _pollInterval = TimeSpan.FromMilliseconds(250);

    private static readonly Option<string> Server = new("--server")
    {
        Description = "Members that serve clients, HOST:PORT,HOST:PORT; the first that answers is asked",
        DefaultValueFactory = _ => "127.0.0.1:2181",
        Recursive = true,
    };

    private static readonly Option<string?> Auth = new("--auth")
    {
        Description = $"The super user's name and password, super:PASSWORD (or variable {AuthVariable})",
        Recursive = true,
    };

    private static readonly Option<string?> Clients = new("--clients")
    {
        Description = "Where the new member's clients connect: PORT or HOST:PORT",
        Required = true,
    };

    private static readonly Option<bool> Observer = new("--observer")
    {
        Description = "It serves clients and never votes",
    };

    private static readonly Option<int> Wait = new("--wait")
    {
        Description = "Seconds to wait until the member has caught up and votes",
        DefaultValueFactory = _ => 60,
    };

    private static readonly Argument<string> Joiner = new("member") { Description = "ID=HOST:PORT of the peer port" };

    private static readonly Argument<int> Id = new("id") { Description = "The member's id" };

    private static readonly Argument<string> Credentials = new("user:password");

    /// <summary>The command with its subcommands.</summary>
    public static Command Create()
    {
        var list = new Command("list", "Show the members and how each one is");
        list.SetAction(parsed => Run(parsed, mustAuthenticate: false, client => Show(client.ReadConfiguration())));
        var add = new Command("add", "Add a member: it catches up first, and votes then")
        {
            Joiner, Clients, Observer, Wait,
        };
        add.SetAction(parsed => Run(parsed, mustAuthenticate: true, client => Add(client, parsed)));
        var remove = new Command("remove", "Remove a member; its id never comes back") { Id };
        remove.SetAction(parsed => Run(parsed, mustAuthenticate: true, client => Remove(client, parsed.GetValue(Id))));
        var promote = new Command("promote", "Let an observer vote") { Id, Wait };
        promote.SetAction(parsed => Run(parsed, mustAuthenticate: true, client => Promote(client, parsed)));
        var digest = new Command("digest", "Print the setting Coord:SuperDigest for a super user") { Credentials };
        digest.SetAction(parsed => Console.WriteLine(CallerIdentities.DigestId(parsed.GetValue(Credentials)!)));
        return new Command("member", "Show and change the members of a running ensemble")
        {
            Server, Auth, list, add, remove, promote, digest,
        };
    }

    private static int Run(ParseResult parsed, bool mustAuthenticate, Func<MemberClient, int> action)
    {
        try
        {
            using MemberClient client = MemberClient.Connect(parsed.GetValue(Server)!);
            string? credentials = parsed.GetValue(Auth) ?? Environment.GetEnvironmentVariable(AuthVariable);
            if (credentials is not null && client.Authenticate(credentials) != CoordErrorCode.Ok)
            {
                throw new StartupException("The server refuses what --auth says.");
            }

            if (credentials is null && mustAuthenticate)
            {
                Console.WriteLine("coord: no --auth: that does only where the configuration's ACL lets all write");
            }

            return action(client);
        }
        catch (StartupException e)
        {
            Console.Error.WriteLine("coord: " + e.Message);
            return 1;
        }
        catch (IOException e)
        {
            Console.Error.WriteLine($"coord: the connection broke ({e.Message}); ./coord member list shows how it is.");
            return 1;
        }
    }

    private static int Show(EnsembleConfig config)
    {
        if (config.IsEmpty)
        {
            throw new StartupException(
                "This silo is alone, or its group has no list of members yet. To let one alone grow, restart it with "
                + "Coord:Members=1=HOST:PORT, on the Orleans host with Coord:Voters=1.");
        }

        Console.WriteLine(MemberStates.Table(config));
        return 0;
    }

    private static int Add(MemberClient client, ParseResult parsed)
    {
        string text = $"{parsed.GetValue(Joiner)};{parsed.GetValue(Clients)}";
        EnsembleMember joiner = Members.ParseOne(text) ?? throw new StartupException(
            $"'{parsed.GetValue(Joiner)}' with --clients '{parsed.GetValue(Clients)}' is no member: write "
            + "ID=HOST:PORT, its id from 1 to 255, and --clients PORT or --clients HOST:PORT.");
        EnsembleConfig before = client.ReadConfiguration();
        if (before.Find(joiner.Replica) is { } there)
        {
            throw new StartupException($"There is a member {joiner.Id} already: {there}.");
        }

        Change(client, before, joiner with { IsObserver = parsed.GetValue(Observer) }, null);
        string kind = parsed.GetValue(Observer) ? "observer" : "participant";
        Console.WriteLine($"coord: member {joiner.Id} is in the configuration as {kind}; waiting until it serves");
        return AwaitState(client, joiner.Replica, parsed.GetValue(Wait));
    }

    private static int Promote(MemberClient client, ParseResult parsed)
    {
        EnsembleConfig before = client.ReadConfiguration();
        EnsembleMember member = Find(before, parsed.GetValue(Id));
        if (!member.IsObserver)
        {
            throw new StartupException($"Member {member.Id} is a participant already.");
        }

        Change(client, before, member with { IsObserver = false }, null);
        return AwaitState(client, member.Replica, parsed.GetValue(Wait));
    }

    private static int Remove(MemberClient client, int id)
    {
        EnsembleConfig before = client.ReadConfiguration();
        EnsembleMember member = Find(before, id);
        Change(client, before, null, member.Id.ToString(CultureInfo.InvariantCulture));
        Console.WriteLine(
            $"coord: member {id} is removed. Stop that silo and delete its data; its id never comes back");
        return 0;
    }

    private static EnsembleMember Find(EnsembleConfig config, int id) =>
        (id is > 0 and <= byte.MaxValue ? config.Find(new ReplicaId((byte)id)) : null)
        ?? throw new StartupException(
            $"There is no member {id}; the members are {string.Join(", ", config.Members.Select(m => m.Id))}.");

    // Meant for the configuration that was read: two operators at once don't undo each other's work.
    private static void Change(MemberClient client, EnsembleConfig before, EnsembleMember? joining, string? leaving)
    {
        CoordErrorCode code = client.Reconfigure(
            new ReconfigRequest(joining?.ToString(), leaving, null, before.Version));
        if (code != CoordErrorCode.Ok)
        {
            throw new StartupException(Explain(code));
        }
    }

    private static int AwaitState(MemberClient client, ReplicaId id, int seconds)
    {
        DateTime deadline = DateTime.UtcNow.AddSeconds(seconds);
        string state;
        do
        {
            EnsembleMember member = Find(client.ReadConfiguration(), id.Value);
            (state, _) = MemberStates.Of(member);
            if (state is "leader" or "follower" or "observer")
            {
                Console.WriteLine($"coord: member {id} serves as {state}");
                return 0;
            }

            Thread.Sleep(_pollInterval);
        }
        while (DateTime.UtcNow < deadline);
        Console.Error.WriteLine(
            $"coord: member {id} is still {state}. It joins by itself once its silo runs, with Coord:Join=true, "
            + "Coord:ReplicaId and Coord:Members, and reaches the others; until then it costs them nothing.");
        return 1;
    }

    private static string Explain(CoordErrorCode code) => code switch
    {
        CoordErrorCode.ReconfigDisabled =>
            "That silo does not let its clients change members: start it with --set Coord:ReconfigEnabled=true.",
        CoordErrorCode.NoAuth =>
            "Only the super user may: --auth super:PASSWORD. The silos' setting Coord:SuperDigest holds its digest, "
            + "which ./coord member digest super:PASSWORD prints.",
        CoordErrorCode.Unimplemented =>
            "This silo is alone: to let it grow, restart it with Coord:Members=1=HOST:PORT, on the Orleans host with "
            + "Coord:Voters=1.",
        CoordErrorCode.NewConfigNoQuorum =>
            "Of the voters that would be left no majority follows now: the ensemble would stop. Nothing was changed.",
        CoordErrorCode.ReconfigInProgress => "Another change is under way: try again in a moment.",
        CoordErrorCode.BadVersion => "Somebody else changed the members just now: look again, then try again.",
        CoordErrorCode.BadArguments =>
            "The ensemble refuses it: an id that was removed never comes back, no two members have one address, and a "
            + "voter must remain.",
        _ => $"The ensemble answers {code}; nothing was changed.",
    };
}
