using System.Text;
using Orleans.Coord.Jute;

namespace Orleans.Coord.Client;

/// <summary>Records that several operations share.</summary>
internal static class Records
{
    public static string ReadText(this ref JuteReader reader) => Encoding.UTF8.GetString(reader.ReadString());

    public static string[] ReadTexts(this ref JuteReader reader)
    {
        int count = Math.Max(0, reader.ReadCount(sizeof(int)));
        var texts = new string[count];
        for (int i = 0; i < count; i++)
        {
            texts[i] = reader.ReadText();
        }

        return texts;
    }

    public static Acl[] ReadAcl(this ref JuteReader reader)
    {
        int count = Math.Max(0, reader.ReadCount(3 * sizeof(int)));
        var entries = new Acl[count];
        for (int i = 0; i < count; i++)
        {
            entries[i] = new((Permissions)reader.ReadInt(), reader.ReadText(), reader.ReadText());
        }

        return entries;
    }

    public static void WriteAcl(this JuteWriter writer, IReadOnlyList<Acl> entries)
    {
        writer.WriteInt(entries.Count);
        foreach (Acl entry in entries)
        {
            writer.WriteInt((int)entry.Permissions);
            writer.WriteString(entry.Scheme);
            writer.WriteString(entry.Id);
        }
    }

    public static void WriteTexts(this JuteWriter writer, IReadOnlyCollection<string> texts)
    {
        writer.WriteInt(texts.Count);
        foreach (string text in texts)
        {
            writer.WriteString(text);
        }
    }
}
