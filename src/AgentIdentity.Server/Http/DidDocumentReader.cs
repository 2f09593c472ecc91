using AgentIdentity.Credentials.Documents;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Registry;

namespace AgentIdentity.Server.Http;

/// <summary>The did:web documents that this registry serves. A stopped agent's resolves too; a revoked one's names no keys.</summary>
internal static class DidDocumentReader
{
    /// <summary>The document of a DID of this registry, or null.</summary>
    public static byte[]? Read(RegistryNode registry, string did)
    {
        var name = registry.Settings.Name;
        if (did == name.Did)
            return registry.State.Founding is { } founding
                ? DidDocuments.Registry(name, [.. registry.State.IssuerKeys.All], [.. registry.State.IntegrityKeys.All], registry.Dids.NameOf(founding.RegistryId))
                : null;
        return name.TryParseAgentDid(did, out var id) ? Read(registry, id) : null;
    }

    public static byte[]? Read(RegistryNode registry, SubjectId id) => registry.State.FindAgent(id) is { } agent
        ? DidDocuments.Agent(registry.Settings.Name, agent.Id, agent.Key, IsRevoked(registry, id), registry.Dids.NameOf(id))
        : null;

    public static bool IsRevoked(RegistryNode registry, SubjectId id) => registry.Standing.Of(id).State == StandingState.Revoked;
}
