using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Client;

/// <summary>A credential as its holder keeps it.</summary>
/// <param name="Token">What is presented: the compact JWS.</param>
/// <param name="Jti">Its identifier.</param>
/// <param name="NotBefore">From when.</param>
/// <param name="ExpiresAt">At this moment it is already refused.</param>
/// <param name="LedgerIndex">The entry that holds the issuance.</param>
/// <param name="LedgerPosition">Its place in that entry.</param>
public sealed record HeldCredential(string Token, string Jti, DateTimeOffset NotBefore, DateTimeOffset ExpiresAt, ulong LedgerIndex, ulong LedgerPosition)
{
    /// <summary>The same credential with an embedded proof, when that was asked for.</summary>
    public string? Document { get; init; }

    /// <summary>Gives this credential and no other: for one that another agent has passed on, which nobody renews.</summary>
    public CredentialSource Source => _ => new ValueTask<string>(Token);

    /// <summary>Which it is, and not what is presented: this may stand in a log.</summary>
    public override string ToString() => $"credential {Jti} until {ExpiresAt:O}";

    public static HeldCredential From(IssuedCredential issued) => new(
        issued.Token,
        issued.Jti,
        DateTimeOffset.FromUnixTimeSeconds(issued.NotBefore),
        DateTimeOffset.FromUnixTimeSeconds(issued.ExpiresAt),
        issued.LedgerIndex,
        issued.LedgerPosition) { Document = issued.Document is { Length: > 0 } document ? document : null };
}
