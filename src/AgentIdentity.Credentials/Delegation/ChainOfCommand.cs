using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;

namespace AgentIdentity.Credentials.Delegation;

/// <summary>The agents above one, nearest first, and who answers for them, as RFC 8693 <c>act</c> says it. docs/formats.md, "Credential".</summary>
public static class ChainOfCommand
{
    /// <summary>Links at most, from the agent that acts under its own authority to the last.</summary>
    public const int DepthMax = 10;

    /// <summary>Reads the chain; false for another form: another member, another registry's agent, too many links, or an agent that stands in it twice.</summary>
    public static bool TryRead(JsonElement act, RegistryName registry, out IReadOnlyList<SubjectId> chain, out string? sponsor)
    {
        var agents = new List<SubjectId>();
        (chain, sponsor) = (agents, null);
        for (var at = act; ; )
        {
            var hasMore = at.ValueKind == JsonValueKind.Object && at.TryGetMember("act"u8, out _);
            var hasSponsor = !hasMore && at.ValueKind == JsonValueKind.Object && at.TryGetMember("sponsor"u8, out _);
            if (at.ValueKind != JsonValueKind.Object || agents.Count == DepthMax || at.GetPropertyCount() != (hasMore || hasSponsor ? 2 : 1)
                || (hasSponsor && !(at.TryGetText("sponsor"u8, int.MaxValue, out sponsor) && sponsor.Length > 0))
                || !at.TryGetText("sub"u8, int.MaxValue, out var did) || !registry.TryParseAgentDid(did, out var agent) || agents.Contains(agent))
                return false;
            agents.Add(agent);
            if (!hasMore)
                return true;
            at.TryGetMember("act"u8, out at);
        }
    }

    /// <summary>The JCS form; null for an empty chain, which has no <c>act</c>.</summary>
    /// <param name="chain">The agents, nearest first.</param>
    /// <param name="registry">Theirs.</param>
    /// <param name="sponsor">Who answers for the last of them; null in what earlier versions wrote.</param>
    public static string? Write(IReadOnlyList<SubjectId> chain, RegistryName registry, string? sponsor)
    {
        string? act = null;
        for (var i = chain.Count - 1; i >= 0; i--)
        {
            var text = new StringBuilder("{");
            if (act is not null)
                text.Append("\"act\":").Append(act).Append(',');
            else if (sponsor is not null)
                text.Append("\"sponsor\":").AppendString(sponsor).Append(',');
            act = text.Append("\"sub\":").AppendString(registry.AgentDid(chain[i])).Append('}').ToString();
        }
        return act;
    }
}
