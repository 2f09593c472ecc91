using System.Text.Json;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Credentials.Dids;

/// <summary>What a version says about those that follow it.</summary>
/// <param name="NextKeyHashes">Hashes of the update keys of the next version; empty to end pre-rotation.</param>
/// <param name="Witnesses">The witnesses from now on; null leaves them as they are, a list of none lets them go.</param>
/// <param name="Deactivates">Whether this is the last version.</param>
public sealed record WebvhChange(IReadOnlyList<string> NextKeyHashes, WebvhWitnesses? Witnesses = null, bool Deactivates = false);

/// <summary>Writes logs of did:webvh 1.0 under pre-rotation, one line at a time, each JCS without its newline. docs/formats.md, "DID log".</summary>
/// <remarks>Parameters and documents are put together as canonical text: at enrolment a line costs its hashes and one signature, and no parsing.</remarks>
public static class WebvhLog
{
    /// <summary>Stands in the first document wherever its DID's SCID will stand.</summary>
    public const string Placeholder = "{SCID}";

    /// <summary>The first line of a log.</summary>
    /// <param name="document">The DID document, JCS, with the placeholder, and under no member whose name holds it.</param>
    /// <param name="key">The update key, Ed25519.</param>
    /// <param name="change">What comes next.</param>
    /// <param name="portable">Whether the DID may move: to be had now or never.</param>
    /// <param name="at">The version's time, of which the whole seconds are written.</param>
    public static string First(string document, PrivateKey key, WebvhChange change, bool portable, DateTimeOffset at)
    {
        var time = NumericDate.ToRfc3339(at.ToUnixTimeSeconds());
        var parameters = Parameters(change, key, $"\"method\":\"{WebvhParameters.Method}\"", $"\"portable\":{(portable ? "true" : "false")}", $"\"scid\":\"{Placeholder}\"");
        var scid = Multihash.Of(WebvhLine.Text(parameters, document, Placeholder, time));
        return Seal(Filled(parameters, scid), Filled(document, scid), 1, scid, time, key);
    }

    /// <summary>The line after another one; its time is at the earliest a second later.</summary>
    /// <param name="before">The version before.</param>
    /// <param name="document">The DID document, JCS; a moved one names the DID before in <c>alsoKnownAs</c>.</param>
    /// <param name="key">An update key that the version before allows.</param>
    /// <param name="change">What comes next.</param>
    /// <param name="at">The version's time.</param>
    public static string Next(WebvhVersion before, string document, PrivateKey key, WebvhChange change, DateTimeOffset at)
    {
        var seconds = Math.Max(at.ToUnixTimeSeconds(), before.At.ToUnixTimeSeconds() + 1);
        return Seal(Parameters(change, key), document, before.Number + 1, before.VersionId, NumericDate.ToRfc3339(seconds), key);
    }

    /// <summary>The DID that a line of a log gives its subject. The line is one that was written here; of others nothing is said.</summary>
    public static string DidOf(string line)
    {
        using var read = JsonDocument.Parse(line);
        return read.RootElement.GetProperty("state"u8).GetProperty("id"u8).GetString()!;
    }

    private static string Seal(string parameters, string document, int number, string before, string time, PrivateKey key)
    {
        var versionId = WebvhResolver.VersionIdOf(number, WebvhLine.Text(parameters, document, before, time));
        var proof = IntegrityProof.Create(WebvhLine.Text(parameters, document, versionId, time), key, Multikey.Method(key.PublicKey), IntegrityProof.AssertionMethod, time);
        return WebvhLine.Text(parameters, document, versionId, time, proof);
    }

    private static string Parameters(WebvhChange change, PrivateKey key, string? method = null, string? portable = null, string? scid = null)
    {
        string?[] members =
        [
            change.Deactivates ? "\"deactivated\":true" : null, method, $"\"nextKeyHashes\":{Array(change.NextKeyHashes.Select(hash => $"\"{hash}\""))}", portable, scid,
            $"\"updateKeys\":[\"{Multikey.Of(key.PublicKey)}\"]", change.Witnesses is { } witnesses ? $"\"witness\":{Text(witnesses)}" : null,
        ];
        return $"{{{string.Join(',', members.Where(member => member is not null))}}}";
    }

    private static string Text(WebvhWitnesses witnesses) => witnesses.Dids.Count == 0
        ? "{}"
        : $"{{\"threshold\":{witnesses.Threshold},\"witnesses\":{Array(witnesses.Dids.Select(did => $"{{\"id\":\"{did}\"}}"))}}}";

    private static string Array(IEnumerable<string> items) => $"[{string.Join(',', items)}]";

    private static string Filled(string text, string scid) => text.Replace(Placeholder, scid, StringComparison.Ordinal);
}
