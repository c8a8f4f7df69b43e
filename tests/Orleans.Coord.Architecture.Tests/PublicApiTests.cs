using System.Reflection;
using System.Runtime.CompilerServices;

namespace Orleans.Coord.Architecture.Tests;

/// <summary>
/// The packages' public members are those in <c>client-sdk/PROJECT/PublicAPI.txt</c>: who changes them sees it in the
/// diff. With COORD_UPDATE_API=1 the files are written anew.
/// </summary>
public sealed class PublicApiTests
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance
        | BindingFlags.Static | BindingFlags.DeclaredOnly;

    [Theory]
    [InlineData("Client")]
    [InlineData("Recipes")]
    [InlineData("Client.Hosting")]
    public void Public_members_are_those_of_the_baseline(string project)
    {
        string name = "Orleans.Coord." + project;
        string file = Path.Combine(Repository.Root, "client-sdk", name, "PublicAPI.txt");
        string[] present =
            [.. Assembly.Load(name).GetExportedTypes().SelectMany(Describe).Order(StringComparer.Ordinal)];
        if (Environment.GetEnvironmentVariable("COORD_UPDATE_API") == "1")
        {
            File.WriteAllLines(file, present);
        }

        string[] baseline = File.ReadAllLines(file);
        Assert.Empty(present.Except(baseline).Select(line => "new: " + line)
            .Concat(baseline.Except(present).Select(line => "gone: " + line)));
    }

    private static IEnumerable<string> Describe(Type type)
    {
        string kind = type.IsEnum ? "enum" : type.IsInterface ? "interface" : type.IsValueType ? "struct"
            : type is { IsAbstract: true, IsSealed: true } ? "static class"
            : type.IsSealed ? "sealed class" : type.IsAbstract ? "abstract class" : "class";
        string bases = string.Join(", ", ((Type?[])[type.BaseType, .. type.GetInterfaces()])
            .OfType<Type>().Where(b => b.Namespace?.StartsWith("System", StringComparison.Ordinal) != true
                || b == typeof(IAsyncDisposable) || b == typeof(IDisposable)).Select(Name));
        yield return $"{kind} {Name(type)}{(bases.Length > 0 ? " : " + bases : "")}";
        if (type.IsEnum)
        {
            foreach (string member in Enum.GetNames(type))
            {
                object value = Convert.ChangeType(Enum.Parse(type, member), Enum.GetUnderlyingType(type), null);
                yield return $"{Name(type)}.{member} = {value}";
            }

            yield break;
        }

        foreach (MemberInfo member in type.GetMembers(Declared))
        {
            bool generated = member.IsDefined(typeof(CompilerGeneratedAttribute));
            string? text = member switch
            {
                MethodInfo { IsSpecialName: false } method when IsVisible(method) && !generated =>
                    $"{Modifiers(method)}{Name(method.ReturnType)} {Name(type)}.{method.Name}{Generics(method)}"
                    + $"({Parameters(method)})",
                ConstructorInfo constructor when IsVisible(constructor) && !generated =>
                    $"{Name(type)}({Parameters(constructor)})",
                PropertyInfo property when property.GetAccessors(nonPublic: true).Any(IsVisible) && !generated =>
                    $"{Name(property.PropertyType)} {Name(type)}.{property.Name} {{{Accessors(property)} }}",
                FieldInfo { IsPublic: true } field => $"{Name(field.FieldType)} {Name(type)}.{field.Name}",
                _ => null,
            };
            if (text is not null)
            {
                yield return text;
            }
        }
    }

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily;

    private static string Modifiers(MethodInfo method) => method.IsStatic ? "static "
        : method.IsAbstract ? "abstract " : method.IsFamily ? "protected " : "";

    private static string Accessors(PropertyInfo property) =>
        (property.GetMethod is { } get && IsVisible(get) ? " get;" : "")
        + (property.SetMethod is not { } set || !IsVisible(set) ? ""
            : set.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? " init;" : " set;");

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(
        p => $"{(p.IsOut ? "out " : "")}{Name(p.ParameterType)} {p.Name}{(p.HasDefaultValue ? " = default" : "")}"));

    private static string Generics(MethodInfo method) =>
        method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";

    private static string Name(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } value)
        {
            return Name(value) + "?";
        }

        if (type.IsArray || type.IsByRef)
        {
            return Name(type.GetElementType()!) + (type.IsArray ? "[]" : "");
        }

        string name = type.Name.Split('`')[0];
        string outer = type is { IsNested: true, IsGenericParameter: false } ? Name(type.DeclaringType!) + "." : "";
        string arguments = string.Join(", ", type.GetGenericArguments().Select(Name));
        return outer + name + (arguments.Length > 0 ? $"<{arguments}>" : "");
    }
}
