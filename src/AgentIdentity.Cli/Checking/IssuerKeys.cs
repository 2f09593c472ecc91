using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Cli.Checking;

/// <summary>The keys with which a registry signs credentials, from where somebody found them. A check is worth as much as that.</summary>
internal sealed class IssuerKeys
{
    private readonly Dictionary<KeyId, PublicKey> _keys;

    private IssuerKeys(IEnumerable<PublicKey> keys) => _keys = keys.DistinctBy(key => key.KeyId).ToDictionary(key => key.KeyId);

    public PublicKey? Find(KeyId id) => _keys.GetValueOrDefault(id);

    /// <summary>A JWK set. Whose keys they are is the word of who gives it; their ids are computed, and what the set calls them does not matter.</summary>
    public static IssuerKeys OfJwks(byte[] utf8, string source)
    {
        using var set = Parse(utf8, source);
        return Of(Items(set.RootElement, "keys").Select(ReadJwk), source, "a JWK set with keys of P-256 or Ed25519");
    }

    /// <summary>The DID document of the registry, under either of its names.</summary>
    public static IssuerKeys OfDidDocument(byte[] utf8, RegistryName registry, string source)
    {
        using var document = Parse(utf8, source);
        var did = document.RootElement.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String ? id.GetString()! : "";
        if (did != registry.Did && !(WebvhDid.TryParse(did, out var webvh) && did == RegistryName.Webvh(registry.Did, webvh.Scid)))
            throw Failure.Refused($"{source} is not the DID document of {registry.PublicUrl}.", $"Say which registry it is with {GlobalOptions.PublicUrl}.");
        var asserting = Items(document.RootElement, "assertionMethod").Where(method => method.ValueKind == JsonValueKind.String).Select(method => method.GetString()).ToHashSet(StringComparer.Ordinal);
        var methods = Items(document.RootElement, "verificationMethod").Where(method => method.ValueKind == JsonValueKind.Object && method.TryGetProperty("id", out var name) && asserting.Contains(name.ToString()));
        return Of(methods.Select(ReadMethod), source, "a DID document with keys for assertionMethod");
    }

    /// <summary>The registry's did:webvh log: checked line by line, then its last document.</summary>
    public static IssuerKeys OfDidLog(byte[] log, RegistryName registry, string source, DateTimeOffset now)
    {
        var resolved = WebvhResolver.Resolve(log, default, null, now);
        var history = resolved.History ?? throw Failure.Refused($"{source} is no good DID log: line {resolved.Line}, {resolved.Refusal}.");
        return history.IsDeactivated
            ? throw Failure.Refused($"{source} is the log of a DID that has ended.")
            : OfDidDocument(Encoding.UTF8.GetBytes(history.Latest.Document), registry, source);
    }

    private static IssuerKeys Of(IEnumerable<PublicKey?> keys, string source, string expected) =>
        keys.OfType<PublicKey>().ToArray() is { Length: > 0 } read ? new IssuerKeys(read) : throw Failure.Usage($"{source} is not {expected}.");

    private static PublicKey? ReadMethod(JsonElement method)
    {
        if (method.TryGetProperty("publicKeyJwk", out var jwk))
            return ReadJwk(jwk);
        return method.TryGetProperty("publicKeyMultibase", out var text) && text.ValueKind == JsonValueKind.String && Multikey.TryParse(text.GetString(), out var key) ? key : null;
    }

    private static PublicKey? ReadJwk(JsonElement jwk) => PublicKey.TryParseJwk(Encoding.UTF8.GetBytes(jwk.GetRawText()), out var key) ? key : null;

    private static JsonElement[] Items(JsonElement owner, string name) =>
        owner.TryGetProperty(name, out var items) && items.ValueKind == JsonValueKind.Array ? [.. items.EnumerateArray()] : [];

    private static JsonDocument Parse(byte[] utf8, string source)
    {
        if (!StrictJson.TryParse(utf8, out var document))
            throw Failure.Usage($"{source} is no JSON, or JSON with more than one reading.");
        if (document.RootElement.ValueKind == JsonValueKind.Object)
            return document;
        document.Dispose();
        throw Failure.Usage($"{source} is no JSON object.");
    }
}
