using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Trails;

namespace AgentIdentity.Cli.Trails;

/// <summary>A DID log beside the trail of its agent, for people and as JSON.</summary>
internal static class DidLogText
{
    public static DidLogAudit Compare(byte[] log, TrailVerdict verdict, DateTimeOffset now)
    {
        var resolved = WebvhResolver.Resolve(log, default, null, now);
        return DidLogAudit.Of(resolved.History ?? throw Refused(resolved), verdict.Entries.Select(entry => entry.Entry?.Body).OfType<EntryBody>());
    }

    public static JsonObject ToJson(DidLogAudit audit) => new() { ["not_in_the_ledger"] = audit.Unlogged.ToJson(), ["only_in_the_ledger"] = audit.Later.ToJson() };

    public static void Write(TextWriter text, DidLogAudit audit)
    {
        text.WriteLine(audit.Unlogged.Count == 0 ? "DID log: every version of it stands in the ledger" : $"DID log: FAILED, the ledger does not hold {string.Join(", ", audit.Unlogged)}");
        if (audit.Later.Count > 0)
            text.WriteLine($"DID log: the ledger goes on with {string.Join(", ", audit.Later)}");
    }

    /// <summary>Why a log is not resolved, as a verb's end.</summary>
    public static Failure Refused(WebvhResolution resolution) =>
        Failure.Refused($"The log is refused{(resolution.Line > 0 ? $" in line {resolution.Line}" : "")}: {resolution.Refusal}.", reason: resolution.Refusal.ToString());
}
