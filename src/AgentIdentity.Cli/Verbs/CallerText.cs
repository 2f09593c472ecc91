using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Callers as verbs show them.</summary>
internal static class CallerText
{
    public static JsonNode ToJson(Caller caller) => new JsonObject
    {
        ["id"] = Id(caller),
        ["role"] = Role(caller),
        ["name"] = caller.Name,
        ["jkt"] = caller.Jkt,
        ["audiences"] = caller.Audiences.ToJson(),
        ["registered_at"] = Instants.FromMilliseconds(caller.RegisteredAt),
        ["passkey"] = caller.PasskeyOrigin.Length == 0 ? null : caller.PasskeyOrigin,
    };

    public static string Role(Caller caller) => caller.Role.ToString().ToLowerInvariant();

    private static string Id(Caller caller) => SubjectId.Read(caller.CallerId.Span).ToString();
}
