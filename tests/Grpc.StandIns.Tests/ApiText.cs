using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Grpc.StandIns.Tests;

/// <summary>What an assembly offers to those who use it and to those who derive from it, a line for each type and member, in an order of its own.</summary>
internal static class ApiText
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static IEnumerable<string> Of(Assembly assembly) =>
        assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal).SelectMany(type => Members(type).Order(StringComparer.Ordinal).Prepend(Declaration(type)));

    private static string Declaration(Type type)
    {
        var kind = type.IsEnum ? "enum" : type.IsValueType ? "struct" : type.IsInterface ? "interface" : type.IsAbstract && type.IsSealed ? "static class" : type.IsAbstract ? "abstract class" : type.IsSealed ? "sealed class" : "class";
        var bases = type.IsEnum ? [] : type.GetInterfaces().Where(one => one.IsPublic).Select(Name).Order(StringComparer.Ordinal).Prepend(type.BaseType is { } above && above != typeof(object) && above != typeof(ValueType) ? Name(above) : "").Where(name => name.Length > 0);
        return $"{kind} {type.FullName} : {string.Join(", ", bases)}".TrimEnd();
    }

    private static IEnumerable<string> Members(Type type)
    {
        var within = $"    {type.FullName}";
        if (type.IsEnum)
            return Enum.GetNames(type).Select(name => $"{within}.{name} = {Convert.ToInt64(Enum.Parse(type, name), CultureInfo.InvariantCulture)}");
        return type.GetFields(Own).Where(field => IsOffered(field.Attributes)).Select(field => $"{within}.{field.Name} : {Name(field.FieldType)}{(field.IsStatic ? " static" : "")}{(field.IsInitOnly || field.IsLiteral ? " fixed" : "")}")
            .Concat(type.GetConstructors(Own).Where(IsOffered).Select(constructor => $"{within}({Parameters(constructor)}){Access(constructor)}"))
            .Concat(type.GetMethods(Own).Where(method => IsOffered(method) && (method.IsSpecialName || !method.IsDefined(typeof(CompilerGeneratedAttribute)))).Select(method => $"{within}.{method.Name}{Arguments(method)}({Parameters(method)}) : {Name(method.ReturnType)}{Access(method)}"));
    }

    private static bool IsOffered(FieldAttributes attributes) => (attributes & FieldAttributes.FieldAccessMask) is FieldAttributes.Public or FieldAttributes.Family or FieldAttributes.FamORAssem;

    private static bool IsOffered(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Access(MethodBase method) =>
        (method.IsPublic ? "" : " protected") + (method.IsStatic ? " static" : method.IsAbstract ? " abstract" : method is { IsVirtual: true, IsFinal: false } ? " virtual" : "");

    private static string Arguments(MethodInfo method) => method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(argument => argument.Name + Constraint(argument)))}>" : "";

    private static string Constraint(Type argument) => (argument.GenericParameterAttributes & GenericParameterAttributes.ReferenceTypeConstraint) != 0 ? ":class" : "";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter => $"{Name(parameter.ParameterType)} {parameter.Name}{(parameter.HasDefaultValue ? $" = {parameter.DefaultValue ?? "null"}" : "")}"));

    private static string Name(Type type) => type switch
    {
        { HasElementType: true } => Name(type.GetElementType()!) + (type.IsByRef ? "&" : type.IsArray ? "[]" : "*"),
        { IsGenericParameter: true } => type.Name,
        { IsGenericType: true } => $"{type.FullName?.Split('[')[0] ?? $"{type.Namespace}.{type.Name}"}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>",
        _ => type.FullName ?? type.Name,
    };
}
