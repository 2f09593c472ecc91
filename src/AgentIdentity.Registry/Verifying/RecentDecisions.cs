using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.Verifying;

/// <summary>A decision about a genuine credential, with what a stop would ask about it.</summary>
/// <param name="At">Ms since 1970.</param>
public sealed record RecentDecision(SubjectId Agent, Presentation Shown, Envelope Envelope, RequestedAction? Action, Refusal Refusal, long At);

/// <summary>The last decisions of this node, so that a stop can be tried on them first. In memory only.</summary>
public sealed class RecentDecisions
{
    /// <summary>Decisions that are remembered: some seconds of a full load; 15 MB.</summary>
    public const int DecisionsMax = 65_536;

    private readonly RecentDecision?[] _ring = new RecentDecision?[DecisionsMax];
    private long _count;

    /// <summary>What is remembered, in no order.</summary>
    public IEnumerable<RecentDecision> All => _ring.OfType<RecentDecision>();

    // By many threads: each takes a place of its own, and what it puts there is whole.
    internal void Add(PresentedCredential presented, VerificationRequest request, Refusal refusal, DateTimeOffset now)
    {
        var claims = presented.Claims;
        var shown = new Presentation(claims.Jti, new LeafIndex(claims.LedgerIndex), presented.IssuerKeyId, claims.Chain, request.Audience);
        Volatile.Write(ref _ring[(Interlocked.Increment(ref _count) - 1) % DecisionsMax], new RecentDecision(claims.AgentId, shown, claims.Envelope, request.Action, refusal, now.ToUnixTimeMilliseconds()));
    }
}
