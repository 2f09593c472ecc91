using System.Globalization;
using System.Text;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Documents;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Registry;

namespace AgentIdentity.Server.Http;

/// <summary>Which version of a DID is asked for; all null is the one in force.</summary>
internal sealed record DidVersionWish(string? VersionId, DateTimeOffset? At, string? Number)
{
    public bool IsLatest => VersionId is null && At is null && Number is null;

    /// <summary>Null for what can name no version at all. It would else be passed over, and another version given than the one that was meant.</summary>
    public static DidVersionWish? Read(string? versionId, string? versionTime, string? versionNumber)
    {
        var at = DateTimeOffset.MinValue;
        if ((versionTime is not null && !Rfc3339.TryParse(versionTime, out at)) || (versionNumber is not null && (versionNumber.Length == 0 || !versionNumber.All(char.IsAsciiDigit))))
            return null;
        return new DidVersionWish(versionId, versionTime is null ? null : at, versionNumber);
    }

    /// <summary>The version that all that was asked for names, or null.</summary>
    public WebvhVersion? Find(WebvhHistory history)
    {
        var then = At is { } at ? history.AsOf(at) : null;
        return history.Versions.LastOrDefault(version =>
            (VersionId is null || version.VersionId == VersionId)
            && (Number is null || version.Number.ToString(CultureInfo.InvariantCulture) == Number)
            && (At is null || version == then));
    }
}

/// <summary>Resolves the DIDs of this registry, in either form, and did:key. Nothing is fetched from anywhere.</summary>
internal static class DidResolver
{
    /// <summary>The error for a method that is not resolved here.</summary>
    public const string MethodNotSupported = "METHOD_NOT_SUPPORTED";

    /// <summary>The error for an option with a value that it cannot have.</summary>
    public const string InvalidOptions = "INVALID_OPTIONS";

    /// <summary>The error for versions of a DID whose method has none.</summary>
    public const string FeatureNotSupported = "FEATURE_NOT_SUPPORTED";

    private const int LengthMax = 1024;

    public static DidResolution Resolve(RegistryNode registry, string did, DidVersionWish? wish)
    {
        if (!IsDid(did))
            return DidResolution.Failed(DidResolution.InvalidDid, "That is no DID.");
        if (wish is null)
            return DidResolution.Failed(InvalidOptions, "versionTime is a time with a zone, 2026-11-21T17:00:00Z, and versionNumber a number.");
        return did.Split(':')[1] switch
        {
            "web" or "key" when !wish.IsLatest => DidResolution.Failed(FeatureNotSupported, "A did:web or did:key has no versions that could be asked for; its did:webvh has."),
            "web" => Web(registry, did),
            "webvh" => Webvh(registry, did, wish),
            "key" => Key(did),
            _ => DidResolution.Failed(MethodNotSupported, "This registry resolves did:web, did:webvh and did:key."),
        };
    }

    private static DidResolution Key(string did) => Multikey.TryParseDid(did, out var key)
        ? new DidResolution(DidDocuments.Key(key), [])
        : DidResolution.Failed(DidResolution.InvalidDid, "The key is not an Ed25519 or P-256 multikey.");

    private static DidResolution Web(RegistryNode registry, string did)
    {
        if (DidDocumentReader.Read(registry, did) is not { } document)
            return NotHere;
        var isRevoked = registry.Settings.Name.TryParseAgentDid(did, out var id) && DidDocumentReader.IsRevoked(registry, id);
        return new DidResolution(isRevoked ? null : Encoding.UTF8.GetString(document), new() { ["deactivated"] = isRevoked });
    }

    private static DidResolution Webvh(RegistryNode registry, string did, DidVersionWish wish)
    {
        if (!WebvhDid.TryParse(did, out var parsed))
            return DidResolution.Failed(DidResolution.InvalidDid, "That is no did:webvh DID.");
        if (SubjectAt(registry, parsed) is not { } subject || registry.Dids.Resolve(subject) is not { } history || !history.IsOf(did))
            return NotHere;
        if (wish.Find(history) is not { } version)
            return DidResolution.Failed(DidResolution.NotFound, "The DID has no such version.");
        var resolved = DidResolution.Of(history, version);
        // The log follows a revocation by moments, or later when the sponsor's key is needed; what the registry knows is said at once.
        if (registry.State.FindAgent(subject) is null || !DidDocumentReader.IsRevoked(registry, subject))
            return resolved;
        resolved.Metadata["deactivated"] = true;
        return wish.IsLatest ? resolved with { Document = null } : resolved;
    }

    /// <summary>Whose log is at the place that a did:webvh DID names; whether it is the DID's, nothing says yet.</summary>
    public static SubjectId? SubjectAt(RegistryNode registry, WebvhDid webvh)
    {
        var did = RegistryName.WebDid(webvh);
        if (did == registry.Settings.Name.Did)
            return registry.State.Founding?.RegistryId;
        return registry.Settings.Name.TryParseAgentDid(did, out var agent) ? agent : null;
    }

    private static DidResolution NotHere => DidResolution.Failed(DidResolution.NotFound, "This registry has no such DID.");

    // DID Core, section 3.1: a method in lower case, and letters of a method-specific id or whole percent-encodings, not ending in a colon.
    private static bool IsDid(string text)
    {
        if (text.Length > LengthMax || text.Split(':', 3) is not ["did", { Length: > 0 } method, { Length: > 0 } id] || !method.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter)))
            return false;
        for (var place = 0; place < id.Length; place++)
        {
            var isEncoded = id[place] == '%' && place + 2 < id.Length && char.IsAsciiHexDigit(id[place + 1]) && char.IsAsciiHexDigit(id[place + 2]);
            if (!isEncoded && !char.IsAsciiLetterOrDigit(id[place]) && id[place] is not ('.' or '-' or '_' or ':'))
                return false;
        }
        return id[^1] != ':';
    }
}
