using System.Text;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Documents;

/// <summary>The DID documents of a registry and its agents, and the registry's JWK set, as JCS. docs/formats.md, "DID documents".</summary>
public static class DidDocuments
{
    private const string Context = "[\"https://www.w3.org/ns/did/v1\",\"https://w3id.org/security/jwk/v1\"]";

    /// <summary>An agent's document. A deactivated one names no keys, so that nothing verifies against it.</summary>
    public static byte[] Agent(RegistryName registry, SubjectId agent, PublicKey key, bool deactivated = false)
    {
        var did = registry.AgentDid(agent);
        PublicKey[] keys = deactivated ? [] : [key];
        var ids = KeyUrls(did, keys);
        return Encoding.ASCII.GetBytes(
            $"{{\"@context\":{Context},\"assertionMethod\":{ids},\"authentication\":{ids},\"controller\":\"{registry.Did}\",\"id\":\"{did}\",\"verificationMethod\":{Methods(did, keys)}}}");
    }

    /// <summary>The registry's document: the keys that sign credentials, those of the past included, since what they signed is still to be checked.</summary>
    public static byte[] Registry(RegistryName registry, IReadOnlyList<PublicKey> issuerKeys) => Encoding.ASCII.GetBytes(
        $"{{\"@context\":{Context},\"assertionMethod\":{KeyUrls(registry.Did, issuerKeys)},\"id\":\"{registry.Did}\",\"verificationMethod\":{Methods(registry.Did, issuerKeys)}}}");

    /// <summary>The same keys as a JWK set (RFC 7517), each with the <c>kid</c> that credentials name.</summary>
    public static byte[] Jwks(RegistryName registry, IReadOnlyList<PublicKey> issuerKeys) =>
        Encoding.ASCII.GetBytes($"{{\"keys\":{Array(issuerKeys, key => Jwk(registry, key))}}}");

    private static string Jwk(RegistryName registry, PublicKey key)
    {
        // kid stands between crv and kty, and alg before both.
        var jwk = key.ToJwk();
        var comma = jwk.IndexOf(',', StringComparison.Ordinal);
        return $"{{\"alg\":\"{Jose.Name(key.Algorithm)}\",{jwk[1..comma]},\"kid\":\"{registry.KeyUrl(key.KeyId)}\"{jwk[comma..^1]}}}";
    }

    private static string Methods(string did, IReadOnlyList<PublicKey> keys) =>
        Array(keys, key => $"{{\"controller\":\"{did}\",\"id\":\"{did}#{key.KeyId}\",\"publicKeyJwk\":{key.ToJwk()},\"type\":\"JsonWebKey\"}}");

    private static string KeyUrls(string did, IReadOnlyList<PublicKey> keys) => Array(keys, key => $"\"{did}#{key.KeyId}\"");

    private static string Array(IReadOnlyList<PublicKey> keys, Func<PublicKey, string> write) => $"[{string.Join(',', keys.Select(write))}]";
}
