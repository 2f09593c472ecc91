using System.Text;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Documents;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Registry;

namespace AgentIdentity.Server.Http;

/// <summary>The documents that this registry has. A stopped agent's resolves too; a revoked one's names no keys.</summary>
internal static class DidDocumentReader
{
    /// <summary>The document of a DID of this registry or of a did:key, or null.</summary>
    public static byte[]? Read(RegistryNode registry, string did)
    {
        var name = registry.Settings.Name;
        if (did == name.Did)
            return registry.State.Founding is { } founding
                ? DidDocuments.Registry(name, registry.State.PublishedIssuerKeys, registry.State.PublishedIntegrityKeys, registry.Dids.NameOf(founding.RegistryId))
                : null;
        if (Multikey.TryParseDid(did, out var key))
            return Encoding.UTF8.GetBytes(DidDocuments.Key(key));
        if (WebvhDid.TryParse(did, out var webvh))
            return ReadLog(registry, webvh);
        return name.TryParseAgentDid(did, out var id) ? Read(registry, id) : null;
    }

    // As its log has it last. A log follows a revocation by moments, or when the sponsor signs: what the registry knows is said at once.
    private static byte[]? ReadLog(RegistryNode registry, WebvhDid webvh)
    {
        if (DidResolver.SubjectAt(registry, webvh) is not { } subject || registry.Dids.Resolve(subject) is not { } history || !history.IsOf(webvh.Text))
            return null;
        return Encoding.UTF8.GetBytes(registry.State.FindAgent(subject) is { } agent && IsRevoked(registry, subject)
            ? DidDocuments.AgentVersion(registry.Settings.Name, subject, agent.Key, webvh.Scid, deactivated: true)
            : history.Latest.Document);
    }

    public static byte[]? Read(RegistryNode registry, SubjectId id) => registry.State.FindAgent(id) is { } agent
        ? DidDocuments.Agent(registry.Settings.Name, agent.Id, agent.Key, IsRevoked(registry, id), registry.Dids.NameOf(id))
        : null;

    public static bool IsRevoked(RegistryNode registry, SubjectId id) => registry.Standing.Of(id).State == StandingState.Revoked;
}
