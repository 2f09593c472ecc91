using System.Text.Json.Nodes;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Approvals;

/// <summary>A passkey of an operator as an approval file names it.</summary>
internal sealed record FilePasskey(string Name, string Jwk, string Origin)
{
    public static FilePasskey Of(OperatorPasskey passkey) => new(passkey.Name, passkey.Key.Jwk, passkey.Origin);

    public static FilePasskey Read(JsonNode? json) => new((string)json!["name"]!, json["jwk"]!.ToJsonString(), (string)json["origin"]!);

    public JsonNode ToJson() => new JsonObject { ["name"] = Name, ["jwk"] = JsonNode.Parse(Jwk), ["origin"] = Origin };
}
