namespace Orleans.Coord.Tree;

/// <summary>
/// Bugs that tests plant in a state machine, to prove that their checkers would see them. Never set in production.
/// </summary>
[Flags]
internal enum TreeFaults
{
    None = 0,

    /// <summary>Executes writes of a connection that the session has left.</summary>
    AdmitOldGeneration = 1 << 0,

    /// <summary>Executes writes twice, and past gaps.</summary>
    AdmitOutOfOrder = 1 << 1,

    /// <summary>Lets an expiry end a session that was attached again since.</summary>
    ExpireMoved = 1 << 2,

    /// <summary>Forgets one ephemeral znode of a session that ends.</summary>
    KeepEphemeral = 1 << 3,

    /// <summary>Takes a sequence number from the number of children there are.</summary>
    ReuseSequence = 1 << 4,

    /// <summary>Keeps what a failed multi did before it failed.</summary>
    KeepFailedMulti = 1 << 5,

    /// <summary>Arms watches again without telling what was missed.</summary>
    ForgetMissed = 1 << 6,

    /// <summary>Now and then writes something of its own: this replica alone diverges.</summary>
    Diverge = 1 << 7,

    /// <summary>Runs a numbered write again when it is sent again.</summary>
    RunRepeat = 1 << 8,

    /// <summary>Forgets the results kept for a session that moves to another connection.</summary>
    ForgetResults = 1 << 9,

    /// <summary>Keeps the result of a session's newest write only, whatever its client has seen.</summary>
    DropUnseen = 1 << 10,

    /// <summary>Ends a portion of the change history between two changes of one write.</summary>
    DivideWrite = 1 << 11,

    /// <summary>Answers with the changes that there are, although some after the zxid asked for are gone.</summary>
    HideLoss = 1 << 12,
}
