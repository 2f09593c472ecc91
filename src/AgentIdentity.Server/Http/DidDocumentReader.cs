using AgentIdentity.Credentials.Documents;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Registry;

namespace AgentIdentity.Server.Http;

/// <summary>The DID documents that this registry serves. A stopped agent's resolves too; a revoked one's names no keys.</summary>
internal static class DidDocumentReader
{
    /// <summary>The document of a DID of this registry, or null.</summary>
    public static byte[]? Read(RegistryNode registry, string did)
    {
        if (did == registry.Settings.Name.Did)
            return DidDocuments.Registry(registry.Settings.Name, [.. registry.State.IssuerKeys.All]);
        return registry.Settings.Name.TryParseAgentDid(did, out var id) ? Read(registry, id) : null;
    }

    public static byte[]? Read(RegistryNode registry, SubjectId id) => registry.State.FindAgent(id) is { } agent
        ? DidDocuments.Agent(registry.Settings.Name, agent.Id, agent.Key, deactivated: registry.Standing.Of(agent.Id).State == StandingState.Revoked)
        : null;
}
