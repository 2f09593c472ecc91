namespace AgentIdentity.Ledger;

/// <summary>A group of witnesses and groups that a policy names: it has witnessed what at least so many of its members have.</summary>
/// <param name="Name">Its name in the policy.</param>
/// <param name="Threshold">How many members it takes, 1 to all.</param>
/// <param name="Members">Names of witnesses and of groups that were defined before.</param>
public sealed record PolicyGroup(string Name, int Threshold, IReadOnlyList<string> Members);
