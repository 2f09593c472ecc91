using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Delegation;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Registry.Issuing;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Verifying;

namespace AgentIdentity.Registry.Delegating;

/// <summary>What an agent wants to pass on.</summary>
/// <param name="AuthorizationDetails">The envelope.</param>
/// <param name="Audience">Among those of the credential above; none: all of them.</param>
/// <param name="LifetimeSeconds">0: as long as the credential above.</param>
/// <param name="Budgets">What may be used up under the link, in order.</param>
public sealed record DelegationWish(string AuthorizationDetails, IReadOnlyList<string> Audience, uint LifetimeSeconds, IReadOnlyList<Budget> Budgets);

/// <summary>Passes a part of one agent's authority on to another: narrower, shorter, less deep. docs/formats.md, "Delegation".</summary>
public sealed class Delegating(RegistrySettings settings, Verification verification, Sequencer sequencer, Issuing.Issuing issuing)
{
    // For each agent that passes on and each that receives, as many as an agent may hold of its own.
    private const int LiveMax = 64;

    // From all others together: what is looked through when a credential of the agent is verified stays short.
    private const int LiveFromAllMax = 1024;

    /// <summary>Passes a part of <paramref name="above"/>, which the caller has shown together with a proof of its key, on to <paramref name="child"/>.</summary>
    public async Task<Outcome<Issued>> DelegateAsync(PresentedCredential above, AgentRecord child, DelegationWish asked)
    {
        var parsed = Parse(above.Claims, child.Id, asked);
        if (parsed.IsRefused)
            return Refused.Because(parsed.Refusal, parsed.Detail);
        var wish = parsed.Value;
        if (!Issuing.Issuing.Fits(settings.Name, child.Grant, wish))
            return Refused.Because(Refusal.MessageTooLarge, "The credential would be longer than verifiers take; ask for a shorter envelope or fewer audiences.");
        var decided = await sequencer.DecideAsync(Lane.Issuance, draft => Decide(draft, above, child.Id, wish, asked.Budgets)).ConfigureAwait(false);
        return decided.IsRefused
            ? Refused.Because(decided.Refusal, decided.Detail)
            : issuing.Sign(decided.Value.ToLive(), child.Grant, wish);
    }

    // What follows from the request and the credential above alone.
    private static Outcome<Wish> Parse(CredentialClaims above, SubjectId child, DelegationWish asked)
    {
        if (child == above.AgentId || above.Chain.Contains(child))
            return Refused.Because(Refusal.DelegationCycle, "That agent is the one that passes on, or stands above it in the chain of command.");
        if (above.Chain.Count >= ChainOfCommand.DepthMax)
            return Refused.Because(Refusal.DelegationTooDeep, $"A chain of command has at most {ChainOfCommand.DepthMax} links.");
        if (!Envelope.TryParse(asked.AuthorizationDetails, out var envelope))
            return Refused.Because(Refusal.EnvelopeMalformed, "authorization_details is not an envelope: docs/formats.md, \"Envelope\". What is passed on must be named.");
        if (!envelope.IsPassedOnFrom(above.Envelope, out var expiryMax))
            return NotPassedOn(envelope, above.Envelope);
        var audience = asked.Audience.Count == 0 ? above.Audience : asked.Audience;
        if (!Audiences.AreValid(audience))
            return Refused.Because(Refusal.AudienceMalformed, "An audience is 1 to 16 distinct strings of 1 to 256 printable ASCII characters.");
        if (!Audiences.AreWithin(audience, above.Audience))
            return Refused.Because(Refusal.AudienceNotAllowed, "The credential that is passed on from is not for that audience.");
        if (asked.LifetimeSeconds > Issuing.Issuing.LifetimeMax.TotalSeconds)
            return Refused.Because(Refusal.LifetimeOutOfRange, $"A delegated credential lives 1 to {Issuing.Issuing.LifetimeMax.TotalSeconds} seconds.");
        var life = asked.LifetimeSeconds == 0 ? Issuing.Issuing.LifetimeMax : TimeSpan.FromSeconds(asked.LifetimeSeconds);
        return new Wish(envelope, audience, life, Math.Min(expiryMax ?? long.MaxValue, above.ExpiresAt))
        {
            Chain = [above.AgentId, .. above.Chain],
            TopSponsor = above.Chain.Count == 0 ? above.Sponsor : above.TopSponsor,
        };
    }

    private static Refused NotPassedOn(Envelope envelope, Envelope above) => envelope.IsWithin(above)
        ? Refused.Because(Refusal.DelegationTooDeep, "What is passed on has a smaller maxDepth than the item that covers it; an item of depth 0 cannot be passed on.")
        : Refused.Because(Refusal.EnvelopeTooWide, "The envelope is not within that of the credential that is passed on from.");

    private Outcome<PendingIssuance> Decide(Draft draft, PresentedCredential above, SubjectId child, Wish wish, IReadOnlyList<Budget> budgets)
    {
        if (CheckStanding(draft, above, child) is { } stopped)
            return stopped;
        if (draft.HasCut)
            return Refused.Because(Refusal.Overloaded, "Something is being cut at this moment; try again.");
        if (wish.ExpiryMax <= draft.At / 1000)
            return Refused.Because(Refusal.EnvelopeTooWide, "The envelope asked for has ended.");
        if (CheckRoom(draft, above.Claims.AgentId, child) is { } full)
            return full;
        if (above.Claims.Chain.Count > 0 && CheckBudgets(draft, above.Claims.Jti, budgets) is { } wide)
            return wide;
        return Stage(draft, above.Claims, draft.State.FindAgent(child)!, wish, budgets);
    }

    // Stop state is asked about both: what is restricted passes nothing on, and nobody may call what is frozen.
    private Refused? CheckStanding(Draft draft, PresentedCredential above, SubjectId child)
    {
        if (verification.CheckLogged(above, DateTimeOffset.FromUnixTimeMilliseconds(draft.At)) is var logged and not Refusal.None)
            return Refused.Because(logged, "The credential that is passed on from is over, or the ledger does not hold it.");
        if (draft.Standing.Of(above.Claims, above.IssuerKeyId, audience: "", callee: null).Refusal is var denied and not Refusal.None)
            return Refused.Because(denied, "The agent may not pass anything on now.");
        // The call may have waited while the agent took another key: the one before gets nothing new, and that is what is passed on.
        if (draft.KeyOf(draft.State.FindAgent(above.Claims.AgentId)!).KeyId != above.Claims.Jkt)
            return Refused.Because(Refusal.KeyRotated, "The agent has another key since; what is bound to this one is not passed on any more.");
        // What hangs below a cut key is spelled out when it is cut, and this would come after.
        if (draft.State.Stops.DenyState.OfKey(above.Claims.Jkt, DenyState.Now).Refusal is var cut and not Refusal.None)
            return Refused.Because(cut, "The key of the credential that is passed on from is cut: what it does now is not relied on.");
        return draft.Standing.RefusalOf(child, draft.At) switch
        {
            Refusal.None => null,
            Refusal.EvidenceDue => Refused.Because(Refusal.EvidenceDue, "The session of the agent that would receive is over: it has to bring evidence."),
            var everyone when draft.Standing.IsHalted => Refused.Because(everyone, "The registry takes no writes now."),
            _ => Refused.Because(Refusal.DelegateStopped, "The agent that would receive is stopped."),
        };
    }

    private static Refused? CheckRoom(Draft draft, SubjectId parent, SubjectId child)
    {
        var live = draft.State.Lineage.LinksTo(child, draft.At / 1000);
        if (live.Count(link => link.Body.Parent == parent) + draft.PendingIssuances(child, parent) >= LiveMax)
            return Refused.Because(Refusal.TooManyCredentials, $"The agent holds {LiveMax} unexpired credentials from this one.");
        return live.Count + draft.PendingDelegations(child) >= LiveFromAllMax
            ? Refused.Because(Refusal.TooManyCredentials, $"The agent holds {LiveFromAllMax} unexpired credentials from others.")
            : null;
    }

    // An agent that acts under its own authority may give any budget; every other has only what it was given.
    internal static Refused? CheckBudgets(Draft draft, SubjectId above, IReadOnlyList<Budget> budgets)
    {
        foreach (var (unit, amount) in budgets)
        {
            if (draft.BudgetLeft(above, unit) is var left && !(amount <= left))
                return Refused.Because(Refusal.BudgetTooWide, $"{amount} {unit} would be passed on, and {(left is null ? "no budget of that unit was received" : $"{left} are left")}.");
        }
        return null;
    }

    private PendingIssuance Stage(Draft draft, CredentialClaims above, AgentRecord child, Wish wish, IReadOnlyList<Budget> budgets)
    {
        var pending = issuing.Stage(draft, child.Id, draft.KeyOf(child).KeyId, wish, above.AgentId);
        var item = pending.Item;
        draft.Stage(
            above.AgentId,
            new Delegated(above.AgentId, above.Jti, child.Id, item.Jti, wish.Envelope.Canonical, item.Audience, item.ExpiresAt, (uint)wish.Chain.Count, budgets),
            above.AgentId, child.Id);
        return pending;
    }
}
