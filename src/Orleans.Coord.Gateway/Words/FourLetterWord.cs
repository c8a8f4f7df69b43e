using System.Buffers.Binary;
using System.Text;

namespace Orleans.Coord.Gateway;

/// <summary>
/// ZooKeeper's four-letter words. A client sends one in place of its first frame; read as a length, the four letters
/// would be an enormous one, so there is no doubt.
/// </summary>
internal static class FourLetterWord
{
    /// <summary>All words that ZooKeeper 3.9 knows.</summary>
    public static readonly IReadOnlyList<string> All =
    [
        "conf", "cons", "crst", "dirs", "dump", "envi", "gtmk", "hash", "isro", "mntr", "ruok", "srst", "srvr",
        "stat", "stmk", "wchc", "wchp", "wchs",
    ];

    /// <summary>Bytes that follow the letters: <c>stmk</c> has a mask behind it.</summary>
    public static int ArgumentBytes(string word) => word == "stmk" ? sizeof(long) : 0;

    private static readonly Dictionary<int, string> _byCode = All.ToDictionary(Code);

    /// <summary>The word whose letters, read as a length, are <paramref name="code"/>; null for none.</summary>
    public static string? Find(int code) => _byCode.GetValueOrDefault(code);

    /// <summary>The words that a setting allows.</summary>
    /// <exception cref="ArgumentException">The setting names a word that does not exist.</exception>
    public static HashSet<string> Parse(IReadOnlyList<string> setting)
    {
        var allowed = new HashSet<string>(StringComparer.Ordinal);
        foreach (string item in setting)
        {
            string word = item.Trim();
            if (word == "*")
            {
                allowed.UnionWith(All);
            }
            else if (All.Contains(word))
            {
                allowed.Add(word);
            }
            else
            {
                throw new ArgumentException(
                    $"FourLetterWords: there is no word '{word}'. Known are {string.Join(' ', All)}, and * for all.");
            }
        }

        return allowed;
    }

    private static int Code(string word) => BinaryPrimitives.ReadInt32BigEndian(Encoding.ASCII.GetBytes(word));
}
