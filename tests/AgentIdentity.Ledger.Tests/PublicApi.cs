using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace AgentIdentity.Ledger.Tests;

/// <summary>The public surface of the library is one reviewed text: a change of it is a change of that file, seen in the same commit.</summary>
public sealed class PublicApi
{
    private const string Approved = "tests/AgentIdentity.Ledger.Tests/PublicApi.approved.txt";

    [Fact]
    public void The_public_surface_is_the_approved_one()
    {
        var found = Describe(typeof(Hash).Assembly);
        var approved = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "PublicApi.approved.txt"));
        if (found == approved)
            return;
        var received = Path.Combine(AppContext.BaseDirectory, "PublicApi.received.txt");
        File.WriteAllText(received, found);
        Assert.Fail($"The public surface of AgentIdentity.Ledger has changed:\n{Difference(approved, found)}\n"
            + $"If that is meant, approve it and commit the file with the change:\n  cp {received} {Approved}");
    }

    private static string Difference(string approved, string found)
    {
        var before = approved.Split('\n');
        var after = found.Split('\n');
        return string.Join('\n', before.Except(after).Select(line => "- " + line.Trim()).Concat(after.Except(before).Select(line => "+ " + line.Trim())));
    }

    private static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(Declaration(type)).Append('\n');
            if (!typeof(Delegate).IsAssignableFrom(type))
            {
                foreach (var line in Members(type).Order(StringComparer.Ordinal))
                    text.Append("    ").Append(line).Append('\n');
            }
        }
        return text.ToString();
    }

    private static string Declaration(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type))
            return $"delegate {Signature(type.GetMethod("Invoke")!, type.Name)}";
        var kind = type.IsEnum ? "enum" : type.IsValueType ? "readonly struct" : type.IsAbstract && type.IsSealed ? "static class" : "sealed class";
        Assert.True(type.IsSealed, $"{type} is not sealed");
        Assert.True(!type.IsValueType || type.IsEnum || type.IsDefined(typeof(IsReadOnlyAttribute)), $"{type} is not readonly");
        var interfaces = type.IsEnum ? [] : type.GetInterfaces().Select(Name).Order(StringComparer.Ordinal).ToArray();
        return $"{kind} {type.Name}" + (interfaces.Length == 0 ? "" : " : " + string.Join(", ", interfaces));
    }

    private static IEnumerable<string> Members(Type type)
    {
        const BindingFlags own = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        if (type.IsEnum)
            return Enum.GetNames(type).Select(name => $"{name} = {Convert.ToInt32(Enum.Parse(type, name), CultureInfo.InvariantCulture)}");
        return type.GetFields(own).Select(Field)
            .Concat(type.GetProperties(own).Select(Property))
            .Concat(type.GetConstructors(own).Select(constructor => $"{type.Name}({Parameters(constructor)})"))
            .Concat(type.GetMethods(own).Where(IsWritten).Select(method => (method.IsStatic ? "static " : "") + Signature(method, method.Name)));
    }

    // What the compiler adds to records, and the methods behind properties, say nothing that the lines above do not.
    private static bool IsWritten(MethodInfo method) =>
        !method.IsDefined(typeof(CompilerGeneratedAttribute)) && !(method.IsSpecialName && !method.Name.StartsWith("op_", StringComparison.Ordinal));

    private static string Field(FieldInfo field) =>
        $"{(field.IsLiteral ? "const" : "static")} {Name(field.FieldType)} {field.Name}" + (field.IsLiteral ? $" = {field.GetRawConstantValue()}" : "");

    private static string Property(PropertyInfo property) =>
        (property.GetMethod!.IsStatic ? "static " : "")
        + $"{Name(property.PropertyType)} {property.Name} {{ get; {Setter(property.SetMethod)}}}";

    private static string Setter(MethodInfo? setter) => setter is not { IsPublic: true } ? ""
        : setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? "init; " : "set; ";

    private static string Signature(MethodInfo method, string name) => $"{Name(method.ReturnType)} {name}({Parameters(method)})";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        var direction = parameter.IsOut ? "out " : parameter.IsIn ? "in " : parameter.ParameterType.IsByRef ? "ref " : "";
        var isNullable = new NullabilityInfoContext().Create(parameter).ReadState == NullabilityState.Nullable && !parameter.ParameterType.IsValueType;
        var isParams = parameter.IsDefined(typeof(ParamArrayAttribute)) || parameter.IsDefined(typeof(ParamCollectionAttribute));
        var type = Name(parameter.ParameterType) + (isNullable ? "?" : "");
        var fallback = parameter.HasDefaultValue ? $" = {parameter.DefaultValue ?? "null"}" : "";
        return $"{(isParams ? "params " : "")}{direction}{type} {parameter.Name}{fallback}";
    }

    private static string Name(Type type)
    {
        if (type.IsByRef || type.IsArray)
            return Name(type.GetElementType()!) + (type.IsArray ? "[]" : "");
        if (!type.IsGenericType)
            return Keywords.GetValueOrDefault(type, type.Name);
        return $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>";
    }

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(char)] = "char",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(ulong)] = "ulong",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
    };
}
