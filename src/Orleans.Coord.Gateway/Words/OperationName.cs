using Orleans.Coord.Jute;

namespace Orleans.Coord.Gateway;

/// <summary>The names that <c>cons</c> gives to operations.</summary>
internal static class OperationName
{
    /// <summary>The name of an operation, <c>NA</c> for those without one.</summary>
    public static string Of(OpCode operation) => operation switch
    {
        OpCode.Ping => "PING",
        OpCode.CreateSession => "SESS",
        OpCode.CloseSession => "CLOS",
        OpCode.Multi => "MULT",
        OpCode.MultiRead => "MLTR",
        OpCode.Create or OpCode.Create2 or OpCode.CreateContainer or OpCode.CreateTtl => "CREA",
        OpCode.Delete or OpCode.DeleteContainer => "DELE",
        OpCode.SetData => "SETD",
        OpCode.Reconfig => "RECO",
        OpCode.SetAcl => "SETA",
        OpCode.Sync => "SYNC",
        OpCode.Check => "CHEC",
        OpCode.Exists => "EXIS",
        OpCode.GetData => "GETD",
        OpCode.SetWatches => "SETW",
        OpCode.SetWatches2 => "STW2",
        OpCode.AddWatch => "ADDW",
        OpCode.GetAcl => "GETA",
        OpCode.GetChildren or OpCode.GetChildren2 => "GETC",
        OpCode.GetAllChildrenNumber => "GETACN",
        OpCode.CheckWatches => "CHKW",
        OpCode.RemoveWatches => "REMW",
        OpCode.WhoAmI => "HOMI",
        OpCode.GetEphemerals => "GETE",
        OpCode.FilteredList or OpCode.FilteredListWithStatsAndData or OpCode.ListRecursive => "LIST",
        OpCode.CheckNotExists or OpCode.CheckStat => "CHEC",
        OpCode.CreateIfNotExists => "CREA",
        OpCode.RemoveRecursive or OpCode.TryRemove => "DELE",
        OpCode.Numbered => "NUMB",
        OpCode.LinearizableRead => "LINR",
        OpCode.GetChanges => "CHNG",
        _ => "NA",
    };
}
