using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>What is checked about a trail, in the order of docs/formats.md, "Checking a trail file".</summary>
public enum TrailProperty
{
    /// <summary>The file has its form, to the end.</summary>
    File = 1,

    /// <summary>The checkpoint is signed by a trusted key.</summary>
    Checkpoint,

    /// <summary>Every opened entry is in the tree.</summary>
    Tree,

    /// <summary>Every opened entry opens its leaf.</summary>
    Openings,

    /// <summary>The label is committed, and each leaf shows its nullifier.</summary>
    Label,

    /// <summary>The entries follow each other without a gap.</summary>
    Sequence,

    /// <summary>They are all there are, as the heads entry has it.</summary>
    Complete,

    /// <summary>The agent's key asked for its enrolment; statements are signed, and continue their chain.</summary>
    Statements,

    /// <summary>What came after a stop is quarantined.</summary>
    Quarantine,

    /// <summary>Evidence of forks is evidence.</summary>
    Forks,

    /// <summary>Stops are about this agent, and it has no credential after one.</summary>
    Stops,

    /// <summary>What was erased was erased by two people, and is named.</summary>
    Erasures,

    /// <summary>Credentials lead to the roots of their entries.</summary>
    Credentials,

    /// <summary>The registry's keys follow from its genesis.</summary>
    RegistryKeys,

    /// <summary>Claimed times beside those of the registry.</summary>
    Times,

    /// <summary>What is said to be on a chain is this history.</summary>
    Anchor,
}

/// <summary>Something that does not hold, and where.</summary>
public sealed record TrailProblem(TrailProperty Property, string Words);

/// <summary>What a trail file was found to be.</summary>
/// <param name="File">The file as it was read; null when it could not be.</param>
/// <param name="Checkpoint">What everything was held against; null when there was nothing to trust.</param>
/// <param name="Entries">The entries about the agent, each with what was found of it.</param>
/// <param name="Findings">One for each property, in order.</param>
/// <param name="RestsOn">Who would have to lie, and with whom, for what passed to be wrong.</param>
/// <param name="NotChecked">What a trail file cannot show, or this one does not.</param>
/// <param name="Anchor">Where a chain is said to hold the tree, in agreement with the checkpoint; null when nothing is said, or it does not agree.</param>
public sealed record TrailVerdict(
    TrailFile? File, Checkpoint? Checkpoint, IReadOnlyList<EntryCheck> Entries, IReadOnlyList<Finding<TrailProperty>> Findings, IReadOnlyList<string> RestsOn, IReadOnlyList<string> NotChecked, AnchorNote? Anchor)
{
    /// <summary>Whether every property holds, under a key that the caller trusts.</summary>
    public bool IsProven => Findings.All(finding => finding.Result == TrailResult.Passed);

    /// <summary>Whether nothing was found that does not hold. Without a trusted key that only means that the file agrees with itself.</summary>
    public bool IsConsistent => Findings.All(finding => finding.Result != TrailResult.Failed);

    /// <summary>The same after the chain was asked about the anchor.</summary>
    public TrailVerdict Asked(ChainAnswer answer) => this with
    {
        Findings = [.. Findings.SkipLast(1), answer.After(Findings[^1])],
        NotChecked = [.. NotChecked.Where(gap => gap != ChainAnswer.NotAsked)],
    };

    /// <summary>The finding about one property.</summary>
    public Finding<TrailProperty> this[TrailProperty property] => Findings[(int)property - 1];
}
