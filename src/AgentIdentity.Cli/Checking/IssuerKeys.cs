using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Documents;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;

namespace AgentIdentity.Cli.Checking;

/// <summary>The keys with which a registry signs credentials, from where somebody found them. A check is worth as much as that.</summary>
internal static class IssuerKeys
{
    /// <summary>A JWK set. Whose keys they are is the word of who gives it.</summary>
    public static PublishedKeys OfJwks(byte[] utf8, string source) =>
        PublishedKeys.TryOfJwks(utf8, out var keys) ? keys : throw Failure.Usage($"{source} is not a JWK set with keys of P-256 or Ed25519.");

    /// <summary>The DID document of the registry, under either of its names.</summary>
    public static PublishedKeys OfDidDocument(byte[] utf8, RegistryName registry, string source) => PublishedKeys.TryOfDidDocument(utf8, registry, out var keys)
        ? keys
        : throw Failure.Refused($"{source} is not the DID document of {registry.PublicUrl} with keys for assertionMethod.", $"Say which registry it is with {GlobalOptions.PublicUrl}.");

    /// <summary>The same from a file. One that cannot be a DID document of anybody is a mistake of who named it, and says nothing of the registry.</summary>
    public static PublishedKeys OfDidDocumentFile(byte[] utf8, RegistryName registry, string file)
    {
        if (!StrictJson.TryParse(utf8, out var document))
            throw Failure.Usage($"{file} is no DID document: it is not JSON, or JSON of two meanings.");
        using (document)
            return document.RootElement.ValueKind == JsonValueKind.Object ? OfDidDocument(utf8, registry, file) : throw Failure.Usage($"{file} is no DID document: it is no JSON object.");
    }

    /// <summary>The registry's did:webvh log: checked line by line, then its last document.</summary>
    public static PublishedKeys OfDidLog(byte[] log, RegistryName registry, string source, DateTimeOffset now)
    {
        var resolved = WebvhResolver.Resolve(log, default, null, now);
        var history = resolved.History ?? throw Failure.Refused($"{source} is no good DID log: line {resolved.Line}, {resolved.Refusal}.");
        return history.IsDeactivated
            ? throw Failure.Refused($"{source} is the log of a DID that has ended.")
            : OfDidDocument(Encoding.UTF8.GetBytes(history.Latest.Document), registry, source);
    }
}
