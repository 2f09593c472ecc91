using System.Text;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Passkeys;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Entries;

/// <summary>What an entry says, by kind. Fields in the order of docs/formats.md, "Entry".</summary>
public abstract record EntryBody
{
    private protected EntryBody()
    {
    }

    /// <summary>The number of the kind in the format.</summary>
    public abstract EntryKind Kind { get; }

    /// <summary>The class of evidence that the leaf shows.</summary>
    public virtual EntryClass Class => EntryClass.Authority;
}

/// <summary>A key of the registry as the genesis entry names it.</summary>
public sealed record RegistryKey(RegistryKeyUse Use, PublicKey Key);

/// <summary>A first operator as the genesis entry names it, with the proof of possession that it gave.</summary>
public sealed record GenesisOperator(SubjectId Id, string Name, PublicKey Key, string Proof);

/// <summary>Kind 1. The first line of the registry's DID log, unless it has no key for such.</summary>
public sealed record Genesis(
    string PublicUrl, string Origin, IReadOnlyList<RegistryKey> Keys, IReadOnlyList<GenesisOperator> Operators, bool SingleOperator, string? DidLine = null) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.Genesis;
}

/// <summary>Kind 2.</summary>
public sealed record CallerRegistered(CallerRole Role, string Name, PublicKey Key, IReadOnlyList<string> Audiences) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.CallerRegistered;
}

/// <summary>What an enrolment token grants, and what the agents enrolled with it are.</summary>
/// <param name="Sponsor">Who answers for them.</param>
/// <param name="Blueprint">What they are instances of.</param>
/// <param name="Labels">What the sponsor says: name and value, ascending by name.</param>
/// <param name="MaximumEnvelope">The most that a credential may carry, in JCS form.</param>
/// <param name="Audiences">Whom their credentials may address, ascending.</param>
public sealed record Grant(
    string Sponsor, string Blueprint, IReadOnlyList<KeyValuePair<string, string>> Labels, string MaximumEnvelope, IReadOnlyList<string> Audiences)
{
    /// <summary>What the agent says of itself: name and value, ascending by name, none that <see cref="Labels"/> names. A token has none.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> StatedLabels { get; init; } = [];

    /// <summary>What evidence says of the agent: name and value, ascending by name, none that another list names. Neither a token nor an enrolment has any; kind 34 brings them.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> AttestedLabels { get; init; } = [];

    /// <summary>The labels that a stop asks for, whoever says so.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> AllLabels => StatedLabels.Count + AttestedLabels.Count == 0 ? Labels : [.. Labels, .. StatedLabels, .. AttestedLabels];
}

/// <summary>Kind 3. Expiry is in ms since 1970.</summary>
public sealed record TokenCreated(Hash TokenHash, Grant Grant, uint Uses, long ExpiresAt) : EntryBody
{
    /// <summary>What evidence the token demands, in JCS form; empty when it demands none. docs/formats.md, "Evidence".</summary>
    public string Evidence { get; init; } = "";

    /// <summary>Seconds after which an agent of this token brings evidence again; 0 for a session without end.</summary>
    public uint SessionSeconds { get; init; }

    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.TokenCreated;
}

/// <summary>Kind 4. The first line of the agent's DID log, unless the registry has no key for such.</summary>
public sealed record AgentEnrolled(SubjectId AgentId, SubjectId TokenId, PublicKey Key, Grant Grant, string Proof, string? DidLine = null) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.AgentEnrolled;
}

/// <summary>Kind 5. The items stand in the opening.</summary>
public sealed record CredentialsIssued(Hash Root, uint Count) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.CredentialsIssued;
}

/// <summary>Kind 6.</summary>
public sealed record Activity(byte[] Statement, KeyAlgorithm Algorithm, byte[] Signature, bool Quarantined) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.Activity;

    /// <inheritdoc/>
    public override EntryClass Class => Quarantined ? EntryClass.Quarantined : EntryClass.Activity;
}

/// <summary>Kind 7. <paramref name="Epoch"/> is the epoch that this entry opens; <paramref name="Order"/> the signed order that it came as, null when an operator asked for it here.</summary>
public sealed record Stop(Scope Scope, StandingState State, string Reason, string Incident, ulong Epoch, string? Order = null) : EntryBody
{
    /// <summary>Probes that ride along with one stop at most.</summary>
    public const int ProbesMax = 16;

    /// <summary>The registry's own credentials that ride along, ascending: who obeys the stop refuses them.</summary>
    public IReadOnlyList<SubjectId> Probes { get; init; } = [];

    /// <summary>The rule that it is by; null when somebody asked for it.</summary>
    public StoppingRule? Rule { get; init; }

    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.Stop;
}

/// <summary>Kind 8. The key <paramref name="Retired"/> ends with this entry.</summary>
public sealed record RegistryKeyRotated(RegistryKeyUse Use, PublicKey Key, KeyId Retired) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.RegistryKeyRotated;
}

/// <summary>Kind 9.</summary>
public sealed record PrivateDataRead(string Method, string Target, uint Records) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.PrivateDataRead;
}

/// <summary>Refusals of one kind that were gathered. <paramref name="KeyId"/> is null when the caller had proven no key.</summary>
public sealed record RefusedCalls(string Method, string Reason, KeyId? KeyId, uint Count);

/// <summary>Kind 10, ascending bytewise by (method, reason, key id).</summary>
public sealed record CallsRefused(IReadOnlyList<RefusedCalls> Refused) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.CallsRefused;
}

/// <summary>Kind 11. The root of the heads map over all entries below this one, and where the heads entry before it stands (0: there is none).</summary>
public sealed record Heads(Hash Root, ulong Count, LeafIndex Before) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.Heads;
}

/// <summary>Kind 12. <paramref name="Held"/> is the entry whose statement stands, <paramref name="Identity"/> that statement's; the other is here with its signature.</summary>
public sealed record Fork(LeafIndex Held, Hash Identity, byte[] Statement, KeyAlgorithm Algorithm, byte[] Signature) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.Fork;
}

/// <summary>Kind 13. <paramref name="Stubs"/> has for each index the hash of what stays there.</summary>
public sealed record ActivitiesErased(
    SubjectId AgentId, IReadOnlyList<LeafIndex> Indexes, string Reason, IReadOnlyList<string> Approvals, IReadOnlyList<Hash> Stubs) : EntryBody
{
    /// <summary>Activities that one entry erases at most.</summary>
    public const int IndexesMax = 1000;

    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.ActivitiesErased;

    /// <summary>Whether this is the erasure of the activity at <paramref name="index"/>, of which <paramref name="stub"/> stays.</summary>
    public bool Names(LeafIndex index, ErasedStub stub)
    {
        for (var i = 0; i < Indexes.Count; i++)
        {
            if (Indexes[i] == index)
                return Stubs[i] == stub.Hash();
        }
        return false;
    }
}

/// <summary>Kind 14.</summary>
public sealed record HoldPlaced(SubjectId AgentId, string Reason) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.HoldPlaced;
}

/// <summary>Kind 15. <paramref name="Hold"/> is the entry that placed it.</summary>
public sealed record HoldLifted(SubjectId AgentId, LeafIndex Hold, string Reason, IReadOnlyList<string> Approvals) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.HoldLifted;
}

/// <summary>Kind 16. The tree goes on; checkpoints from here on are of another log.</summary>
/// <param name="Before">Origin of the log so far.</param>
/// <param name="LastCheckpoint">Its last checkpoint, a signed note. No other of that log is ever signed.</param>
/// <param name="Origin">Origin of the log from here on.</param>
/// <param name="Key">Its key.</param>
/// <param name="Reason">Why.</param>
/// <param name="Lost">Checkpoints of the log before that others hold, and that this tree does not continue.</param>
public sealed record LogSucceeded(
    string Before, string LastCheckpoint, string Origin, PublicKey Key, SuccessionReason Reason, IReadOnlyList<string> Lost) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.LogSucceeded;

    /// <summary>Whether this is the succession that the log before announced in its last note.</summary>
    public bool IsNamedBy(SuccessionNote note) =>
        Reason == SuccessionReason.KeyRotated && Before == note.Last.Origin && Origin == note.Next.Name && LogOrigin.IsNext(Before, Origin)
        && Key.Algorithm == KeyAlgorithm.Ed25519 && Key.Bytes.SequenceEqual(note.Next.PublicKey.Bytes);
}

/// <summary>Kind 17. <paramref name="Stops"/> are the entries that are lifted.</summary>
public sealed record Restored(IReadOnlyList<LeafIndex> Stops, string Reason, IReadOnlyList<string> Approvals, ulong Epoch) : EntryBody
{
    /// <summary>Stops that one entry lifts at most.</summary>
    public const int StopsMax = 256;

    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.Restored;
}

/// <summary>So much of something that is counted, for example of money or of calls.</summary>
public sealed record Budget(string Unit, ulong Amount);

/// <summary>Kind 18: the link from the credential <paramref name="ParentJti"/> to <paramref name="ChildJti"/>. The expiry is in seconds since 1970.</summary>
/// <param name="Parent">Who passes authority on.</param>
/// <param name="ParentJti">Under which credential.</param>
/// <param name="Child">To whom.</param>
/// <param name="ChildJti">In which credential.</param>
/// <param name="Envelope">What is passed on, in JCS form.</param>
/// <param name="Audiences">Whom it may be shown to.</param>
/// <param name="ExpiresAt">When it ends.</param>
/// <param name="Depth">Links from the agent that acts under its own authority: 1 for the first.</param>
/// <param name="Budgets">What may be used up under this link, ascending by unit.</param>
public sealed record Delegated(
    SubjectId Parent, SubjectId ParentJti, SubjectId Child, SubjectId ChildJti, string Envelope, IReadOnlyList<string> Audiences, long ExpiresAt, uint Depth, IReadOnlyList<Budget> Budgets) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.Delegated;
}

/// <summary>Kind 19. What was used under the credential <paramref name="Jti"/> counts at each link above it.</summary>
public sealed record BudgetSpent(SubjectId Jti, IReadOnlyList<Budget> Spent) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.BudgetSpent;
}

/// <summary>An action of one type of authority.</summary>
public sealed record TypedAction(string Type, string Action);

/// <summary>Kind 20. A blueprint is defined once: another version is another blueprint. <paramref name="Reads"/> ascend by type and action; the model may be empty.</summary>
public sealed record BlueprintDefined(string Name, string Model, IReadOnlyList<TypedAction> Reads, ulong Epoch) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.BlueprintDefined;
}

/// <summary>Kind 21. What the agent, key or issuer key did after <paramref name="After"/> is not to be relied on. Approvals are there when it moves to a later entry.</summary>
public sealed record CompromiseCut(Scope Scope, LeafIndex After, string Reason, string Incident, ulong Epoch, IReadOnlyList<string> Approvals) : EntryBody
{
    /// <summary>The registry's own credentials that ride along, as with a stop.</summary>
    public IReadOnlyList<SubjectId> Probes { get; init; } = [];

    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.CompromiseCut;
}

/// <summary>Kind 22. A passkey under the name of an operator is another key of that person.</summary>
public sealed record OperatorAdded(string Name, PublicKey Key, string Proof, IReadOnlyList<string> Approvals, ulong Epoch, PasskeyOrigin? Passkey = null) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.OperatorAdded;
}

/// <summary>Kind 23.</summary>
public sealed record CallerRemoved(SubjectId Caller, string Reason, IReadOnlyList<string> Approvals, ulong Epoch) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.CallerRemoved;
}

/// <summary>Kind 24. The acknowledgements stand in the opening.</summary>
public sealed record EnforcersAcknowledged(Hash Root, uint Count) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.EnforcersAcknowledged;
}

/// <summary>Kind 25.</summary>
public sealed record BreakGlassKeySet(PublicKey Key, IReadOnlyList<string> Approvals, ulong Epoch) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.BreakGlassKeySet;
}

/// <summary>Kind 26. The hashes of the items that the credentials would have, ascending.</summary>
public sealed record CredentialsUnlogged(SubjectId Enforcer, IReadOnlyList<Hash> Items) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.CredentialsUnlogged;
}

/// <summary>Kind 27. Another line of the subject's DID log, and the entry that holds the line before.</summary>
public sealed record DidVersion(string Line, LeafIndex Before, bool Deactivates) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.DidVersion;
}

/// <summary>Kind 28. From here on the agent's key is <paramref name="Key"/>.</summary>
/// <param name="AgentId">Whose key.</param>
/// <param name="Retired">The key that ends with this entry.</param>
/// <param name="Key">The new one.</param>
/// <param name="Proof">The new key's rotation proof.</param>
/// <param name="Consent">That of the key that ends; null when an order stands behind it.</param>
/// <param name="Order">The entry that ordered it; null when the old key consents.</param>
public sealed record AgentKeyRotated(SubjectId AgentId, KeyId Retired, PublicKey Key, string Proof, string? Consent, LeafIndex? Order) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.AgentKeyRotated;
}

/// <summary>Kind 29. Expiry is in ms since 1970.</summary>
public sealed record KeyReplacementOrdered(SubjectId AgentId, Hash TokenHash, long ExpiresAt, string Reason) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.KeyReplacementOrdered;
}

/// <summary>Kind 30. The first lines of the DID logs of the token's agents commit to this key.</summary>
public sealed record DidKeysHeld(SubjectId TokenId, string NextKeyHash) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.DidKeysHeld;
}

/// <summary>Kind 34. What somebody else has said of an agent, and the proof by which the agent's key claims it.</summary>
/// <param name="AgentId">The agent.</param>
/// <param name="Source">What kind of evidence.</param>
/// <param name="Issuer">Who says so.</param>
/// <param name="Subject">Of whom, in the issuer's words.</param>
/// <param name="Hash">What the evidence hashes to. It is good once.</param>
/// <param name="ExpiresAt">When the evidence ends, in seconds since 1970.</param>
/// <param name="Labels">What it says: name and value, ascending by name.</param>
/// <param name="Proof">The enrolment proof that names <paramref name="Hash"/>.</param>
public sealed record EvidenceAccepted(
    SubjectId AgentId, EvidenceSource Source, string Issuer, string Subject, Hash Hash, long ExpiresAt, IReadOnlyList<KeyValuePair<string, string>> Labels, string Proof) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.EvidenceAccepted;
}

/// <summary>Kind 41. What an enforcer has told on its watch.</summary>
/// <param name="Enforcer">Who.</param>
/// <param name="Name">What it raises the alarm for.</param>
/// <param name="Detail">What it expected and what it found.</param>
/// <param name="RaisedAt">When, by its clock, ms since 1970.</param>
public sealed record EnforcerAlarmed(SubjectId Enforcer, string Name, string Detail, long RaisedAt) : EntryBody
{
    /// <summary>The longest name.</summary>
    public const int NameMax = 64;

    /// <summary>The longest detail.</summary>
    public const int DetailMax = 512;

    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.EnforcerAlarmed;

    /// <summary>Whether name and detail are of their form. Others read them on terminals.</summary>
    public bool IsWellFormed =>
        Name.Length is > 0 and <= NameMax && Name.All(static letter => char.IsAsciiLetterUpper(letter) || letter == '_')
        && Detail.Length <= DetailMax && !Detail.Any(char.IsControl) && RaisedAt >= 0;
}

/// <summary>How long enforcers may go on with a class of actions without word from the registry.</summary>
public sealed record ClassLease(string Name, uint Milliseconds)
{
    /// <summary>The longest name.</summary>
    public const int NameMax = 64;
}

/// <summary>Kind 42. All classes that have a lease of their own from here on, ascending by name.</summary>
public sealed record LeasesGranted(IReadOnlyList<ClassLease> Classes) : EntryBody
{
    /// <summary>The most classes.</summary>
    public const int ClassesMax = 16;

    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.LeasesGranted;
}

/// <summary>Kind 49. As a witness, this registry had cosigned this checkpoint of another log before anything behind this entry was written.</summary>
/// <param name="Note">The checkpoint with the signatures of the log and of this registry.</param>
public sealed record LogCosigned(string Note) : EntryBody
{
    /// <summary>The longest note. A checkpoint without long extension lines has some 400 bytes; one of those is cosigned and not recorded.</summary>
    public const int NoteBytesMax = 4096;

    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.LogCosigned;

    /// <summary>What the log has signed; null for a note that is none, or too long. Nothing is verified.</summary>
    public Checkpoint? ReadCheckpoint()
    {
        var bytes = Encoding.UTF8.GetBytes(Note);
        return bytes.Length <= NoteBytesMax && SignedNote.TryParse(bytes, out var note, out _) && Checkpoint.TryParse(note.Text.Span, out var checkpoint, out _) ? checkpoint : null;
    }
}

/// <summary>Kind 50. All rules that stop by themselves from here on, ascending by trigger.</summary>
public sealed record RulesSet(IReadOnlyList<StopRule> Rules, string Reason, IReadOnlyList<string> Approvals) : EntryBody
{
    /// <summary>The most rules: one for each trigger.</summary>
    public const int RulesMax = 4;

    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.RulesSet;
}

/// <summary>Kind 51. The token enrols no agent from here on; those that it has enrolled stay what they are.</summary>
public sealed record TokenWithdrawn(SubjectId TokenId, string Reason) : EntryBody
{
    /// <inheritdoc/>
    public override EntryKind Kind => EntryKind.TokenWithdrawn;
}
