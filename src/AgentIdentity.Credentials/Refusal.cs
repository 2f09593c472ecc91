namespace AgentIdentity.Credentials;

/// <summary>Why something was refused. The names are part of the wire: docs/formats.md, "Refusals".</summary>
/// <remarks>The numbers are not: nothing stores or sends them.</remarks>
public enum Refusal
{
    /// <summary>Not refused.</summary>
    None = 0,

    /// <summary>The message cannot be read, or a field of it is not what its description asks for.</summary>
    MessageMalformed,

    /// <summary>The message is larger than its method takes.</summary>
    MessageTooLarge,

    /// <summary>A unary call came without a deadline.</summary>
    DeadlineMissing,

    /// <summary>The key that signed the call belongs to nobody whom the registry knows.</summary>
    CallerUnknown,

    /// <summary>The caller is known, and may not do this.</summary>
    NotPermitted,

    /// <summary>The proof carries no nonce of this instance, or an old one; a good one comes with the refusal.</summary>
    UseDpopNonce,

    /// <summary>The credential failed before its signature was verified, or is not one. One name for all causes.</summary>
    CredentialInvalid,

    /// <summary>The credential is genuine in form, and the ledger does not hold it.</summary>
    CredentialUnlogged,

    /// <summary>The credential's time has not come.</summary>
    CredentialNotYetValid,

    /// <summary>The credential's time is over.</summary>
    CredentialExpired,

    /// <summary>The credential is not for this verifier.</summary>
    AudienceMismatch,

    /// <summary>There is no key proof.</summary>
    ProofMissing,

    /// <summary>The key proof is not one: its form, its key or its signature is wrong.</summary>
    ProofInvalid,

    /// <summary>The key proof is made with another key than the one that the credential is bound to.</summary>
    ProofKeyMismatch,

    /// <summary>The key proof was made for another method, another URL or another credential.</summary>
    ProofRequestMismatch,

    /// <summary>The key proof was made too long ago, in the future, or before the verifier started.</summary>
    ProofStale,

    /// <summary>The key proof carries another nonce than the one expected.</summary>
    NonceMismatch,

    /// <summary>The key proof was used before.</summary>
    ProofReplayed,

    /// <summary>No further key proof can be remembered at the moment, so none is accepted.</summary>
    ReplayStoreFull,

    /// <summary>The key proof was made for another message.</summary>
    BodyMismatch,

    /// <summary>There is no such agent.</summary>
    AgentUnknown,

    /// <summary>The agent is frozen.</summary>
    AgentFrozen,

    /// <summary>The agent is revoked.</summary>
    AgentRevoked,

    /// <summary>The agent may only read.</summary>
    AgentRestricted,

    /// <summary>The credential is stopped, or one above it in its chain of command.</summary>
    CredentialStopped,

    /// <summary>The key is stopped.</summary>
    KeyStopped,

    /// <summary>An agent above this one in the chain of command is stopped.</summary>
    ChainStopped,

    /// <summary>Nobody may call this audience, or the agent that it is.</summary>
    AudienceStopped,

    /// <summary>Nobody may use this location.</summary>
    ResourceStopped,

    /// <summary>What the registry's key signed after some entry is not relied on.</summary>
    IssuerKeyStopped,

    /// <summary>The credential was given after the entry from which on its agent is not relied on.</summary>
    AfterCut,

    /// <summary>The enforcer has not heard from the registry for longer than its lease, or not yet at all.</summary>
    LeaseOver,

    /// <summary>The scope is not one: docs/formats.md, "Scope".</summary>
    ScopeMalformed,

    /// <summary>There is no stop in force under that entry.</summary>
    StopUnknown,

    /// <summary>A newer stop covers the same scope; a restore must name it too.</summary>
    NewerStop,

    /// <summary>A revocation is final.</summary>
    NotRestorable,

    /// <summary>The stop would leave too few who can restore.</summary>
    ForceNeeded,

    /// <summary>What is asked for leads out of a stopped scope, which only two people may.</summary>
    ScopeStopped,

    /// <summary>The stop order is not one of the break-glass key in force, was lifted, or names an operator's key.</summary>
    OrderInvalid,

    /// <summary>The name is defined already.</summary>
    AlreadyDefined,

    /// <summary>The envelope is not one.</summary>
    EnvelopeMalformed,

    /// <summary>The envelope asks for more than the agent may have.</summary>
    EnvelopeTooWide,

    /// <summary>The envelope does not cover the action.</summary>
    EnvelopeExceeded,

    /// <summary>The audience is not among those that the agent may address.</summary>
    AudienceNotAllowed,

    /// <summary>The audiences are not 1 to 16 distinct strings of visible ASCII characters.</summary>
    AudienceMalformed,

    /// <summary>The lifetime lies outside the bounds.</summary>
    LifetimeOutOfRange,

    /// <summary>The labels are too many, too long, or repeat a name.</summary>
    LabelsMalformed,

    /// <summary>The name is empty, too long, or holds what a name may not hold.</summary>
    NameMalformed,

    /// <summary>The name is another's.</summary>
    NameTaken,

    /// <summary>The enrolment token is not one of this registry.</summary>
    TokenInvalid,

    /// <summary>The enrolment token's time is over, or it was withdrawn.</summary>
    TokenExpired,

    /// <summary>The enrolment token has been used as often as it allows.</summary>
    TokenUsedUp,

    /// <summary>The key is enrolled under another token.</summary>
    KeyAlreadyEnrolled,

    /// <summary>The key is registered for another caller.</summary>
    KeyAlreadyRegistered,

    /// <summary>The key is neither P-256 nor Ed25519, or not a valid one.</summary>
    KeyUnsupported,

    /// <summary>The challenge is not one of this instance, or an old one.</summary>
    ChallengeInvalid,

    /// <summary>The public URL names this machine only, and the registry does not run in development mode.</summary>
    LoopbackUrl,

    /// <summary>The signed statement is not one.</summary>
    StatementMalformed,

    /// <summary>The statement names another log.</summary>
    WrongOrigin,

    /// <summary>The statement names a key that is not the agent's.</summary>
    WrongKey,

    /// <summary>The signature does not verify.</summary>
    SignatureInvalid,

    /// <summary>The statement leaves out a sequence number, or does not name the one before.</summary>
    SequenceGap,

    /// <summary>Another statement with this sequence number is recorded.</summary>
    SequenceFork,

    /// <summary>The level that was asked for is not configured here.</summary>
    LevelNotConfigured,

    /// <summary>The ledger holds no such entry.</summary>
    EntryUnknown,

    /// <summary>No checkpoint covers the entry yet.</summary>
    NotIntegrated,

    /// <summary>That is no state that a stop can ask for.</summary>
    StopStateUnsupported,

    /// <summary>The agent is revoked already, which is final.</summary>
    AlreadyRevoked,

    /// <summary>A reason is demanded and there is none.</summary>
    ReasonMissing,

    /// <summary>An approval is not one for this registry: its form, its key or its signature is wrong.</summary>
    ApprovalInvalid,

    /// <summary>An approval was signed more than an hour ago or ahead, or its nonce is old, of another instance, or for another action.</summary>
    ApprovalStale,

    /// <summary>An approval is for another action than the one that is asked for.</summary>
    ApprovalMismatch,

    /// <summary>The approvals have been used.</summary>
    ApprovalUsed,

    /// <summary>An approval is signed by a key that is no operator's.</summary>
    ApproverUnknown,

    /// <summary>The entry is not an activity of that agent, and nothing else can be erased.</summary>
    NotErasable,

    /// <summary>The activity is erased already.</summary>
    AlreadyErased,

    /// <summary>The agent's activities are held.</summary>
    AgentHeld,

    /// <summary>The agent has no such hold.</summary>
    HoldUnknown,

    /// <summary>The registry has no operators yet.</summary>
    NotBootstrapped,

    /// <summary>The registry has its operators already.</summary>
    BootstrapClosed,

    /// <summary>The bootstrap secret is wrong, or its time is over.</summary>
    BootstrapInvalid,

    /// <summary>Two operators with different keys and names are needed.</summary>
    NeedsTwoOperators,

    /// <summary>The registry has not reached the epoch that the caller demands.</summary>
    EpochNotReached,

    /// <summary>The agent holds as many unexpired credentials as it may, or as many from one agent.</summary>
    TooManyCredentials,

    /// <summary>The agent that would receive stands in the chain of command already, or is the one that passes on.</summary>
    DelegationCycle,

    /// <summary>The chain of command is as long as it may be, or what is passed on is not as deep any more.</summary>
    DelegationTooDeep,

    /// <summary>The agent that would receive is stopped.</summary>
    DelegateStopped,

    /// <summary>A delegated credential is not renewed; whoever passed it on does so again.</summary>
    DelegationNotRenewable,

    /// <summary>The budgets are not at most 16 distinct units of visible ASCII, with amounts of at least 1.</summary>
    BudgetMalformed,

    /// <summary>The budget is more than the one above has left, or of a unit that it has not.</summary>
    BudgetTooWide,

    /// <summary>The budget, or one above it, has less left than would be spent.</summary>
    BudgetExceeded,

    /// <summary>The credential was not passed on with a budget of that unit.</summary>
    NoBudget,

    /// <summary>There is more work than can be done now.</summary>
    Overloaded,

    /// <summary>The caller has used up what it may use now.</summary>
    QuotaExceeded,

    /// <summary>There is no room on the disk.</summary>
    StorageFull,

    /// <summary>The registry has stopped accepting writes and must be restarted.</summary>
    RegistryHalted,

    /// <summary>What an enforcer has signed is not what it was told, not by its key, or for a nonce that it did not send here.</summary>
    AcknowledgementInvalid,

    /// <summary>That is no checkpoint that the log's key has signed.</summary>
    CheckpointNotOurs,

    /// <summary>Somebody holds a checkpoint that this log's key signed and this ledger does not lead to: the registry denies everything until it is recovered.</summary>
    RolledBack,

    /// <summary>That is no status list of the registry, or not the one that was asked for: its form, its name, its size or its signature is wrong.</summary>
    StatusListInvalid,

    /// <summary>The status list has ended, and says nothing of now.</summary>
    StatusListEnded,

    /// <summary>The status list is of later than now: a clock is wrong, and whoever's is slow would take lists that have ended.</summary>
    StatusListNotYetValid,

    /// <summary>The agent has another key, and this one does nothing more.</summary>
    KeyRotated,

    /// <summary>The DID says already what it should.</summary>
    DidUnchanged,

    /// <summary>The line does not go on from the DID log, or says something else than was asked for.</summary>
    DidLineInvalid,

    /// <summary>The next key of the DID is its sponsor's: the registry signs no further line of its log.</summary>
    DidHeld,

    /// <summary>What the token demands as evidence is no list of rules.</summary>
    EvidencePolicyMalformed,

    /// <summary>The enrolment token demands evidence, and none was brought.</summary>
    EvidenceMissing,

    /// <summary>The evidence is of no form that is taken here, or says more than one thing.</summary>
    EvidenceMalformed,

    /// <summary>Nobody who is trusted here has issued the evidence.</summary>
    EvidenceIssuerUnknown,

    /// <summary>The evidence is not signed by a key of who it names as its issuer, or was changed.</summary>
    EvidenceSignatureInvalid,

    /// <summary>The evidence has ended.</summary>
    EvidenceExpired,

    /// <summary>The evidence begins later than now: a clock is wrong.</summary>
    EvidenceNotYetValid,

    /// <summary>The evidence is meant for somebody else than this registry.</summary>
    EvidenceAudienceMismatch,

    /// <summary>The evidence is genuine, and the token takes other evidence, or none.</summary>
    EvidenceNotAllowed,

    /// <summary>The agent's key does not claim this evidence, or who the evidence is about has not signed for the key.</summary>
    EvidenceUnbound,

    /// <summary>The evidence has been used.</summary>
    EvidenceUsed,

    /// <summary>The evidence says something else of the agent than the evidence that it was enrolled with.</summary>
    EvidenceChanged,

    /// <summary>The session has lasted as long as it may: the agent enrols again, with the same key and fresh evidence.</summary>
    EvidenceDue,

    /// <summary>The agent that vouches is not known, is stopped, has to bring evidence itself, or has no right to vouch for such agents.</summary>
    VouchNotAllowed,

    /// <summary>The challenge is one that this agent has made itself.</summary>
    ChallengeReflected,

    /// <summary>The other agent is not the one that was meant.</summary>
    PeerMismatch,

    /// <summary>What was signed is for another channel than this one.</summary>
    ChannelMismatch,

    /// <summary>What was signed is for another purpose than this one.</summary>
    PurposeMismatch,

    /// <summary>The other agent, or one above it, is stopped.</summary>
    PeerStopped,

    /// <summary>The registry does not say now what its keys are and who is stopped, and what it has said before is too old.</summary>
    RegistryUnheard,

    /// <summary>The registry's keys cannot be used: the token that holds them is lost, or answers what no key of its would.</summary>
    KeysUnavailable,

    /// <summary>The credential is bound to a client certificate, and the connection that it came on has shown another one, or none.</summary>
    CertificateMismatch,

    /// <summary>The did:webvh DID names an agent's place, and its SCID is not that of the agent's log: it is another DID.</summary>
    ScidMismatch,

    /// <summary>Another watch has begun under this enforcer's key, and takes the place of this one: one process for each key.</summary>
    WatchReplaced,

    /// <summary>What the watch began with has changed: watch again, at once.</summary>
    WatchOutdated,

    /// <summary>The next key of the agent's DID is the registry's: what only the sponsor's could sign is not asked for.</summary>
    DidNotHeld,

    /// <summary>There is no such method on this listener.</summary>
    MethodUnknown,

    /// <summary>The request is compressed, and none is taken so.</summary>
    CompressionUnsupported,
}
