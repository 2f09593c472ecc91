using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Watching;

/// <summary>What an enforcer reports of a credential that it let in: the hash of its issuance item. docs/formats.md, "Watch".</summary>
/// <remarks>A credential does not show its place in the status list, so the item is hashed with the place 0, here and by the registry.</remarks>
public static class AcceptedItem
{
    /// <summary>The hash that a credential stands for.</summary>
    public static Hash HashOf(PresentedCredential credential)
    {
        var claims = credential.Claims;
        return HashOf(new IssuanceItem(claims.Jti, claims.AgentId, claims.Jkt, claims.Audience, claims.NotBefore, claims.ExpiresAt, 0, credential.AuthorityHash));
    }

    /// <summary>The hash of an item that the ledger holds.</summary>
    public static Hash HashOf(IssuanceItem item) => Sha256.Hash((item with { StatusIndex = 0 }).Encode());
}
