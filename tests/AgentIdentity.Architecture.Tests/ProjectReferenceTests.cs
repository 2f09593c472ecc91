using System.Xml.Linq;

namespace AgentIdentity.Architecture.Tests;

/// <summary>The arrows between projects. Another arrow is a decision, and this is where it is written down.</summary>
public sealed class ProjectReferenceTests
{
    private const string Anchoring = "AgentIdentity.Anchoring";
    private const string Credentials = "AgentIdentity.Credentials";
    private const string Ledger = "AgentIdentity.Ledger";
    private const string Protocol = "AgentIdentity.Protocol";
    private const string Registry = "AgentIdentity.Registry";
    private const string CoreApi = "Grpc.Core.Api";
    private const string NetCommon = "Grpc.Net.Common";

    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        [Ledger] = [],
        [Credentials] = [Ledger],
        [Protocol] = [CoreApi],
        [Registry] = [Credentials, Ledger],
        ["AgentIdentity.Storage"] = [Registry],
        [Anchoring] = [Ledger],
        ["AgentIdentity.Client"] = [Credentials, Ledger, Protocol, NetCommon],
        ["AgentIdentity.AspNetCore"] = ["AgentIdentity.Client"],
        ["AgentIdentity.SampleTool"] = ["AgentIdentity.AspNetCore"],
        ["AgentIdentity.Server"] = [Anchoring, Registry, "AgentIdentity.Storage", Protocol, NetCommon],
        ["AgentIdentity.Cli"] = ["AgentIdentity.Client", Anchoring],
        [CoreApi] = [],
        [NetCommon] = [CoreApi],
    };

    [Fact]
    public void Projects_reference_each_other_as_agreed_and_not_otherwise()
    {
        var found = Repository.Files("src/*.csproj").ToDictionary(path => Path.GetFileNameWithoutExtension(path), References);
        Assert.Equal(Allowed.Keys.Order(), found.Keys.Order());
        foreach (var (project, references) in found)
            Assert.True(references.All(Allowed[project].Contains), $"{project} references {string.Join(", ", references.Except(Allowed[project]))}.");
    }

    [Fact]
    public void The_ledger_does_not_know_what_an_agent_is()
    {
        foreach (var path in Repository.Files("src/AgentIdentity.Ledger/*.cs"))
            Assert.DoesNotContain("agent", File.ReadAllText(path).Replace("AgentIdentity", "", StringComparison.OrdinalIgnoreCase), StringComparison.OrdinalIgnoreCase);
    }

    private static string[] References(string project) =>
        [.. XDocument.Load(project).Descendants("ProjectReference").Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')))];
}
