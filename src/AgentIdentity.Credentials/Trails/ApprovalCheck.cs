using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;

namespace AgentIdentity.Credentials.Trails;

/// <summary>Whether operators have approved what an entry says was done.</summary>
/// <param name="genesis">How the log began; without it nobody is known.</param>
internal sealed class ApprovalCheck(Genesis? genesis)
{
    private readonly HashSet<KeyId> _operators = [.. (genesis?.Operators ?? []).Select(person => person.Key.KeyId)];

    /// <summary>From here on this key approves as well.</summary>
    public void Add(KeyId person) => _operators.Add(person);

    /// <summary>What does not hold; null when it takes no more. Times are the operators' word about a moment near the entry's own.</summary>
    public string? Problem(Entry entry, string action, IReadOnlyList<string> approvals)
    {
        var at = DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(entry.At, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));
        var signers = new HashSet<KeyId>();
        foreach (var text in approvals)
        {
            if (genesis is null || Approval.Read(text, genesis.PublicUrl, at, out var approval) != Refusal.None || approval!.Action != action
                || !_operators.Contains(approval.Key.KeyId) || !signers.Add(approval.Key.KeyId))
                return "an approval is not an operator's for what was done";
        }
        return signers.Count < (genesis is { SingleOperator: true } ? 1 : 2) ? "fewer operators have approved than it takes" : null;
    }
}
