using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Runtime.CompilerServices;

namespace Grpc.StandIns.Tests;

/// <summary>
/// Asks the runtime itself whether the official assemblies find everything they were compiled against. Without these, a member that the
/// stand-ins miss would show only when the call that needs it is made. Constants and behaviour are for the other tests.
/// </summary>
public sealed class BindingTests
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static TheoryData<string> Official => ["Grpc.AspNetCore.Server", "Grpc.Net.Client"];

    [Theory]
    [MemberData(nameof(Official))]
    public void Every_reference_of_an_official_assembly_resolves(string name)
    {
        var module = Assembly.Load(name).ManifestModule;
        var tokens = ReferenceTokens(module);
        Assert.True(tokens.Count > 500, $"{tokens.Count} references read; the tables are not where they were.");
        AssertNone(Failures(tokens, token => ResolveInSomeContext(module, token)));
    }

    [Theory]
    [MemberData(nameof(Official))]
    public void Every_type_of_an_official_assembly_loads(string name) => Assert.NotEmpty(Assembly.Load(name).GetTypes());

    [Theory]
    [MemberData(nameof(Official))]
    public void Every_override_in_an_official_assembly_has_its_base(string name)
    {
        // The runtime gives an override without a base a slot of its own, silently: nobody would ever call it.
        var overrides = Methods(name).OfType<MethodInfo>().Where(m => m.IsVirtual && (m.Attributes & MethodAttributes.NewSlot) == 0).ToList();
        Assert.NotEmpty(overrides);
        AssertNone(overrides.Where(m => m.GetBaseDefinition().DeclaringType == m.DeclaringType).Select(FullName));
    }

    [Theory]
    [MemberData(nameof(Official))]
    public void Every_method_of_an_official_assembly_compiles(string name)
    {
        var methods = Methods(name).Where(m => !m.IsAbstract && !m.ContainsGenericParameters && m.GetMethodBody() is not null).ToList();
        Assert.True(methods.Count > 100);
        AssertNone(Failures(methods, method => RuntimeHelpers.PrepareMethod(method.MethodHandle)));
    }

    [Theory]
    [MemberData(nameof(Official))]
    public void The_references_of_an_official_assembly_lead_to_the_stand_ins(string name)
    {
        var standIns = Assembly.Load(name).GetReferencedAssemblies().Where(r => r.Name is "Grpc.Core.Api" or "Grpc.Net.Common").ToList();
        Assert.Equal(2, standIns.Count);
        Assert.All(standIns, reference =>
        {
            var standIn = Assembly.Load(reference);
            Assert.Equal(reference.FullName, standIn.FullName);
            Assert.Equal("AgentIdentity", standIn.GetCustomAttribute<AssemblyCompanyAttribute>()?.Company);
        });
    }

    // A reference may name the parameters of the generic type or method that it stands in, and the tables do not say which one that is.
    private static void ResolveInSomeContext(Module module, int token)
    {
        var generic = module.GetTypes().SelectMany(type => type.GetMethods(Declared)).Where(m => m.DeclaringType!.IsGenericType || m.IsGenericMethod);
        if (Record.Exception(() => module.ResolveMember(token)) is { } outside
            && generic.All(m => Record.Exception(() => module.ResolveMember(token, m.DeclaringType!.GetGenericArguments(), m.GetGenericArguments())) is not null))
            throw outside;
    }

    private static List<int> ReferenceTokens(Module module)
    {
        using var file = new PEReader(File.OpenRead(module.FullyQualifiedName));
        var metadata = file.GetMetadataReader();
        return
        [
            .. metadata.TypeReferences.Select(row => MetadataTokens.GetToken(row)),
            .. metadata.MemberReferences.Select(row => MetadataTokens.GetToken(row)),
            .. Rows(metadata, TableIndex.TypeSpec),
            .. Rows(metadata, TableIndex.MethodSpec),
        ];
    }

    private static IEnumerable<int> Rows(MetadataReader metadata, TableIndex table) =>
        Enumerable.Range(1, metadata.GetTableRowCount(table)).Select(row => MetadataTokens.GetToken(MetadataTokens.Handle(table, row)));

    private static IEnumerable<MethodBase> Methods(string name) =>
        Assembly.Load(name).GetTypes().SelectMany(type => type.GetMembers(Declared)).OfType<MethodBase>();

    private static List<string> Failures<T>(IEnumerable<T> items, Action<T> attempt)
    {
        var failures = new List<string>();
        foreach (var item in items)
        {
            if (Record.Exception(() => attempt(item)) is { } e)
                failures.Add($"{(item is MethodBase m ? FullName(m) : $"{item:x8}")}: {e.Message}");
        }

        return failures;
    }

    // Assert.Empty would name the first few only.
    private static void AssertNone(IEnumerable<string> findings) => Assert.True(!findings.Any(), string.Join('\n', findings));

    private static string FullName(MethodBase method) => $"{method.DeclaringType}.{method.Name}";
}
