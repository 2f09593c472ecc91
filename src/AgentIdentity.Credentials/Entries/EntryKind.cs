namespace AgentIdentity.Credentials.Entries;

/// <summary>What an entry says. The numbers are bytes of the format: docs/formats.md, "Entry".</summary>
public enum EntryKind
{
    /// <summary>The first entry of a log.</summary>
    Genesis = 1,

    /// <summary>An auditor, enforcer or sponsor was registered.</summary>
    CallerRegistered = 2,

    /// <summary>An enrolment token was created.</summary>
    TokenCreated = 3,

    /// <summary>An agent was enrolled.</summary>
    AgentEnrolled = 4,

    /// <summary>The credentials of one commit group were issued.</summary>
    CredentialsIssued = 5,

    /// <summary>An agent recorded a signed statement.</summary>
    Activity = 6,

    /// <summary>A scope was stopped.</summary>
    Stop = 7,

    /// <summary>A key of the registry was replaced.</summary>
    RegistryKeyRotated = 8,

    /// <summary>Somebody read private data.</summary>
    PrivateDataRead = 9,

    /// <summary>Calls were refused on the control listener.</summary>
    CallsRefused = 10,

    /// <summary>What the entries about each subject come to.</summary>
    Heads = 11,

    /// <summary>An agent signed a second statement for one place of its chain.</summary>
    Fork = 12,

    /// <summary>What opened some activities is gone.</summary>
    ActivitiesErased = 13,

    /// <summary>Nothing of an agent may be erased.</summary>
    HoldPlaced = 14,

    /// <summary>A hold has ended.</summary>
    HoldLifted = 15,

    /// <summary>The log goes on under another origin and key.</summary>
    LogSucceeded = 16,

    /// <summary>Stops were lifted, by two people.</summary>
    Restored = 17,

    /// <summary>An agent passed a part of its authority on.</summary>
    Delegated = 18,

    /// <summary>A part of a budget was used.</summary>
    BudgetSpent = 19,

    /// <summary>What a blueprint is, and which of its actions only read.</summary>
    BlueprintDefined = 20,

    /// <summary>What a key or agent did after an entry is not to be relied on.</summary>
    CompromiseCut = 21,

    /// <summary>A person may now operate the registry.</summary>
    OperatorAdded = 22,

    /// <summary>A caller is one no more.</summary>
    CallerRemoved = 23,

    /// <summary>Enforcers have signed what they refuse.</summary>
    EnforcersAcknowledged = 24,

    /// <summary>The key that may freeze without the registry.</summary>
    BreakGlassKeySet = 25,

    /// <summary>An enforcer was shown credentials that the ledger does not hold.</summary>
    CredentialsUnlogged = 26,

    /// <summary>A DID log got another line.</summary>
    DidVersion = 27,

    /// <summary>An agent has another key.</summary>
    AgentKeyRotated = 28,

    /// <summary>Whoever shows a token may give an agent another key.</summary>
    KeyReplacementOrdered = 29,

    /// <summary>The next update keys of the DIDs of a token's agents are their sponsor's.</summary>
    DidKeysHeld = 30,

    /// <summary>Somebody else has said who the agent is, at its enrolment or again.</summary>
    EvidenceAccepted = 34,

    /// <summary>An enforcer has told of something that people must see.</summary>
    EnforcerAlarmed = 41,

    /// <summary>Classes of actions got leases of their own, or lost them.</summary>
    LeasesGranted = 42,

    /// <summary>This registry, as a witness, had cosigned a checkpoint of another log.</summary>
    LogCosigned = 49,

    /// <summary>Two people have said which rules stop by themselves.</summary>
    RulesSet = 50,

    /// <summary>An enrolment token enrols nobody any more.</summary>
    TokenWithdrawn = 51,
}

/// <summary>Why a log was succeeded. docs/formats.md, "Entry", kind 16.</summary>
public enum SuccessionReason
{
    /// <summary>Its key was replaced.</summary>
    KeyRotated = 1,

    /// <summary>The registry lost entries that others have seen under a checkpoint.</summary>
    Recovered = 2,
}

/// <summary>What class of evidence an entry is; public, in the leaf. docs/formats.md, "Leaf".</summary>
public enum EntryClass : byte
{
    /// <summary>What somebody may do, and who looked.</summary>
    Authority = 1,

    /// <summary>What an agent did.</summary>
    Activity = 2,

    /// <summary>What a stopped key handed in.</summary>
    Quarantined = 3,
}

/// <summary>What a caller that is not an agent may be. docs/formats.md, "Entry", kind 2.</summary>
public enum CallerRole
{
    /// <summary>Runs the registry and answers to break-ins.</summary>
    Operator = 1,

    /// <summary>Reads what is needed to check the registry.</summary>
    Auditor = 2,

    /// <summary>Lets agents in or keeps them out.</summary>
    Enforcer = 3,

    /// <summary>Answers for agents.</summary>
    Sponsor = 4,
}

/// <summary>What an agent may do at all. Ordered: a later one takes away more.</summary>
public enum StandingState
{
    /// <summary>No stop is in force.</summary>
    Active = 1,

    /// <summary>Only what its blueprint lists as reads.</summary>
    Restricted = 2,

    /// <summary>Nothing, until two people restore it.</summary>
    Frozen = 3,

    /// <summary>Nothing, for ever.</summary>
    Revoked = 4,
}

/// <summary>What a key of the registry is for. docs/formats.md, "Entry", kind 1.</summary>
public enum RegistryKeyUse
{
    /// <summary>Signs credentials (ES256).</summary>
    Credentials = 1,

    /// <summary>Signs checkpoints (Ed25519).</summary>
    Log = 2,

    /// <summary>Signs what enforcers are told (Ed25519).</summary>
    Watch = 3,

    /// <summary>Makes the keys that sign DID logs (Ed25519).</summary>
    Did = 4,

    /// <summary>Cosigns the checkpoints of other registries' logs (Ed25519). No entry names it.</summary>
    Witness = 5,

    /// <summary>Signs credentials with an embedded proof (Ed25519).</summary>
    Integrity = 6,
}

/// <summary>What a stop covers. docs/formats.md, "Scope".</summary>
public enum ScopeKind
{
    /// <summary>One agent, and every credential in whose chain of command it stands.</summary>
    Agent = 1,

    /// <summary>An agent, and every agent that authority of it has come to.</summary>
    AgentWithDelegates = 2,

    /// <summary>One credential, and those delegated from it.</summary>
    Credential = 3,

    /// <summary>A key, whoever holds it.</summary>
    Key = 4,

    /// <summary>The agents of a blueprint.</summary>
    Blueprint = 5,

    /// <summary>The agents whose blueprint is of a model.</summary>
    Model = 6,

    /// <summary>The agents that somebody answers for.</summary>
    Sponsor = 7,

    /// <summary>Nobody may call this audience.</summary>
    Audience = 8,

    /// <summary>Nobody may use this location.</summary>
    Resource = 9,

    /// <summary>The agents that have a label.</summary>
    Label = 10,

    /// <summary>What a key of the registry signed after an entry.</summary>
    IssuerKey = 11,

    /// <summary>Everybody.</summary>
    Everything = 12,
}

/// <summary>Who vouches for an agent when it enrols. docs/formats.md, "Evidence".</summary>
public enum EvidenceSource
{
    /// <summary>A token of an OpenID Connect issuer.</summary>
    Oidc = 1,

    /// <summary>A SPIFFE X.509-SVID.</summary>
    X509Svid = 2,

    /// <summary>A SPIFFE JWT-SVID.</summary>
    JwtSvid = 3,

    /// <summary>Another agent.</summary>
    Vouch = 4,
}
