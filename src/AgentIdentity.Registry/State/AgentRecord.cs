using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Passkeys;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.State;

/// <summary>An agent as of one position. Replaced, never changed, so that a reader sees one moment and a snapshot is a copy of references.</summary>
public sealed record AgentRecord(
    SubjectId Id, PublicKey Key, SubjectId TokenId, AgentGrant Grant, long EnrolledAt, LeafIndex EnrolledIndex)
{
    /// <summary>The chain of statements under each key, newest key last.</summary>
    public ChainHead[] Chains { get; init; } = [];

    /// <summary>Credentials that had not expired when the last one was issued.</summary>
    public LiveCredential[] Credentials { get; init; } = [];

    /// <summary>The holds in force, oldest first. While there is one, nothing of the agent is erased.</summary>
    public HoldInForce[] Holds { get; init; } = [];

    /// <summary>The registry's own, to ride along with stops: nobody holds its key, so that nobody can use what it is issued. docs/formats.md, "Probe".</summary>
    public bool IsProbe { get; init; }

    /// <summary>The entry that holds the last line of the agent's DID log; null when it has none.</summary>
    public LeafIndex? DidIndex { get; init; }

    /// <summary>Whether that line ends the DID.</summary>
    public bool IsDidEnded { get; init; }

    /// <summary>Whether the next line takes the sponsor's key, which is not here.</summary>
    public bool IsDidHeld { get; init; }

    /// <summary>The keys that it has had and has, once it has had another one.</summary>
    public KeyHistory? Keys { get; init; }

    /// <summary>The order under which whoever has its token may give the agent another key, or has given it this one; null when there is none.</summary>
    public ReplacementOrder? Order { get; init; }

    /// <summary>Whether the key of now came under the order.</summary>
    public bool IsOrderRedeemed => Order is { } order && Keys is { } keys && keys.Since.Value > order.Index.Value;

    /// <summary>The last evidence of who it is; null when none was demanded.</summary>
    public AcceptedEvidence? Evidence { get; init; }

    /// <summary>When a key came by order, in ms since 1970, that no evidence has named since; null when none did. What was brought before says nothing of who holds that one.</summary>
    public long? UnattestedSince { get; init; }

    /// <summary>When its session is over, in ms since 1970: without fresh evidence it gets no credentials from then on.</summary>
    public long SessionEndsAt => UnattestedSince ?? (Grant.SessionSeconds == 0 ? long.MaxValue : (Evidence?.At ?? EnrolledAt) + (Grant.SessionSeconds * 1000L));

    /// <summary>Who it is, as far as stops ask.</summary>
    public Actor Actor => new(Id, Key.KeyId, Grant.Terms.Sponsor, Grant.Terms.Blueprint, Grant.Terms.AllLabels);

    /// <summary>The same at an entry, with the key that was its own there.</summary>
    public Actor ActorAt(LeafIndex index) => Actor with { Key = KeyAt(index).KeyId };

    /// <summary>The key of that id, if the agent has it or had it.</summary>
    public PublicKey? FindKey(KeyId key) => Key.KeyId == key ? Key : Keys?.Find(key);

    /// <summary>The entry from which on it has the key that it has.</summary>
    public LeafIndex KeySince => Keys?.Since ?? EnrolledIndex;

    /// <summary>The key that was the agent's at an entry.</summary>
    public PublicKey KeyAt(LeafIndex index) => Keys?.InForceAt(index) ?? Key;

    public ChainHead Chain(KeyId key) => Array.Find(Chains, chain => chain.KeyId == key) ?? ChainHead.Empty(key);

    /// <summary>The credential with an id, for who does not know its place.</summary>
    public LiveCredential? Credential(SubjectId jti)
    {
        foreach (var credential in Credentials)
        {
            if (credential.Item.Jti == jti)
                return credential;
        }
        return null;
    }

    /// <summary>The credential that the ledger holds where the claims say. Found by its place, which lies in the array: an agent may hold dozens, each item somewhere else in memory.</summary>
    public LiveCredential? Credential(CredentialClaims claims)
    {
        foreach (ref readonly var credential in Credentials.AsSpan())
        {
            if (credential.Index.Value == claims.LedgerIndex && credential.Position == claims.LedgerPosition)
                return credential.Item.Jti == claims.Jti ? credential : null;
        }
        return null;
    }

    public AgentRecord With(ChainHead chain) => this with { Chains = [.. Chains.Where(other => other.KeyId != chain.KeyId), chain] };

    /// <summary>Gives it another key. The order stays when this is what it asked for: who redeemed it may ask again.</summary>
    public AgentRecord With(PublicKey key, LeafIndex from, LeafIndex? order, long at) => this with
    {
        Key = key,
        Keys = (Keys ?? KeyHistory.Empty.Then(Key, EnrolledIndex)).Then(key, from),
        Order = order is not null && Order?.Index == order ? Order : null,
        UnattestedSince = order is not null && Grant.Policy is not null ? at : UnattestedSince,
    };

    /// <summary>Adds a credential and forgets those that expired before it was valid.</summary>
    public AgentRecord With(LiveCredential issued) =>
        this with { Credentials = [.. Credentials.Where(other => other.Item.ExpiresAt > issued.Item.NotBefore), issued] };
}

/// <summary>What the agents of one enrolment token share, as far as they state nothing of themselves.</summary>
public sealed record AgentGrant(Grant Terms, Envelope Envelope)
{
    /// <summary>What evidence the token takes; null when it demands none.</summary>
    public EvidencePolicy? Policy { get; init; }

    /// <summary>How long a session lasts; 0 for one without end.</summary>
    public uint SessionSeconds { get; init; }

    /// <summary>The same, for an agent that says this of itself.</summary>
    public AgentGrant Stating(IReadOnlyList<KeyValuePair<string, string>> labels) => labels.Count == 0 ? this : this with { Terms = Terms with { StatedLabels = labels } };

    /// <summary>The same, for an agent of which evidence says this.</summary>
    public AgentGrant Attesting(IReadOnlyList<KeyValuePair<string, string>> labels) => labels.Count == 0 ? this : this with { Terms = Terms with { AttestedLabels = labels } };

    /// <summary>What a token grants that demands this evidence (none when it is empty) and ends sessions.</summary>
    public static AgentGrant Of(Grant terms, string evidence, uint sessionSeconds)
    {
        EvidencePolicy? policy = null;
        if (evidence.Length > 0 && !EvidencePolicy.TryParse(evidence, out policy))
            throw new LedgerDamagedException("An entry demands evidence that cannot be read.");
        return Of(terms) with { Policy = policy, SessionSeconds = sessionSeconds };
    }

    public static AgentGrant Of(Grant terms) => Envelope.TryParse(terms.MaximumEnvelope, out var envelope)
        ? new AgentGrant(terms, envelope)
        : throw new LedgerDamagedException("An entry holds an envelope that cannot be read.");
}

/// <summary>Evidence as it was taken: what the next piece must agree with.</summary>
/// <param name="At">Ms since 1970: when the session began.</param>
public sealed record AcceptedEvidence(EvidenceSource Source, string Issuer, string Subject, Hash Hash, long At);

/// <summary>The end of a chain of statements: what the next one must name, and where the last one stands.</summary>
public sealed record ChainHead(KeyId KeyId, ulong Next, Hash Previous, LeafIndex Index, long At, bool Quarantined)
{
    /// <summary>The entry that keeps a second statement for a place of this chain; null when the agent has signed none.</summary>
    public LeafIndex? Fork { get; init; }

    public static ChainHead Empty(KeyId key) => new(key, 0, default, default, 0, false);
}

/// <summary>A credential that the ledger holds, and where.</summary>
public readonly record struct LiveCredential(IssuanceItem Item, LeafIndex Index, uint Position);

/// <summary>An order to replace an agent's key, and the entry that gave it. The expiry is in ms since 1970.</summary>
public sealed record ReplacementOrder(LeafIndex Index, Hash TokenHash, long ExpiresAt);

/// <summary>What keeps an agent's activities from being erased.</summary>
public sealed record HoldInForce(LeafIndex Index, string Reason, long At);

/// <summary>An entry about an enrolment token: where it stands, who asked for it, and when.</summary>
public sealed record TokenMark(LeafIndex Index, SubjectId Actor, long At);

/// <summary>By which entry a token was withdrawn, and why.</summary>
public sealed record TokenWithdrawal(TokenMark By, string Reason);

/// <summary>Whether a token enrols another agent.</summary>
public enum TokenState
{
    /// <summary>It does.</summary>
    Open,

    /// <summary>It has been used as often as it allows.</summary>
    UsedUp,

    /// <summary>Its time is over.</summary>
    Expired,

    /// <summary>An operator has withdrawn it.</summary>
    Withdrawn,
}

/// <summary>An enrolment token. Uses are counted by the entries that name it.</summary>
public sealed record TokenRecord(SubjectId Id, Hash TokenHash, AgentGrant Grant, uint UsesAllowed, long ExpiresAt, uint UsesMade, TokenMark Created)
{
    /// <summary>By what it was withdrawn; null when it was not.</summary>
    public TokenWithdrawal? Withdrawal { get; init; }

    /// <summary>Whether it enrols another agent at a time (ms since 1970), and if not, why.</summary>
    public TokenState StateAt(long now) =>
        Withdrawal is not null ? TokenState.Withdrawn : now >= ExpiresAt ? TokenState.Expired : UsesMade >= UsesAllowed ? TokenState.UsedUp : TokenState.Open;

    /// <summary>The hash of the key that its agents' DID logs commit to, which the sponsor holds; null: the registry's own.</summary>
    public string? NextDidKeyHash { get; init; }
}

/// <summary>A caller that is not an agent.</summary>
public sealed record CallerRecord(SubjectId Id, CallerRole Role, string Name, PublicKey Key, IReadOnlyList<string> Audiences, long RegisteredAt)
{
    /// <summary>Whether the genesis entry names it.</summary>
    public bool IsFounder { get; init; }

    /// <summary>Where the key signs, when it is a passkey: it approves, and signs no requests. An operator's passkey is a record of its own, under the operator's id.</summary>
    public PasskeyOrigin? Passkey { get; init; }

    /// <summary>Whether the agent is there for this caller: for a sponsor those of the sponsor of its name, exactly, and for the other roles all. docs/formats.md, "Sponsor".</summary>
    public bool Sees(AgentRecord agent) => Role != CallerRole.Sponsor || (agent.Grant.Terms.Sponsor == Name && !agent.IsProbe);

    /// <summary>Whether the stop is there for this caller: for a sponsor those that it has made itself.</summary>
    public bool Sees(StopRecord stop) => Role != CallerRole.Sponsor || stop.Actor == Id;
}
