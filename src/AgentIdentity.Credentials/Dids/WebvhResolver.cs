using System.Globalization;
using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Credentials.Dids;

/// <summary>Resolves a did:webvh 1.0 log that was fetched from wherever. Steps: docs/formats.md, "Resolving a DID log".</summary>
public static class WebvhResolver
{
    // A line of ours has 2 KB; four thousand changes of one identity are more than one a day for ten years.
    private const int LogSizeMax = 8 << 20;
    private const int LineSizeMax = 256 << 10;
    private const int LinesMax = 4096;

    // What did:webvh allows for clocks that differ.
    private static readonly TimeSpan Ahead = TimeSpan.FromMinutes(5);

    /// <summary>Checks every line of a log.</summary>
    /// <param name="log">The content of did.jsonl.</param>
    /// <param name="witnessProofs">The content of did-witness.json; empty when there is none.</param>
    /// <param name="did">The DID that was asked for; null when any will do.</param>
    /// <param name="now">The reader's clock.</param>
    public static WebvhResolution Resolve(ReadOnlyMemory<byte> log, ReadOnlyMemory<byte> witnessProofs, string? did, DateTimeOffset now)
    {
        // 1. What is too large is not looked at.
        if (log.Length > LogSizeMax)
            return Refused(WebvhRefusal.TooLarge);
        var versions = new List<WebvhVersion>();
        foreach (var utf8 in Lines(log))
        {
            var refusal = Check(utf8, versions, now);
            if (refusal != WebvhRefusal.None)
                return Refused(refusal, versions.Count + 1);
        }
        if (versions.Count == 0)
            return Refused(WebvhRefusal.Empty);
        // 8. A log that is good is good for the DIDs that it has had, and no other.
        if (did is not null && !versions.Exists(version => version.Did == did))
            return Refused(WebvhRefusal.NotThisDid);
        // 9. Witnesses last: they approve what has been found good.
        var unwitnessed = WebvhWitnessing.Check(versions, witnessProofs, now);
        return unwitnessed == WebvhRefusal.None ? new WebvhResolution(WebvhRefusal.None, 0, new WebvhHistory(versions)) : Refused(unwitnessed);
    }

    private static WebvhRefusal Check(ReadOnlyMemory<byte> utf8, List<WebvhVersion> versions, DateTimeOffset now)
    {
        if (utf8.Length > LineSizeMax || versions.Count == LinesMax)
            return WebvhRefusal.TooLarge;
        var refusal = WebvhLine.Read(utf8, out var line);
        if (refusal != WebvhRefusal.None)
            return refusal;
        refusal = Check(line!, versions.LastOrDefault(), now, out var version);
        if (refusal == WebvhRefusal.None)
            versions.Add(version!);
        return refusal;
    }

    private static WebvhRefusal Check(WebvhLine line, WebvhVersion? before, DateTimeOffset now, out WebvhVersion? version)
    {
        version = null;
        // 2. Nothing follows the end.
        if (before is { Parameters.Deactivated: true })
            return WebvhRefusal.AfterDeactivation;
        // 3. Its place in the log and in time.
        var number = (before?.Number ?? 0) + 1;
        var refusal = CheckPlace(line, number, before, now, out var at);
        if (refusal != WebvhRefusal.None)
            return refusal;
        // 4. What it changes about who may change.
        refusal = WebvhParameters.Apply(before?.Parameters, line.Parameters, out var parameters);
        if (refusal != WebvhRefusal.None)
            return refusal;
        // 5. Whose it is.
        refusal = CheckName(line, before, parameters, out var did);
        if (refusal != WebvhRefusal.None)
            return refusal;
        // 6. That it follows this line and no other.
        var predecessor = before?.VersionId ?? parameters.Scid;
        if (line.VersionId != VersionIdOf(number, line.Under(predecessor)))
            return WebvhRefusal.EntryHash;
        // 7. That those made it who may.
        refusal = CheckProofs(line, before, parameters, now);
        if (refusal == WebvhRefusal.None)
            version = new WebvhVersion(number, line.VersionId, at, line.VersionTime, did, line.StateText, parameters);
        return refusal;
    }

    /// <summary>The version id of a line: its number, and the hash of its text under the version id before.</summary>
    internal static string VersionIdOf(int number, string text) => string.Create(CultureInfo.InvariantCulture, $"{number}-{Multihash.Of(text)}");

    private static WebvhRefusal CheckPlace(WebvhLine line, int number, WebvhVersion? before, DateTimeOffset now, out DateTimeOffset at)
    {
        at = default;
        var prefix = string.Create(CultureInfo.InvariantCulture, $"{number}-");
        if (!line.VersionId.StartsWith(prefix, StringComparison.Ordinal) || !Multihash.IsOne(line.VersionId.AsSpan(prefix.Length)))
            return WebvhRefusal.VersionId;
        if (!Rfc3339.TryParseUtc(line.VersionTime, out at))
            return WebvhRefusal.VersionTime;
        if (at <= before?.At)
            return WebvhRefusal.TimeNotAfter;
        return at > now + Ahead ? WebvhRefusal.TimeInFuture : WebvhRefusal.None;
    }

    private static WebvhRefusal CheckName(WebvhLine line, WebvhVersion? before, WebvhParameters parameters, out string did)
    {
        did = line.State.TryGetMember("id"u8, out var id) && id.ValueKind == JsonValueKind.String ? id.GetString()! : "";
        if (before is null && !IsScidOf(line, parameters.Scid))
            return WebvhRefusal.ScidMismatch;
        if (!WebvhDid.TryParse(did, out var parsed))
            return WebvhRefusal.DidForm;
        if (parsed.Scid != parameters.Scid)
            return WebvhRefusal.DidScid;
        if (before is null || before.Did == did)
            return WebvhRefusal.None;
        if (!parameters.Portable)
            return WebvhRefusal.NotPortable;
        return IsAlsoKnownAs(line.State, before.Did) ? WebvhRefusal.None : WebvhRefusal.MoveUnnamed;
    }

    // The placeholder may stand in names too, so the text is put in order again after it came back.
    private static bool IsScidOf(WebvhLine line, string scid)
    {
        var draft = line.Under(WebvhLog.Placeholder).Replace(scid, WebvhLog.Placeholder, StringComparison.Ordinal);
        if (!StrictJson.TryParse(Encoding.UTF8.GetBytes(draft), out var document))
            return false;
        using (document)
            return Jcs.TryCanonicalizeAny(document.RootElement, out var canonical) && Multihash.Of(canonical) == scid;
    }

    private static bool IsAlsoKnownAs(JsonElement state, string did) => state.TryGetMember("alsoKnownAs"u8, out var names) && names.ValueKind == JsonValueKind.Array
        && names.EnumerateArray().Any(name => name.ValueKind == JsonValueKind.String && name.ValueEquals(did));

    private static WebvhRefusal CheckProofs(WebvhLine line, WebvhVersion? before, WebvhParameters parameters, DateTimeOffset now)
    {
        var authorized = before is null || before.Parameters.NextKeyHashes.Count > 0 ? parameters.UpdateKeys : before.Parameters.UpdateKeys;
        var signed = line.Under(line.VersionId);
        return line.Proofs.Select(proof => CheckProof(signed, proof, authorized, now)).FirstOrDefault(refusal => refusal != WebvhRefusal.None);
    }

    private static WebvhRefusal CheckProof(string signed, JsonElement proof, IReadOnlyList<string> authorized, DateTimeOffset now)
    {
        if (!IntegrityProof.TryReadKey(proof, out var key))
            return WebvhRefusal.ProofKey;
        if (!authorized.Contains(Multikey.Of(key)))
            return WebvhRefusal.KeyNotAuthorized;
        return IntegrityProof.CheckCanonical(signed, proof, key, IntegrityProof.AssertionMethod, now) switch
        {
            IntegrityRefusal.None => WebvhRefusal.None,
            IntegrityRefusal.Form or IntegrityRefusal.Purpose or IntegrityRefusal.Context => WebvhRefusal.ProofForm,
            IntegrityRefusal.Suite => WebvhRefusal.ProofSuite,
            IntegrityRefusal.Expired or IntegrityRefusal.Signature => WebvhRefusal.Signature,
            var other => throw new InvalidOperationException($"{other} is no refusal of a proof."),
        };
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Lines(ReadOnlyMemory<byte> log)
    {
        while (!log.IsEmpty)
        {
            var end = log.Span.IndexOf((byte)'\n') is var found and >= 0 ? found : log.Length;
            yield return log[..end];
            log = log[Math.Min(end + 1, log.Length)..];
        }
    }

    private static WebvhResolution Refused(WebvhRefusal refusal, int line = 0) => new(refusal, line, null);
}
