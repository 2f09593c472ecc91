using System.Text.Json.Nodes;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Agents as verbs show them.</summary>
internal static class AgentText
{
    public static string State(Agent agent) => agent.State.ToString().ToLowerInvariant();

    public static JsonNode ToJson(Agent agent) => new JsonObject
    {
        ["did"] = agent.Did,
        ["state"] = State(agent),
        ["sponsor"] = agent.Sponsor,
        ["blueprint"] = agent.Blueprint,
        ["labels"] = new JsonObject(agent.Labels.Select(label => KeyValuePair.Create(label.Name, (JsonNode?)label.Value))),
        ["label_provenance"] = new JsonObject(agent.Labels.Select(label => KeyValuePair.Create(label.Name, (JsonNode?)Provenance(label)))),
        ["key"] = JsonNode.Parse(agent.Key.Jwk),
        ["maximum_envelope"] = JsonNode.Parse(agent.MaximumEnvelope),
        ["audiences"] = agent.Audiences.ToJson(),
        ["enrolled_at"] = Instants.FromMilliseconds(agent.EnrolledAt),
        ["session_ends_at"] = agent.SessionEndsAt == 0 ? null : Instants.FromMilliseconds(agent.SessionEndsAt),
        ["demands_evidence"] = agent.DemandsEvidence,
        ["enrolled_index"] = agent.EnrolledIndex,
        ["statements"] = agent.Statements,
        ["stop"] = agent.Stop is null ? null : ToJson(agent.Stop),
    };

    /// <summary>Who says so.</summary>
    public static string Provenance(Label label) => label.Provenance.ToString().ToLowerInvariant();

    /// <summary>A label, and who says so when it is not the sponsor.</summary>
    public static string Of(Label label) => label.Provenance == LabelProvenance.Sponsor ? $"{label.Name}={label.Value}" : $"{label.Name}={label.Value} (by {Provenance(label)})";

    private static JsonObject ToJson(StopInForce stop) => new()
    {
        ["state"] = stop.State.ToString().ToLowerInvariant(),
        ["reason"] = stop.Reason,
        ["ledger_index"] = stop.LedgerIndex,
        ["epoch"] = stop.Epoch,
        ["at"] = Instants.FromMilliseconds(stop.At),
    };
}
