using Orleans.Coord.Jute;

namespace Orleans.Coord.Simulation;

/// <content>
/// Changes since a zxid (docs/EXTENSIONS.md): the client keeps how far it is, over reconnects to other members, and
/// over the loss of its session too.
/// </content>
internal sealed partial class SimClient
{
    private const int FarAway = 100_000;
    private readonly bool _follows;
    private readonly string _followed;
    private readonly bool _ofSubtree;
    private long _since;

    // Sometimes from another zxid: one that nobody has reached, or an old one that may be forgotten.
    private void FollowChanges()
    {
        if (!_follows || !_extras.OneIn(3))
        {
            return;
        }

        AskForChanges(_extras.Below(8) switch
        {
            0 => _since + FarAway,
            1 => _extras.Below((int)_since + 1),
            _ => _since,
        });
    }

    private void ResumeChanges()
    {
        if (_follows)
        {
            AskForChanges(_since);
        }
    }

    private void AskForChanges(long since) => Ask(new SimRequest
    {
        Xid = ++_xid,
        Op = OpCode.GetChanges,
        Body = RequestBody.Changes(_followed, _ofSubtree, since),
        Path = _followed,
        OfSubtree = _ofSubtree,
        Since = since,
    });

    private void TakeChanges(SimRequest request, long zxid, CoordErrorCode code, ReadOnlySpan<byte> body)
    {
        if (request.Since != _since)
        {
            return;
        }

        if (code == CoordErrorCode.HistoryLost)
        {
            // Whoever reads the tree now may go on from here.
            _since = zxid;
            return;
        }

        var reader = new JuteReader(body[^(sizeof(long) + 1)..]);
        _since = reader.ReadLong();
        if (reader.ReadBool())
        {
            AskForChanges(_since);
        }
    }
}
