using System.Reflection;
using System.Runtime.CompilerServices;
using Orleans.Coord.Consensus;
using Orleans.Coord.Replication;
using Orleans.Coord.Tcp;
using Orleans.Coord.Wal;

namespace Orleans.Coord.SiloHost.Standalone;

/// <summary>
/// Compiles what a member runs only once it leads, before it leads: writers would wait for the compiler in the first
/// moments of a term, which are short otherwise.
/// </summary>
internal static class WarmUp
{
    private static readonly Assembly[] _assemblies =
    [
        typeof(RaftNode).Assembly, typeof(Replica).Assembly, typeof(DataDirectory).Assembly,
        typeof(TcpPeerTransport).Assembly,
    ];

    /// <summary>Begins on a thread of its own; takes a fraction of a second of one processor.</summary>
    public static void Start() => new Thread(Compile) { IsBackground = true, Name = "Warm-up" }.Start();

    private static void Compile()
    {
        const BindingFlags Own = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public
            | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        foreach (Type type in _assemblies.SelectMany(assembly => assembly.GetTypes()))
        {
            foreach (MethodBase method in type.GetMembers(Own).OfType<MethodBase>())
            {
                // What is generic is compiled for its arguments, which only its callers name.
                bool isOpen = method.ContainsGenericParameters || type.ContainsGenericParameters;
                if (!isOpen && HasCode(method))
                {
                    RuntimeHelpers.PrepareMethod(method.MethodHandle);
                }
            }
        }
    }

    private static bool HasCode(MethodBase method) =>
        (method.Attributes & (MethodAttributes.Abstract | MethodAttributes.PinvokeImpl)) == 0
        && (method.MethodImplementationFlags & MethodImplAttributes.CodeTypeMask) == MethodImplAttributes.IL;
}
