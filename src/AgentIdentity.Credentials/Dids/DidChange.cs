using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Credentials.Dids;

/// <summary>What a registry asks an agent's sponsor to sign. docs/formats.md, "Keys that the sponsor holds".</summary>
/// <param name="Agent">Whose DID changes.</param>
/// <param name="Log">The log so far, each line with its newline.</param>
/// <param name="Document">What it should say next, JCS.</param>
/// <param name="Deactivates">Whether that ends it.</param>
/// <param name="Line">What was signed; empty until then.</param>
public sealed record DidChange(SubjectId Agent, string Log, string Document, bool Deactivates, string Line = "")
{
    /// <summary>Whether a version does what is asked for and nothing beside it: no witnesses, no watchers, and one key to go on with, unless it ends.</summary>
    public bool IsMet(WebvhVersion version) =>
        version.Document == Document && version.Parameters is { Witnesses: null, Watchers.Count: 0 } parameters
        && parameters.Deactivated == Deactivates && parameters.NextKeyHashes.Count == (Deactivates ? 0 : 1);

    /// <summary>Signs it, when the log is a good one that commits to the key; null otherwise.</summary>
    /// <param name="key">The key that the log commits to.</param>
    /// <param name="next">The hash of the key after it; null for a last line, which commits to nothing.</param>
    /// <param name="place">Where it may take the DID; null for a change that leaves it where it is. A move is for good, so that nobody signs one unseen.</param>
    /// <param name="now">The sponsor's clock.</param>
    /// <param name="problem">Why it was not signed, in a sentence.</param>
    public DidChange? Sign(PrivateKey key, string? next, string? place, DateTimeOffset now, out string problem)
    {
        var resolved = WebvhResolver.Resolve(Encoding.UTF8.GetBytes(Log), default, null, now);
        problem = resolved.History is not { IsDeactivated: false } history ? $"The log has ended, or is refused in line {resolved.Line}: {resolved.Refusal}."
            : key.PublicKey.Algorithm != KeyAlgorithm.Ed25519 || !history.Latest.Parameters.NextKeyHashes.Contains(Multikey.NextKeyHash(Multikey.Of(key.PublicKey))) ? "The log does not commit to this key."
            : PlaceBut(history.Latest.Did) is var to && to != place ? $"The change {(to is null ? "leaves the DID where it is" : $"takes the DID to {to}, for good")}, and {(place is null ? "no other place was named" : $"{place} was named")}."
            : Deactivates || (next is not null && Multikey.IsNextKeyHash(next)) ? "" : "The hash of the next key is missing, or none.";
        return problem.Length > 0 ? null : this with { Line = WebvhLog.Next(resolved.History!.Latest, Document, key, new WebvhChange(Deactivates ? [] : [next!], Deactivates: Deactivates), now) };
    }

    // Where the document's name takes it, if that is another one than the log has now.
    private string? PlaceBut(string did)
    {
        if (!StrictJson.TryParseObject(Encoding.UTF8.GetBytes(Document), out var json))
            return "";
        using (json)
            return !json.RootElement.TryGetText("id"u8, int.MaxValue, out var id) ? "" : id == did ? null : WebvhDid.TryParse(id, out var other) ? other.Place : id;
    }

    /// <summary>The change file.</summary>
    public string ToJson() => new StringBuilder($"{{\"agent\":\"{Agent}\",\"deactivates\":{(Deactivates ? "true" : "false")},\"document\":").AppendString(Document)
        .Append(",\"line\":").AppendString(Line).Append(",\"log\":").AppendString(Log).Append('}').ToString();

    /// <summary>Reads a change file. Nothing in it is believed yet.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> utf8, [NotNullWhen(true)] out DidChange? change)
    {
        change = null;
        if (!StrictJson.TryParse(utf8, out var json))
            return false;
        using (json)
        {
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object || root.GetPropertyCount() != 5
                || !root.TryGetText("agent"u8, int.MaxValue, out var id) || !SubjectId.TryParse(id, out var agent) || !root.TryGetText("log"u8, int.MaxValue, out var log)
                || !root.TryGetText("document"u8, int.MaxValue, out var document) || !root.TryGetMember("line"u8, out var line) || line.ValueKind != JsonValueKind.String
                || !root.TryGetMember("deactivates"u8, out var ends) || ends.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
                return false;
            change = new DidChange(agent, log, document, ends.GetBoolean(), line.GetString()!);
            return true;
        }
    }
}
