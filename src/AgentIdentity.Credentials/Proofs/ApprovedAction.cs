using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Passkeys;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Proofs;

/// <summary>The actions that take two people, as the JCS text that they sign. docs/formats.md, "Approval".</summary>
public static class ApprovedAction
{
    /// <summary>To erase activities of an agent.</summary>
    public static string Erase(SubjectId agent, IReadOnlyList<LeafIndex> indexes, string reason) =>
        new StringBuilder($"{{\"agent\":\"{agent}\",\"indexes\":[").AppendJoin(',', indexes.Select(index => index.Value))
            .Append("],\"reason\":").AppendString(reason).Append(",\"type\":\"erase\"}").ToString();

    /// <summary>To lift stops.</summary>
    public static string Restore(IReadOnlyList<LeafIndex> stops, string reason) =>
        new StringBuilder("{\"reason\":").AppendString(reason).Append(",\"stops\":[").AppendJoin(',', stops.Select(index => index.Value)).Append("],\"type\":\"restore\"}").ToString();

    /// <summary>To set a cut that lies later than the one before it.</summary>
    public static string Cut(Scope scope, LeafIndex after, string reason) =>
        new StringBuilder($"{{\"after\":{after.Value},\"reason\":").AppendString(reason).Append(",\"scope\":").AppendString(scope.ToString()).Append(",\"type\":\"cut\"}").ToString();

    /// <summary>To revoke more than one person may, as part of an incident unless that is empty.</summary>
    public static string Revoke(Scope scope, string reason, string incident)
    {
        var action = new StringBuilder("{");
        if (incident.Length > 0)
            action.Append("\"incident\":").AppendString(incident).Append(',');
        return action.Append("\"reason\":").AppendString(reason).Append(",\"scope\":").AppendString(scope.ToString()).Append(",\"type\":\"revoke\"}").ToString();
    }

    /// <summary>To add an operator, or a passkey of one.</summary>
    public static string AddOperator(KeyId key, string name, PasskeyOrigin? passkey = null)
    {
        var action = new StringBuilder($"{{\"jkt\":\"{key}\",\"name\":").AppendString(name);
        if (passkey is not null)
            action.Append(",\"origin\":").AppendString(passkey.Text);
        return action.Append(",\"type\":\"add-operator\"}").ToString();
    }

    /// <summary>To remove an operator, auditor, enforcer or sponsor.</summary>
    public static string RemoveCaller(SubjectId caller, string reason) =>
        new StringBuilder($"{{\"caller\":\"{caller}\",\"reason\":").AppendString(reason).Append(",\"type\":\"remove-caller\"}").ToString();

    /// <summary>To name the key that may freeze without the registry.</summary>
    public static string SetBreakGlassKey(KeyId key) => $"{{\"jkt\":\"{key}\",\"type\":\"set-break-glass-key\"}}";

    /// <summary>To say which rules stop by themselves.</summary>
    public static string SetRules(IReadOnlyList<StopRule> rules, string reason) =>
        new StringBuilder("{\"reason\":").AppendString(reason).Append(",\"rules\":[").AppendJoin(',', rules.Select(rule => $"\"{rule}\"")).Append("],\"type\":\"set-rules\"}").ToString();

    /// <summary>To lift the hold that an entry placed.</summary>
    public static string LiftHold(SubjectId agent, LeafIndex hold, string reason) =>
        new StringBuilder($"{{\"agent\":\"{agent}\",\"hold\":{hold.Value},\"reason\":").AppendString(reason).Append(",\"type\":\"lift-hold\"}").ToString();
}
