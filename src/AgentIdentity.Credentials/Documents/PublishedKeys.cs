using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Credentials.Documents;

/// <summary>The keys with which a registry signs, as they are published. They are worth as much as the place that they come from.</summary>
public sealed class PublishedKeys
{
    private readonly Dictionary<KeyId, PublicKey> _keys;

    private PublishedKeys(IEnumerable<PublicKey> keys) => _keys = keys.DistinctBy(key => key.KeyId).ToDictionary(key => key.KeyId);

    /// <summary>The key with that id, or null.</summary>
    public PublicKey? Find(KeyId id) => _keys.GetValueOrDefault(id);

    /// <summary>Reads a JWK set. Ids of keys are computed; what the set calls them does not matter. False when it is none, or holds no key of ours.</summary>
    public static bool TryOfJwks(ReadOnlyMemory<byte> utf8, [NotNullWhen(true)] out PublishedKeys? keys)
    {
        keys = null;
        if (!StrictJson.TryParseObject(utf8, out var set))
            return false;
        using (set)
            return TryOf(Items(set.RootElement, "keys"u8).Select(ReadJwk), out keys);
    }

    /// <summary>Reads the DID document of a registry, under either of its names: what it has for assertionMethod. False when it is none, or another's.</summary>
    public static bool TryOfDidDocument(ReadOnlyMemory<byte> utf8, RegistryName registry, [NotNullWhen(true)] out PublishedKeys? keys)
    {
        keys = null;
        if (!StrictJson.TryParseObject(utf8, out var document))
            return false;
        using (document)
        {
            var root = document.RootElement;
            if (!root.TryGetText("id"u8, int.MaxValue, out var did) || !IsOf(registry, did))
                return false;
            var asserting = Items(root, "assertionMethod"u8).Where(method => method.ValueKind == JsonValueKind.String).Select(method => method.GetString()!).ToHashSet(StringComparer.Ordinal);
            return TryOf(Items(root, "verificationMethod"u8).Where(method => method.TryGetText("id"u8, int.MaxValue, out var id) && asserting.Contains(id)).Select(ReadMethod), out keys);
        }
    }

    private static bool IsOf(RegistryName registry, string did) => did == registry.Did || (WebvhDid.TryParse(did, out var webvh) && RegistryName.WebDid(webvh) == registry.Did);

    private static bool TryOf(IEnumerable<PublicKey?> read, [NotNullWhen(true)] out PublishedKeys? keys)
    {
        keys = read.OfType<PublicKey>().ToArray() is { Length: > 0 } found ? new PublishedKeys(found) : null;
        return keys is not null;
    }

    private static PublicKey? ReadMethod(JsonElement method)
    {
        if (method.TryGetMember("publicKeyJwk"u8, out var jwk))
            return ReadJwk(jwk);
        return method.TryGetText("publicKeyMultibase"u8, int.MaxValue, out var text) && Multikey.TryParse(text, out var key) ? key : null;
    }

    private static PublicKey? ReadJwk(JsonElement jwk) => PublicKey.TryParseJwk(jwk, out var key) ? key : null;

    private static JsonElement[] Items(JsonElement owner, ReadOnlySpan<byte> name) => owner.TryGetMember(name, out var items) && items.ValueKind == JsonValueKind.Array ? [.. items.EnumerateArray()] : [];
}
