using System.Globalization;
using System.Text.Json.Nodes;

namespace AgentIdentity.Credentials.Dids;

/// <summary>What the resolution of a DID gave, in the form of W3C DID Resolution: the document, what is known about it, and how it went.</summary>
/// <param name="Document">The DID document; null when it was not resolved, or the DID was deactivated.</param>
/// <param name="Metadata">What is known about the document.</param>
/// <param name="Error">The name of the error, without https://www.w3.org/ns/did#; null when there was none.</param>
/// <param name="Detail">The error in a sentence.</param>
public sealed record DidResolution(string? Document, JsonObject Metadata, string? Error = null, string? Detail = null)
{
    /// <summary>The DID is no DID, or what was found of it is not to be believed.</summary>
    public const string InvalidDid = "INVALID_DID";

    /// <summary>There is no such DID, or no such version of it.</summary>
    public const string NotFound = "NOT_FOUND";

    /// <summary>Whether the DID has ended.</summary>
    public bool IsDeactivated => Metadata["deactivated"] is JsonValue value && value.GetValue<bool>();

    /// <summary>A resolution that came to nothing.</summary>
    public static DidResolution Failed(string error, string detail) => new(null, [], error, detail);

    /// <summary>A version of a DID. The document of a DID that has ended is given only when an older version was asked for.</summary>
    public static DidResolution Of(WebvhHistory history, WebvhVersion version)
    {
        var (last, parameters) = (history.Latest, history.Latest.Parameters);
        var metadata = new JsonObject
        {
            ["versionId"] = version.VersionId,
            ["versionTime"] = version.TimeText,
            ["created"] = history.Versions[0].TimeText,
            ["updated"] = last.TimeText,
            ["scid"] = parameters.Scid,
            ["portable"] = parameters.Portable,
            ["deactivated"] = history.IsDeactivated,
            ["ttl"] = parameters.Ttl.ToString(CultureInfo.InvariantCulture),
        };
        // Who asked for a name that the DID had before learns the one that it has.
        if (history.HasMoved)
            metadata["canonicalId"] = last.Did;
        if (parameters.Witnesses is { } witnesses)
            metadata["witness"] = new JsonObject { ["threshold"] = witnesses.Threshold.ToString(CultureInfo.InvariantCulture), ["witnesses"] = Array(witnesses.Dids, did => new JsonObject { ["id"] = did }) };
        if (parameters.Watchers.Count > 0)
            metadata["watchers"] = Array(parameters.Watchers, watcher => watcher);
        return new DidResolution(history.IsDeactivated && version == last ? null : version.Document, metadata);
    }

    /// <summary>The resolution result as JSON.</summary>
    public JsonObject ToJson()
    {
        var how = Error is null ? new JsonObject { ["contentType"] = "application/did" } : new JsonObject
        {
            ["error"] = new JsonObject { ["type"] = $"https://www.w3.org/ns/did#{Error}", ["title"] = Error, ["detail"] = Detail },
        };
        return new JsonObject { ["didDocument"] = Document is null ? null : JsonNode.Parse(Document), ["didDocumentMetadata"] = Metadata.DeepClone(), ["didResolutionMetadata"] = how };
    }

    private static JsonArray Array(IEnumerable<string> items, Func<string, JsonNode?> write) => [.. items.Select(write)];
}
