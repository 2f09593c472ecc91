using System.Text.RegularExpressions;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Options;

namespace AgentIdentity.Architecture.Tests;

/// <summary>Whoever weighs this product looks up what docs/odis.md names; so it is there.</summary>
public sealed partial class OdisPageTests
{
    private static readonly string Docs = Path.Combine(Repository.Root, "docs");
    private static readonly string Page = File.ReadAllText(Path.Combine(Docs, "odis.md"));

    [Fact]
    public void Each_requirement_of_the_draft_has_one_row_in_the_drafts_order_with_a_verdict_that_the_page_explains()
    {
        (string Part, int Count)[] draft = [("L1", 12), ("L2", 15), ("L3", 8), ("CC", 7)];
        var asked = draft.SelectMany(part => Enumerable.Range(1, part.Count).Select(number => $"ODIS-{part.Part}-{number:00}"));
        Assert.Equal(asked, Row().Matches(Page).Select(row => row.Groups["id"].Value));
    }

    [Fact]
    public void What_is_met_is_held_by_a_test() =>
        Assert.All(Row().Matches(Page).Where(row => row.Groups["verdict"].Value.StartsWith("met", StringComparison.Ordinal)), row => Assert.Matches(Test(), row.Value));

    [Fact]
    public void Every_test_class_that_it_names_is_there() =>
        Assert.All(Test().Matches(Page), test => Assert.Contains($" class {test.Groups["class"].Value}", File.ReadAllText(Path.Combine(Docs, test.Groups["path"].Value)), StringComparison.Ordinal));

    [Fact]
    public void Every_file_that_it_links_to_is_there() => Assert.All(Link().Matches(Page), link => Assert.True(Path.Exists(Path.Combine(Docs, link.Groups["path"].Value)), link.Value));

    [Fact]
    public void Every_RPC_that_it_names_can_be_called() => Assert.All(Rpc().Matches(Page), rpc => Assert.True(AccessTable.Find($"/agentidentity.v1.{rpc.Groups["method"].Value}") is not null, rpc.Value));

    [Fact]
    public void Every_option_of_the_server_and_every_verb_that_it_names_can_be_typed()
    {
        Assert.All(Option().Matches(Page), option => Assert.Contains(Flag.All, flag => flag.Name == option.Groups["name"].Value));
        var verbs = string.Concat(Repository.Files("src/AgentIdentity.Cli/Verbs/*.cs").Select(File.ReadAllText));
        Assert.All(Verb().Matches(Page), verb => Assert.Contains($"(\"{verb.Groups["name"].Value}\",", verbs, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"^\| (?<id>ODIS-\S+) \| [^|]+ \| \*\*(?<verdict>met|met where|in part|not there|not ours)\.?\*\*.*$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"\[(?<class>\w+Tests)\]\((?<path>[^)]+)\)")]
    private static partial Regex Test();

    [GeneratedRegex(@"\]\((?<path>[^)#:]+)[^)]*\)")]
    private static partial Regex Link();

    [GeneratedRegex("`(?<method>[A-Z][a-z]+/[A-Z][A-Za-z]+)`")]
    private static partial Regex Rpc();

    [GeneratedRegex("`(?<name>--[a-z-]+)")]
    private static partial Regex Option();

    [GeneratedRegex("`agentid (?<name>[a-z-]+)")]
    private static partial Regex Verb();
}
