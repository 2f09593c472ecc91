using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;

namespace AgentIdentity.Credentials.Delegation;

/// <summary>The agents above one, nearest first, as RFC 8693 <c>act</c> says it. docs/formats.md, "Credential".</summary>
public static class ChainOfCommand
{
    /// <summary>Links at most, from the agent that acts under its own authority to the last.</summary>
    public const int DepthMax = 10;

    /// <summary>Reads the chain; false for another form: another member, another registry's agent, too many links, or an agent that stands in it twice.</summary>
    public static bool TryRead(JsonElement act, RegistryName registry, out IReadOnlyList<SubjectId> chain)
    {
        var agents = new List<SubjectId>();
        chain = agents;
        for (var at = act; ; )
        {
            var hasMore = at.ValueKind == JsonValueKind.Object && at.TryGetMember("act"u8, out _);
            if (at.ValueKind != JsonValueKind.Object || agents.Count == DepthMax || at.GetPropertyCount() != (hasMore ? 2 : 1)
                || !at.TryGetText("sub"u8, int.MaxValue, out var did) || !registry.TryParseAgentDid(did, out var agent) || agents.Contains(agent))
                return false;
            agents.Add(agent);
            if (!hasMore)
                return true;
            at.TryGetMember("act"u8, out at);
        }
    }

    /// <summary>The JCS form; null for an empty chain, which has no <c>act</c>.</summary>
    public static string? Write(IReadOnlyList<SubjectId> chain, RegistryName registry)
    {
        string? act = null;
        for (var i = chain.Count - 1; i >= 0; i--)
            act = new StringBuilder(act is null ? "{\"sub\":" : $"{{\"act\":{act},\"sub\":").AppendString(registry.AgentDid(chain[i])).Append('}').ToString();
        return act;
    }
}
