using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Trails;

namespace AgentIdentity.Cli.Trails;

/// <summary>A DID log beside the trail of its agent, for people and as JSON.</summary>
internal static class DidLogText
{
    /// <summary>More than a resolver takes, so that it is the one that refuses.</summary>
    public const int BytesMax = 16 << 20;

    public static DidLogAudit Compare(byte[] log, TrailVerdict verdict, DateTimeOffset now)
    {
        var resolved = WebvhResolver.Resolve(log, default, null, now);
        var history = resolved.History ?? throw Refused(resolved);
        var audit = DidLogAudit.Of(history, verdict.Entries.Select(entry => entry.Entry?.Body).OfType<EntryBody>());
        // Lines that nobody has forged are missing from the trail of somebody else.
        return audit.Unlogged.Count == history.Versions.Count - audit.Elsewhere && verdict.File is { } file && !history.Versions[0].Did.EndsWith($":{file.Header.AgentId}", StringComparison.Ordinal)
            ? throw Failure.Usage($"The log is that of another DID, {history.Versions[0].Did}: the trail is about the agent {file.Header.AgentId}.", "Give the log that the agent's DID has at did.jsonl.")
            : audit;
    }

    public static JsonObject ToJson(DidLogAudit audit) => new() { ["not_in_the_ledger"] = audit.Unlogged.ToJson(), ["only_in_the_ledger"] = audit.Later.ToJson(), ["written_elsewhere"] = audit.Elsewhere };

    public static void Write(TextWriter text, DidLogAudit audit)
    {
        var held = audit.Elsewhere == 0 ? "every version of it stands in the ledger" : $"every version up to its move stands in the ledger; {audit.Elsewhere} after that, written elsewhere, {(audit.Elsewhere == 1 ? "is" : "are")} held against nothing";
        text.WriteLine(audit.Unlogged.Count == 0 ? $"DID log: {held}" : $"DID log: FAILED, the ledger does not hold {string.Join(", ", audit.Unlogged)}");
        if (audit.Later.Count > 0)
            text.WriteLine($"DID log: the ledger goes on with {string.Join(", ", audit.Later)}");
    }

    /// <summary>Why a log is not resolved, as a verb's end.</summary>
    public static Failure Refused(WebvhResolution resolution) =>
        Failure.Refused($"The log is refused{(resolution.Line > 0 ? $" in line {resolution.Line}" : "")}.", reason: resolution.Refusal.ToString());
}
