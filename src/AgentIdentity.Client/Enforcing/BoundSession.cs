using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;

namespace AgentIdentity.Client.Enforcing;

/// <summary>
/// A credential whose holder has proven its key on one connection: each further request on it needs no proof. It belongs to that connection alone, which its
/// owner sees to, and ends with it.
/// </summary>
public sealed class BoundSession
{
    internal BoundSession(PresentedCredential presented, string audience, SubjectId? callee)
    {
        var claims = presented.Claims;
        (Presented, Audience, Callee) = (presented, audience, callee);
        Actor = new Actor(claims.AgentId, claims.Jkt, claims.Sponsor, claims.Blueprint, claims.AllLabels);
        Shown = new Presentation(claims.Jti, new LeafIndex(claims.LedgerIndex), presented.IssuerKeyId, claims.Chain, audience);
    }

    /// <summary>The credential.</summary>
    public PresentedCredential Presented { get; }

    /// <summary>The audience that it was shown to.</summary>
    public string Audience { get; }

    internal Actor Actor { get; }

    internal Presentation Shown { get; }

    /// <summary>The agent that the audience is, if it is one.</summary>
    internal SubjectId? Callee { get; }

    /// <summary>Counts how often the credential is let in. Null before the first time.</summary>
    internal AcceptedCredential? Accepted { get; set; }
}
