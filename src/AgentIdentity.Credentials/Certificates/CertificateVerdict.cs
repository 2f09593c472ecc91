using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Certificates;

/// <summary>What is checked of a certificate, in this order: docs/formats.md, "Checking a containment certificate".</summary>
public enum CertificateProperty
{
    /// <summary>The file has its form, to the end.</summary>
    File = 1,

    /// <summary>The checkpoint is signed by a trusted key.</summary>
    Checkpoint,

    /// <summary>Every entry is in the tree.</summary>
    Tree,

    /// <summary>Every entry opens its leaf.</summary>
    Openings,

    /// <summary>The registry's keys follow from its genesis.</summary>
    RegistryKeys,

    /// <summary>The registry answers for the whole.</summary>
    Seal,

    /// <summary>Stops are of the incident, and are what enforcers hold; what lifts them was approved.</summary>
    Stops,

    /// <summary>Enforcers are registered, each once.</summary>
    Enforcers,

    /// <summary>Credentials in scope were issued before, and had not expired.</summary>
    Exposure,

    /// <summary>Acknowledgements are signed by their enforcers, and cover the stops.</summary>
    Acknowledgements,

    /// <summary>The trees that enforcers have seen go on in this one.</summary>
    OneHistory,

    /// <summary>What is said to be on a chain is this history.</summary>
    Anchor,
}

/// <summary>An enforcer as the ledger registered it.</summary>
/// <param name="Id">Who.</param>
/// <param name="Registered">The entry.</param>
/// <param name="Body">Name, key and audiences.</param>
public sealed record RegisteredEnforcer(SubjectId Id, LeafIndex Registered, CallerRegistered Body);

/// <summary>Where one enforcer stands with one stop. Times are ms since 1970.</summary>
/// <param name="Enforcer">Who.</param>
/// <param name="IsNeeded">Without its signature the stop is not enforced.</param>
/// <param name="SignedAt">When its signature entered the ledger; null when none is shown that counts.</param>
/// <param name="SignedIn">The entry that holds it.</param>
/// <param name="Epoch">The epoch that it has signed.</param>
/// <param name="IsObserving">The newest that is shown of it says that it only observes.</param>
/// <param name="Word">The registry's word on it; null when it says nothing.</param>
public sealed record EnforcerVerdict(RegisteredEnforcer Enforcer, bool IsNeeded, long? SignedAt, LeafIndex? SignedIn, ulong? Epoch, bool IsObserving, EnforcerWord? Word)
{
    /// <summary>What it is called.</summary>
    public string Name => Enforcer.Body.Name;

    /// <summary>Whether it refuses at all, as far as is shown or said.</summary>
    internal bool MayRefuse => !IsObserving && Word is not { Progress: EnforcerProgress.Observing };

    /// <summary>When it was done with the stop, if the registry's word counts.</summary>
    internal long? DoneByWord(long stoppedAt) => SignedAt ?? (Word is { Progress: EnforcerProgress.LeaseOver or EnforcerProgress.Acknowledged } word && !IsObserving ? Math.Max(word.At, stoppedAt) : null);
}

/// <summary>Until when a credential in scope can be shown to an audience, ms since 1970.</summary>
/// <param name="Audience">The audience.</param>
/// <param name="Until">When the last credential expires.</param>
/// <param name="IsUnproven">No enforcer that refuses answers for it: nobody's word until then.</param>
public sealed record CertifiedExposure(string Audience, long Until, bool IsUnproven);

/// <summary>How far a stop has come. Times are ms since 1970; null: not reached.</summary>
/// <param name="Level">The level.</param>
/// <param name="EnforcedAt">When it was enforced.</param>
/// <param name="ExhaustedAt">When it is exhausted, which may lie behind the certificate; null when never.</param>
public sealed record CertifiedLevel(StopLevel Level, long? EnforcedAt, long? ExhaustedAt);

/// <summary>A stop, and how far it has come.</summary>
/// <param name="Denial">As enforcers hold it.</param>
/// <param name="Reason">Why.</param>
/// <param name="At">When it was written: RECORDED, and with one node NODES.</param>
/// <param name="Lifted">The entry that lifted it; null: none that is shown.</param>
/// <param name="LiftedAt">When.</param>
/// <param name="Enforcers">All that the file registers and that the stop concerns.</param>
/// <param name="Exposed">Credentials in scope, by audience.</param>
/// <param name="Proven">As the signatures prove it.</param>
/// <param name="ByWord">When the registry's word on leases is taken too.</param>
public sealed record StopVerdict(
    Denial Denial, string Reason, long At, LeafIndex? Lifted, long? LiftedAt, IReadOnlyList<EnforcerVerdict> Enforcers, IReadOnlyList<CertifiedExposure> Exposed, CertifiedLevel Proven, CertifiedLevel ByWord)
{
    /// <summary>It came as a delta that an enforcer still held when the ledger had lost the stop.</summary>
    public bool CameAsNote { get; init; }

    /// <summary>The rule that it is by; null when a person or a key asked for it.</summary>
    public StoppingRule? Rule { get; init; }

    /// <summary>Delegated credentials that the denial names: the probes that ride along are none.</summary>
    public int CredentialsBelow { get; init; }

    /// <summary>Whoever must sign and has not.</summary>
    public IEnumerable<EnforcerVerdict> Missing => Enforcers.Where(enforcer => enforcer is { IsNeeded: true, SignedAt: null });

    /// <summary>Whose signature was the last; null when none was needed, or one is missing.</summary>
    public EnforcerVerdict? Last => Proven.EnforcedAt is null ? null : Enforcers.Where(enforcer => enforcer.IsNeeded).MaxBy(enforcer => enforcer.SignedAt);
}

/// <summary>What a certificate was found to be.</summary>
/// <param name="File">The file as it was read; null when it could not be.</param>
/// <param name="Checkpoint">What everything was held against; null when there was nothing to trust.</param>
/// <param name="MadeAt">When it was made, as its seal says; ms since 1970.</param>
/// <param name="Stops">The stops, oldest first.</param>
/// <param name="Findings">One for each property, in order.</param>
/// <param name="RestsOn">Who would have to lie, and with whom, for what passed to be wrong.</param>
/// <param name="NotChecked">What a certificate cannot show, or this one does not.</param>
/// <param name="Anchor">Where a chain is said to hold the tree, in agreement with the checkpoint; null when nothing is said, or it does not agree.</param>
public sealed record CertificateVerdict(
    CertificateFile? File, Checkpoint? Checkpoint, long? MadeAt, IReadOnlyList<StopVerdict> Stops, IReadOnlyList<Finding<CertificateProperty>> Findings, IReadOnlyList<string> RestsOn, IReadOnlyList<string> NotChecked, AnchorNote? Anchor)
{
    /// <summary>Whether every property holds, under a key that the caller trusts.</summary>
    public bool IsProven => Findings.All(finding => finding.Result == TrailResult.Passed);

    /// <summary>Whether nothing was found that does not hold. Without a trusted key that only means that the file agrees with itself.</summary>
    public bool IsConsistent => Findings.All(finding => finding.Result != TrailResult.Failed);

    /// <summary>The level that the signatures prove, of all stops the least; null when something does not hold, since then nothing is proven.</summary>
    public StopLevel? Level => IsConsistent ? Stops.Min(stop => stop.Proven.Level) : null;

    /// <summary>The level when the registry's word on leases is taken too.</summary>
    public StopLevel? LevelByWord => IsConsistent ? Stops.Min(stop => stop.ByWord.Level) : null;

    /// <summary>The same after the chain was asked about the anchor.</summary>
    public CertificateVerdict Asked(ChainAnswer answer) => this with
    {
        Findings = [.. Findings.SkipLast(1), answer.After(Findings[^1])],
        NotChecked = [.. NotChecked.Where(gap => gap != ChainAnswer.NotAsked)],
    };

    /// <summary>The finding about one property.</summary>
    public Finding<CertificateProperty> this[CertificateProperty property] => Findings[(int)property - 1];
}
