using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.State;

/// <summary>The rules that two people have switched on last.</summary>
/// <param name="Index">The entry that says so; null while there was none.</param>
/// <param name="Rules">Ascending by trigger.</param>
public sealed record RulesInForce(LeafIndex? Index, IReadOnlyList<StopRule> Rules)
{
    public static RulesInForce None { get; } = new(null, []);

    public StopRule? Find(RuleTrigger trigger)
    {
        foreach (var rule in Rules)
        {
            if (rule.Trigger == trigger)
                return rule;
        }
        return null;
    }
}
