using System.Text;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Documents;

/// <summary>The DID documents of a registry and its agents, and the registry's JWK set, as JCS. docs/formats.md, "DID documents".</summary>
public static class DidDocuments
{
    private const string Contexts = "\"https://www.w3.org/ns/did/v1\",\"https://w3id.org/security/jwk/v1\"";
    private const string MultikeyContext = ",\"https://w3id.org/security/multikey/v1\"";

    /// <summary>An agent's document. A deactivated one names no keys, so that nothing verifies against it.</summary>
    /// <param name="registry">Whose agent it is.</param>
    /// <param name="agent">Its id.</param>
    /// <param name="key">Its key.</param>
    /// <param name="deactivated">Whether it was revoked.</param>
    /// <param name="webvh">The agent's did:webvh name; null when it has no DID log.</param>
    public static byte[] Agent(RegistryName registry, SubjectId agent, PublicKey key, bool deactivated = false, string? webvh = null) =>
        Encoding.ASCII.GetBytes(Document(registry.AgentDid(agent), [webvh], deactivated ? [] : [key], registry.Did));

    /// <summary>The same document as a version of the agent's DID log has it: under its did:webvh name.</summary>
    public static string AgentVersion(RegistryName registry, SubjectId agent, PublicKey key, string scid, bool deactivated = false) =>
        Document(RegistryName.Webvh(registry.AgentDid(agent), scid), [registry.AgentDid(agent)], deactivated ? [] : [key], registry.Did);

    /// <summary>The same document as the version has it with which the log leaves this registry: under its name at another place, where its names here are named.</summary>
    /// <param name="registry">Whose agent it is.</param>
    /// <param name="agent">Its id.</param>
    /// <param name="key">Its key.</param>
    /// <param name="moved">The DID from then on, of the same SCID.</param>
    public static string AgentMoved(RegistryName registry, SubjectId agent, PublicKey key, WebvhDid moved) =>
        Document(moved.Text, [RegistryName.Webvh(registry.AgentDid(agent), moved.Scid), registry.AgentDid(agent)], [key], registry.Did);

    /// <summary>The registry's document: the keys that sign credentials, those of the past included, since what they signed is still to be checked, and none that is stopped.</summary>
    /// <param name="registry">Which registry.</param>
    /// <param name="issuerKeys">The keys that sign tokens.</param>
    /// <param name="proofKeys">The keys that sign embedded proofs.</param>
    /// <param name="webvh">The registry's did:webvh name; null when it has no DID log.</param>
    public static byte[] Registry(RegistryName registry, IReadOnlyList<PublicKey> issuerKeys, IReadOnlyList<PublicKey> proofKeys, string? webvh = null) =>
        Encoding.ASCII.GetBytes(Document(registry.Did, [webvh], issuerKeys, null, proofKeys));

    /// <summary>The same document as a version of the registry's DID log has it.</summary>
    public static string RegistryVersion(RegistryName registry, IReadOnlyList<PublicKey> issuerKeys, IReadOnlyList<PublicKey> proofKeys, string scid) =>
        Document(RegistryName.Webvh(registry.Did, scid), [registry.Did], issuerKeys, null, proofKeys);

    /// <summary>The document of a did:key DID: its one key, for whatever it can do.</summary>
    public static string Key(PublicKey key)
    {
        var (did, method) = (Multikey.Did(key), Multikey.Method(key));
        return $"{{\"@context\":[\"https://www.w3.org/ns/did/v1\",\"https://w3id.org/security/multikey/v1\"],\"assertionMethod\":[\"{method}\"],\"authentication\":[\"{method}\"],"
            + $"\"capabilityDelegation\":[\"{method}\"],\"capabilityInvocation\":[\"{method}\"],\"id\":\"{did}\","
            + $"\"verificationMethod\":[{MultikeyMethod(did, method, key)}]}}";
    }

    /// <summary>The same keys as a JWK set (RFC 7517), each with the <c>kid</c> that credentials name.</summary>
    public static byte[] Jwks(RegistryName registry, IReadOnlyList<PublicKey> issuerKeys) =>
        Encoding.ASCII.GetBytes($"{{\"keys\":{Array(issuerKeys, key => Jwk(registry, key))}}}");

    // An agent is controlled by the registry, and may authenticate; the registry issues. The suite of embedded proofs wants its keys as multikeys.
    private static string Document(string did, IReadOnlyList<string?> alsoKnownAs, IReadOnlyList<PublicKey> keys, string? controller, params IReadOnlyList<PublicKey> proofKeys)
    {
        var contexts = proofKeys.Count > 0 ? Contexts + MultikeyContext : Contexts;
        var names = alsoKnownAs is [null] ? "" : $"\"alsoKnownAs\":[{string.Join(',', alsoKnownAs.Select(name => $"\"{name}\""))}],";
        var urls = Array([.. keys, .. proofKeys], key => $"\"{did}#{key.KeyId}\"");
        var agent = controller is null ? "" : $"\"authentication\":{urls},\"controller\":\"{controller}\",";
        var methods = keys.Select(key => JwkMethod(did, key)).Concat(proofKeys.Select(key => MultikeyMethod(did, $"{did}#{key.KeyId}", key)));
        return $"{{\"@context\":[{contexts}],{names}\"assertionMethod\":{urls},{agent}\"id\":\"{did}\",\"verificationMethod\":[{string.Join(',', methods)}]}}";
    }

    private static string Jwk(RegistryName registry, PublicKey key)
    {
        // kid stands between crv and kty, and alg before both.
        var jwk = key.ToJwk();
        var comma = jwk.IndexOf(',', StringComparison.Ordinal);
        return $"{{\"alg\":\"{Jose.Name(key.Algorithm)}\",{jwk[1..comma]},\"kid\":\"{registry.KeyUrl(key.KeyId)}\"{jwk[comma..^1]}}}";
    }

    private static string JwkMethod(string did, PublicKey key) => $"{{\"controller\":\"{did}\",\"id\":\"{did}#{key.KeyId}\",\"publicKeyJwk\":{key.ToJwk()},\"type\":\"JsonWebKey\"}}";

    private static string MultikeyMethod(string did, string id, PublicKey key) => $"{{\"controller\":\"{did}\",\"id\":\"{id}\",\"publicKeyMultibase\":\"{Multikey.Of(key)}\",\"type\":\"Multikey\"}}";

    private static string Array(IReadOnlyList<PublicKey> keys, Func<PublicKey, string> write) => $"[{string.Join(',', keys.Select(write))}]";
}
