using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;

namespace AgentIdentity.Client;

/// <summary>What an agent must remember beside its key to be the same agent again. Nothing in it is secret.</summary>
public sealed record AgentState(string Did, SubjectId AgentId, string Origin, string PublicUrl)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public string ToJson() => new JsonObject
    {
        ["did"] = Did,
        ["agent_id"] = AgentId.ToString(),
        ["origin"] = Origin,
        ["public_url"] = PublicUrl,
    }.ToJsonString(Indented);

    /// <summary>Reads what <see cref="ToJson"/> wrote. False for anything else, a DID that is not the agent's included.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> utf8, [NotNullWhen(true)] out AgentState? state)
    {
        state = null;
        if (!StrictJson.TryParse(utf8, out var document))
            return false;
        using (document)
        {
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !SubjectId.TryParse(Text(root, "agent_id"), out var agentId)
                || !RegistryName.TryParse(Text(root, "public_url"), out var registry, out _)
                || Text(root, "did") != registry.AgentDid(agentId) || Text(root, "origin") is not { Length: > 0 } origin)
                return false;
            state = new AgentState(registry.AgentDid(agentId), agentId, origin, registry.PublicUrl);
            return true;
        }
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;
}
