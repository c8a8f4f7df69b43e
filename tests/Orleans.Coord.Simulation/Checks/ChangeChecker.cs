using System.Text;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Simulation;

/// <summary>
/// Change history: each answer against the model's whole history. It holds all changes from the zxid asked for up to
/// the one it names, in order, none twice; and it is refused only if the member began after that zxid or has had so
/// many changes since that it may have forgotten some.
/// </summary>
internal sealed class ChangeChecker(SimWorld world)
{
    /// <summary>Changes that clients were told of.</summary>
    public int Told { get; private set; }

    /// <summary>Times that the history asked for was lost.</summary>
    public int Lost { get; private set; }

    public void Check(
        SimClient client, SimProcess member, SimRequest request, long zxid, CoordErrorCode code,
        ReadOnlySpan<byte> body)
    {
        string what = $"client {client.Id} asked member {member.Id} at {zxid} for changes of {request.Path} "
            + $"since {request.Since}: ";
        if (code == CoordErrorCode.HistoryLost)
        {
            Lost++;
            int since = CountUpTo(world.Model.ChangesAfter(request.Since), zxid);
            Unless(
                request.Since < member.HistoryBase || since > world.Options.HistoryFloor,
                what + $"lost, but its history goes back to {member.HistoryBase}, and there were only {since} since");
            return;
        }

        Unless(code == CoordErrorCode.Ok, what + $"answers {code}");
        var tail = new JuteReader(body[^(sizeof(long) + 1)..]);
        long upTo = tail.ReadLong();
        bool more = tail.ReadBool();
        Unless(
            more ? upTo > request.Since && upTo < zxid : upTo == Math.Max(request.Since, zxid),
            what + $"tells up to {upTo}{(more ? ", and there are more" : "")}");
        var reader = new JuteReader(body);
        int left = reader.ReadInt();
        foreach (ModelChange change in world.Model.ChangesAfter(request.Since))
        {
            if (change.Zxid > upTo || !Concerns(change, request))
            {
                continue;
            }

            Unless(left-- > 0, what + $"lacks {change}");
            var told = new ModelChange(
                reader.ReadLong(), (WatchEventType)reader.ReadInt(), Encoding.UTF8.GetString(reader.ReadString()));
            Unless(told == change, what + $"{told} instead of {change}");
            Told++;
        }

        Unless(left == 0, what + $"tells of {left} changes too many");
    }

    private static bool Concerns(in ModelChange change, SimRequest request)
    {
        string below = request.Path == "/" ? "/" : request.Path + "/";
        bool isBelow = change.Path.StartsWith(below, StringComparison.Ordinal);
        bool isChild = isBelow && change.Path.IndexOf('/', below.Length) < 0;
        return change.Path == request.Path
            || (isBelow && request.OfSubtree)
            || (isChild && change.Type != WatchEventType.NodeDataChanged);
    }

    private static int CountUpTo(ReadOnlySpan<ModelChange> changes, long zxid)
    {
        int count = 0;
        foreach (ModelChange change in changes)
        {
            count += change.Zxid <= zxid ? 1 : 0;
        }

        return count;
    }

    private static void Unless(bool condition, string what) =>
        SimViolationException.Unless(condition, "change history", what);
}
