using System.Text;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Proofs;

/// <summary>The actions that take two people, as the JCS text that they sign. docs/formats.md, "Approval".</summary>
public static class ApprovedAction
{
    /// <summary>To erase activities of an agent.</summary>
    public static string Erase(SubjectId agent, IReadOnlyList<LeafIndex> indexes, string reason) =>
        new StringBuilder($"{{\"agent\":\"{agent}\",\"indexes\":[").AppendJoin(',', indexes.Select(index => index.Value))
            .Append("],\"reason\":").AppendString(reason).Append(",\"type\":\"erase\"}").ToString();

    /// <summary>To lift the hold that an entry placed.</summary>
    public static string LiftHold(SubjectId agent, LeafIndex hold, string reason) =>
        new StringBuilder($"{{\"agent\":\"{agent}\",\"hold\":{hold.Value},\"reason\":").AppendString(reason).Append(",\"type\":\"lift-hold\"}").ToString();
}
