using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Trails;

namespace AgentIdentity.Cli.Trails;

/// <summary>One entry of a trail, and what was found of it so far: later entries may still accuse it.</summary>
/// <param name="LedgerIndex">Where the registry says that it stands.</param>
/// <param name="Check">What was checked.</param>
internal sealed record TrailLine(ulong LedgerIndex, EntryCheck Check)
{
    public ulong SubjectSequence => Check.Sequence;

    /// <summary>Null when its bytes are none.</summary>
    public Entry? Entry => Check.Entry;

    /// <summary>What stays of an activity that was erased.</summary>
    public ErasedStub? Erased => Check.Erased;

    /// <summary>The credentials of this agent, for an issuance.</summary>
    public IReadOnlyList<IssuanceItem> Items => Check.Credentials;

    /// <summary>What does not hold, in sentences; empty when everything that can be checked holds.</summary>
    public IReadOnlyList<string> Problems => [.. Check.Problems.Select(problem => problem.Words)];
}
