using AgentIdentity.Credentials.Entries;

namespace AgentIdentity.Cli.Trails;

/// <summary>One entry of a trail after it was checked. <paramref name="Entry"/> is null when its bytes are none.</summary>
/// <param name="LedgerIndex">Where the registry says that it stands.</param>
/// <param name="SubjectSequence">Its number among the entries about the agent.</param>
/// <param name="Entry">What was decoded.</param>
/// <param name="Items">The credentials of this agent, for an issuance.</param>
/// <param name="Problems">What does not hold, in sentences; empty when everything was checked and holds.</param>
internal sealed record TrailLine(ulong LedgerIndex, ulong SubjectSequence, Entry? Entry, IReadOnlyList<IssuanceItem> Items, IReadOnlyList<string> Problems);
