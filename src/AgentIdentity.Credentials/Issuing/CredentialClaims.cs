using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Issuing;

/// <summary>What a credential says. docs/formats.md, "Credential".</summary>
/// <param name="Jti">The credential's id.</param>
/// <param name="AgentId">Whose it is.</param>
/// <param name="Jkt">The key that it is bound to.</param>
/// <param name="Sponsor">Who answers for the agent.</param>
/// <param name="Blueprint">What the agent is an instance of.</param>
/// <param name="Labels">What its sponsor says of the agent: name and value, names distinct.</param>
/// <param name="Audience">Whom it may be presented to.</param>
/// <param name="Envelope">What it allows at most.</param>
/// <param name="Act">The chain of command above the agent, JCS of RFC 8693 <c>act</c>; null when nobody delegated.</param>
/// <param name="IssuedAt">Seconds since 1970.</param>
/// <param name="NotBefore">Seconds since 1970.</param>
/// <param name="ExpiresAt">Seconds since 1970; at that second it is already refused.</param>
/// <param name="LedgerIndex">The entry that holds the issuance.</param>
/// <param name="LedgerPosition">The item's place among the items of that entry.</param>
/// <param name="StatusIndex">Where its bit is in the status lists.</param>
public sealed record CredentialClaims(
    SubjectId Jti,
    SubjectId AgentId,
    KeyId Jkt,
    string Sponsor,
    string Blueprint,
    IReadOnlyList<KeyValuePair<string, string>> Labels,
    IReadOnlyList<string> Audience,
    Envelope Envelope,
    string? Act,
    long IssuedAt,
    long NotBefore,
    long ExpiresAt,
    ulong LedgerIndex,
    uint LedgerPosition,
    ulong StatusIndex)
{
    /// <summary>The agents that <see cref="Act"/> names, nearest first.</summary>
    public IReadOnlyList<SubjectId> Chain { get; init; } = [];

    /// <summary>Who answers for the last of those, and so for the whole chain; null when there is none, and in what earlier versions wrote.</summary>
    public string? TopSponsor { get; init; }

    /// <summary>SHA-256 of the client certificate that it is bound to beside the key (RFC 8705); null when to none.</summary>
    public Hash? Certificate { get; init; }

    /// <summary>What the agent says of itself, under other names than <see cref="Labels"/> has.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> StatedLabels { get; init; } = [];

    /// <summary>What evidence says of the agent, under other names than the two lists have.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> AttestedLabels { get; init; } = [];

    /// <summary>The labels that a stop asks for, whoever says so.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> AllLabels => StatedLabels.Count + AttestedLabels.Count == 0 ? Labels : [.. Labels, .. StatedLabels, .. AttestedLabels];
}
