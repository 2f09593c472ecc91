using System.Text.Json;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Trails;

public sealed class DidLogAuditTests
{
    private static readonly string[] Lines = Vectors.Section("dids").GetProperty("agent_log").Text("log").TrimEnd('\n').Split('\n');

    [Fact]
    public void A_log_whose_versions_all_stand_in_the_ledger_is_fine()
    {
        var audit = Audit(Lines, [Enrolled(Lines[0]), Version(Lines[1]), Version(Lines[2])]);
        Assert.Empty(audit.Unlogged);
        Assert.Empty(audit.Later);
    }

    [Fact]
    public void A_version_that_the_ledger_does_not_hold_is_named()
    {
        Assert.Equal([IdOf(Lines[2])], Audit(Lines, [Enrolled(Lines[0]), Version(Lines[1])]).Unlogged);
        Assert.Equal(Lines.Select(IdOf), Audit(Lines, [Enrolled(null), Version("no line at all")]).Unlogged);
    }

    [Fact]
    public void A_log_whose_end_was_cut_off_is_told_what_follows() =>
        Assert.Equal([IdOf(Lines[1]), IdOf(Lines[2])], Audit(Lines[..1], [Enrolled(Lines[0]), Version(Lines[1]), Version(Lines[2])]).Later);

    private static DidLogAudit Audit(string[] lines, EntryBody[] entries) =>
        DidLogAudit.Of(WebvhResolver.Resolve(Vectors.Utf8(string.Concat(lines.Select(line => line + "\n"))), default, null, Vectors.Now.AddHours(1)).History!, entries);

    private static AgentEnrolled Enrolled(string? line) => new(Vectors.AgentId, default, Vectors.Key("agent").PublicKey, new Grant("desk", "bot/1", [], "[]", []), "a proof", line);

    private static DidVersion Version(string line) => new(line, new LeafIndex(3), Deactivates: false);

    private static string IdOf(string line)
    {
        using var read = JsonDocument.Parse(line);
        return read.RootElement.Text("versionId");
    }
}
