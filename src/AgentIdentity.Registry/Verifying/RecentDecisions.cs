using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.Verifying;

/// <summary>A decision about a genuine credential, with what a stop would ask about it.</summary>
/// <param name="At">Ms since 1970.</param>
public readonly record struct RecentDecision(SubjectId Agent, Presentation Shown, Envelope Envelope, RequestedAction? Action, Refusal Refusal, long At);

/// <summary>The last decisions of this node, so that a stop can be tried on them first. In memory only.</summary>
/// <remarks>They lie in one table and hold texts that others hold as well: objects of each decision's own would outlive two collections, and be carried along by both.</remarks>
public sealed class RecentDecisions
{
    /// <summary>Decisions that are remembered: some seconds of a full load; 10 MB.</summary>
    public const int DecisionsMax = 65_536;

    private const int CopiedAtOnce = 1024;

    // Tools ask for the same few things again and again.
    private const int ActionsMax = 1024;

    // By several threads at once one may be lost, which costs an object.
    private readonly RequestedAction?[] _actions = new RequestedAction?[ActionsMax];

    // Both are owned by whoever holds the lock.
    private readonly Lock _lock = new();
    private readonly RecentDecision[] _ring = new RecentDecision[DecisionsMax];
    private long _count;

    /// <summary>What is remembered, in no order.</summary>
    public RecentDecision[] All()
    {
        long count;
        lock (_lock)
            count = _count;
        var all = new RecentDecision[Math.Min(count, DecisionsMax)];
        // A part at a time, since decisions wait meanwhile.
        for (var at = 0; at < all.Length; at += CopiedAtOnce)
        {
            var part = all.AsSpan(at, Math.Min(CopiedAtOnce, all.Length - at));
            lock (_lock)
                _ring.AsSpan(at, part.Length).CopyTo(part);
        }
        return all;
    }

    internal void Add(PresentedCredential presented, VerificationRequest request, Refusal refusal, DateTimeOffset now)
    {
        var claims = presented.Claims;
        var shown = new Presentation(claims.Jti, new LeafIndex(claims.LedgerIndex), presented.IssuerKeyId, claims.Chain, Shared(request.Audience, claims.Audience));
        var decision = new RecentDecision(claims.AgentId, shown, claims.Envelope, Shared(request.Action), refusal, now.ToUnixTimeMilliseconds());
        lock (_lock)
            _ring[_count++ % DecisionsMax] = decision;
    }

    private static string Shared(string audience, IReadOnlyList<string> claimed)
    {
        for (var i = 0; i < claimed.Count; i++)
        {
            if (claimed[i] == audience)
                return claimed[i];
        }
        return audience;
    }

    private RequestedAction? Shared(RequestedAction? action)
    {
        if (action is null)
            return null;
        ref var place = ref _actions[(uint)action.GetHashCode() % ActionsMax];
        var kept = Volatile.Read(ref place);
        if (kept == action)
            return kept;
        Volatile.Write(ref place, action);
        return action;
    }
}
