using System.Diagnostics.CodeAnalysis;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Stopping;

/// <summary>What a responder asks for.</summary>
/// <param name="Scope">What to stop.</param>
/// <param name="State">What it leaves.</param>
/// <param name="Reason">For the record.</param>
/// <param name="Incident">What ties stops together; may be empty.</param>
/// <param name="Force">Yes to a stop that leaves nobody able to restore.</param>
/// <param name="Approvals">Of the action <c>revoke</c>, when more is revoked than one person may.</param>
public sealed record StopWish(Scope Scope, StandingState State, string Reason, string Incident, bool Force = false, IReadOnlyList<string>? Approvals = null)
{
    /// <summary>The signed order that it came as, or the note that denied it, if it did.</summary>
    public string? Order { get; init; }

    /// <summary>The rule that it is by, if it is.</summary>
    public StoppingRule? Rule { get; init; }
}

/// <summary>A stop that is RECORDED: durable, and this node refuses. <paramref name="Reached"/> agents are covered themselves, <paramref name="Credentials"/> further credentials by what stands above them.</summary>
/// <param name="IsIndexPending">It is durable in the control journal, since the disk is full: the ledger takes it up, at this index and with this epoch, before anything else.</param>
public sealed record Stopped(LeafIndex Index, StandingState State, long At, ulong Epoch, int Reached, int Credentials, int LiveCredentials, StopConcern Concern, bool IsIndexPending = false);

/// <summary>From whom a stop takes anything at all, since nobody is covered as a whole by an audience or a location.</summary>
/// <param name="Agents">Agents that it covers, or that may use or hold what it names.</param>
/// <param name="IsNobody">The registry knows nothing that it names.</param>
public sealed record StopConcern(int Agents, bool IsNobody)
{
    /// <summary>Of those from whom it takes anything. The registry's own probes are nobody.</summary>
    internal static StopConcern Of(StopReach reach, Scope scope, IEnumerable<AgentRecord> holders) =>
        holders.Count(agent => !agent.IsProbe) is > 0 and var agents ? new StopConcern(agents, IsNobody: false) : new StopConcern(0, reach.IsUnknown(scope));
}

/// <summary>What a stop would reach: agents as a whole, delegated credentials below what it covers, unexpired credentials of those agents; and whom a stop by model cannot see.</summary>
public sealed record StopPreview(int Agents, int DelegatedCredentials, int LiveCredentials, int WithoutModel, IReadOnlyList<SubjectId> Named, StopConcern Concern);

/// <summary>Stops that were lifted, or a cut that was set.</summary>
/// <param name="IsIndexPending">As for a stop.</param>
public sealed record Decided(LeafIndex Index, long At, ulong Epoch, bool IsIndexPending = false);

/// <summary>Stops whatever a scope covers: denied in memory at once, acknowledged when durable. One person stops, two restore. A sponsor stops its own agents, on the same way.</summary>
/// <param name="probes">Takes what rides along with a stop or a cut, which enforcers have been shown before; given its time, seconds since 1970, and for a cut the last entry that is still good.</param>
public sealed class Stopping(
    RegistrySettings settings, RegistryState state, Standing standing, Sequencer sequencer, Approvals approvals, Func<long, LeafIndex?, IReadOnlyList<SubjectId>> probes, TimeProvider clock)
{
    private const int IncidentMax = 100;
    private const string NoPattern = "That would stop nothing: a location is exact, or ends in /*, and a star stands nowhere else. For all of a tool: audience:URL; for everybody: everything.";
    private static readonly TimeSpan RevokeWindow = TimeSpan.FromHours(1);

    public async Task<Outcome<Stopped>> StopAsync(CallerRecord actor, StopWish wish)
    {
        if (wish.State is not (StandingState.Restricted or StandingState.Frozen or StandingState.Revoked))
            return Refused.Because(Refusal.StopStateUnsupported, "A stop is RESTRICTED, FROZEN or REVOKED.");
        if (CheckReason(wish.Reason, wish.Incident) is { } wrong)
            return wrong;
        // Before all that would tell a sponsor of others.
        if (NotTheirs(actor, wish.Scope) is { } notTheirs)
            return notTheirs;
        if (CheckScope(wish.Scope) is { } none)
            return none;
        if (wish.Scope.IsAgent && state.FindAgent(wish.Scope.Id) is null)
            return Refused.Because(Refusal.AgentUnknown, "No agent has that id.");
        var approved = CheckApprovals(wish);
        if (approved.IsRefused)
            return Refused.Because(approved.Refusal, approved.Detail);
        if (MadeBefore(actor, wish) is { } made)
            return Answer(made);
        if (state.Stops.IsRevoked(wish.Scope))
            return AlreadyRevoked(wish.Scope);
        if (Objection(actor, wish, approved.Value, null) is { } objection)
            return objection;
        return await StopAsync(actor, wish, approved.Value).ConfigureAwait(false);
    }

    /// <summary>Takes a stop that the break-glass key has ordered, here or at an enforcer that came first. It freezes; the same order again changes nothing.</summary>
    public async Task<Outcome<Stopped>> ObeyAsync(string token)
    {
        if (!StopOrder.TryRead(token, settings.Name.PublicUrl, out var order, out var key) || state.BreakGlassKey?.KeyId != key.KeyId)
            return Refused.Because(Refusal.OrderInvalid, "That is no order of the break-glass key in force for this registry: docs/formats.md, \"Stop order\".");
        if (CheckScope(order.Scope) is { } none)
            return none;
        // Whoever broke the seal of that key was sure: there is nobody to ask whether it is meant.
        var wish = new StopWish(order.Scope, StandingState.Frozen, order.Reason, order.Id.ToString(), Force: true) { Order = token };
        if (Obeyed(wish) is { } obeyed)
            return obeyed.IsRefused ? Refused.Because(obeyed.Refusal, obeyed.Detail) : Answer(state.Stops.Find(obeyed.Value)!);
        // Two operators lift what it freezes, so it must not take their keys.
        return IsOperators(order.Scope, out _)
            ? Refused.Because(Refusal.OrderInvalid, "That key is an operator's. An order freezes agents; an operator stops that key.")
            : await StopAsync(null, wish, null).ConfigureAwait(false);
    }

    /// <summary>Stops for a rule, or what an enforcer brings back. Whether to is the writer's to say, so nobody is denied before that; the rest of the group is decided behind it.</summary>
    /// <param name="actor">Who has brought it; null for a rule.</param>
    /// <param name="about">Whose trail it stands in; null for the registry's.</param>
    /// <param name="decide">What to stop, or why nothing.</param>
    internal async Task<Outcome<Stopped>> StopIfAsync(CallerRecord? actor, SubjectId? about, Func<Draft, Outcome<StopWish>> decide)
    {
        PendingStop? pending = null;
        var decided = await sequencer.DecideAsync<LeafIndex>(Lane.Stop, draft =>
        {
            var wish = decide(draft);
            if (wish.IsRefused)
                return Refused.Because(wish.Refusal, wish.Detail);
            pending = standing.Deny(wish.Value.State, wish.Value.Scope, draft.At);
            return Stage(draft, actor, wish.Value, pending, about);
        }).ConfigureAwait(false);
        return pending is null ? Refused.Because(decided.Refusal, decided.Detail) : Settle(pending, decided);
    }

    /// <summary>Whether a stop waits in the control journal for room in the ledger.</summary>
    public bool IsIndexPending(LeafIndex index) => sequencer.IsIndexPending(index);

    /// <summary>What a stop would reach, without stopping anything.</summary>
    /// <param name="scope">What to stop.</param>
    /// <param name="actor">Who would; null for who may stop anything.</param>
    public Outcome<StopPreview> Preview(Scope scope, CallerRecord? actor = null)
    {
        if (NotTheirs(actor, scope) is { } notTheirs)
            return notTheirs;
        if (CheckScope(scope) is { } none)
            return none;
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var denial = state.Reach.Spell(new LeafIndex(state.Position), state.Epoch, StandingState.Frozen, scope, null, now);
        var agents = state.Reach.Agents(scope).ToArray();
        // A key that was rotated away covers nobody as a whole any more, and what is bound to it lives on.
        var holders = state.Reach.Holders(scope, agents).ToArray();
        var live = scope.Kind == ScopeKind.IssuerKey
            ? new StopExposures(state).Of(denial, state.Founding!.RegistryId, now).Credentials
            : holders.Sum(agent => agent.IsProbe ? 0 : agent.Credentials.Count(credential => credential.Item.ExpiresAt > now / 1000 && state.Reach.Takes(scope, credential)));
        var withoutModel = scope.Kind == ScopeKind.Model ? state.AgentsFrom(0).Count(agent => state.Stops.Blueprint(agent.Grant.Terms.Blueprint) is not { Model.Length: > 0 }) : 0;
        return new StopPreview(agents.Length, denial.Credentials.Count, live, withoutModel, Array.ConvertAll(agents, agent => agent.Id), StopConcern.Of(state.Reach, scope, holders));
    }

    /// <summary>Lifts stops. It names all of them, so that one that came later is not lifted unseen.</summary>
    public async Task<Outcome<Decided>> RestoreAsync(CallerRecord actor, IReadOnlyList<LeafIndex> stops, string reason, IReadOnlyList<string> tokens)
    {
        if (CheckReason(reason, "") is { } wrong)
            return wrong;
        if (stops.Count is 0 or > Restored.StopsMax || !stops.Zip(stops.Skip(1)).All(pair => pair.First.Value < pair.Second.Value))
            return Refused.Because(Refusal.MessageMalformed, $"A restore names 1 to {Restored.StopsMax} stops by their entries, ascending.");
        var approved = approvals.Check(tokens, ApprovedAction.Restore(stops, reason));
        if (approved.IsRefused)
            return Refused.Because(approved.Refusal, approved.Detail);
        return await sequencer.DecideAsync(Lane.Control, draft => Restore(draft, actor, stops, reason, approved.Value)).ConfigureAwait(false);
    }

    /// <summary>Sets from which entry on a scope is not relied on. Earlier takes one person, later two.</summary>
    public async Task<Outcome<Decided>> CutAsync(CallerRecord actor, Scope scope, LeafIndex after, string reason, string incident, IReadOnlyList<string> tokens)
    {
        if (CheckReason(reason, incident) is { } wrong)
            return wrong;
        if (!scope.IsValid || !(scope.IsAgent || scope.Kind == ScopeKind.Key))
            return Refused.Because(Refusal.ScopeMalformed, "A cut is of an agent, an agent with its delegates, or a key; for a key of the registry, stop the scope issuer-key.");
        if (scope.IsAgent && state.FindAgent(scope.Id) is null)
            return Refused.Because(Refusal.AgentUnknown, "No agent has that id.");
        if (tokens.Count == 0)
            return await DecideCutAsync(actor, new CompromiseCut(scope, after, reason, incident, 0, []), null).ConfigureAwait(false);
        var approved = approvals.Check(tokens, ApprovedAction.Cut(scope, after, reason));
        return approved.IsRefused
            ? Refused.Because(approved.Refusal, approved.Detail)
            : await DecideCutAsync(actor, new CompromiseCut(scope, after, reason, incident, 0, tokens), approved.Value).ConfigureAwait(false);
    }

    private async Task<Outcome<Stopped>> StopAsync(CallerRecord? actor, StopWish wish, Approved? approved)
    {
        // Deny first: from here on nothing that begins is allowed, whatever becomes of the write.
        var pending = standing.Deny(wish.State, wish.Scope, clock.GetUtcNow().ToUnixTimeMilliseconds());
        var about = Subject(wish.Scope);
        var lane = actor is { Role: CallerRole.Sponsor } ? Lane.SponsorStop : Lane.Stop;
        var decided = await sequencer.DecideAsync(lane, draft => Decide(draft, actor, wish, pending, about, approved)).ConfigureAwait(false);
        return Settle(pending, decided);
    }

    private Outcome<Stopped> Settle(PendingStop pending, Outcome<LeafIndex> decided)
    {
        // When the write failed the denial stays until the process has ended: nobody can say what is durable, and nobody shall be let in by a full disk.
        if (decided.Refusal is Refusal.RegistryHalted or Refusal.RolledBack or Refusal.StorageFull)
            return Refused.Because(decided.Refusal, $"The stop is not durable. This node refuses {pending.Scope} until it restarts; make room and stop it again.");
        standing.Settle(pending);
        return decided.IsRefused ? Refused.Because(decided.Refusal, decided.Detail) : Answer(state.Stops.Find(decided.Value)!);
    }

    // Counted here and not by the writer: a wide scope asks about every agent.
    private Stopped Answer(StopRecord stop)
    {
        var denial = stop.Denial;
        var covered = state.Reach.Agents(denial.Scope).ToArray();
        // Whom authority came to since the entry is not covered by it.
        var reached = denial.Scope.Kind == ScopeKind.AgentWithDelegates ? denial.Agents.Count + 1 : covered.Length;
        // A key of the registry is no agent's: all that it reaches are credentials.
        var credentials = denial.Scope.Kind == ScopeKind.IssuerKey ? stop.Exposure.Credentials : stop.CredentialsBelow;
        return new Stopped(denial.Index, denial.State, stop.At, denial.Epoch, reached, credentials, stop.Exposure.Credentials, Concern(denial.Scope, covered), IsIndexPending(denial.Index));
    }

    private Outcome<LeafIndex> Decide(Draft draft, CallerRecord? actor, StopWish wish, PendingStop pending, SubjectId? about, Approved? approved)
    {
        // Many enforcers tell the same order at once, and see each other only here.
        if (wish.Order is not null && (Obeyed(wish) ?? draft.FindStop((_, stop) => IsOrder(wish, stop.Scope, stop.State, stop.Incident))) is { } obeyed)
            return obeyed;
        // Its key may have been stopped since, and its agent may have delegated.
        if (NotTheirs(actor, wish.Scope) is { } notTheirs)
            return notTheirs;
        if ((MadeBefore(actor, wish)?.Denial.Index ?? draft.FindStop((by, stop) => IsRetry(actor, wish, by, stop.Scope, stop.State))) is { } made)
            return made;
        if (draft.IsRevoked(wish.Scope))
            return AlreadyRevoked(wish.Scope);
        // What is refused here was denied for the moment since it was asked, which is a freeze, and that one person may.
        if (Objection(actor, wish, approved, draft) is { } objection)
            return objection;
        if (approved is not null && approvals.Use(draft, approved) is { IsRefused: true } used)
            return Refused.Because(used.Refusal, used.Detail);
        return Stage(draft, actor, wish, pending, about);
    }

    // Every stop comes by here. What is delegated in its group is decided behind it, and what was before it is reached.
    private LeafIndex Stage(Draft draft, CallerRecord? actor, StopWish wish, PendingStop pending, SubjectId? about)
    {
        draft.Standing.Widen(pending, draft.At);
        var epoch = draft.OpenEpoch();
        var stop = new Stop(wish.Scope, wish.State, wish.Reason, wish.Incident, epoch, wish.Order) { Probes = probes(draft.At / 1000, null), Rule = wish.Rule };
        return draft.Stage(actor?.Id ?? draft.RegistryId, stop, about ?? draft.RegistryId);
    }

    // The entry that an order has become; null when it has become none.
    private Outcome<LeafIndex>? Obeyed(StopWish wish)
    {
        if (state.Stops.OfIncident(wish.Incident).FirstOrDefault(stop => stop.Denial.After is null && IsOrder(wish, stop.Denial.Scope, stop.Denial.State, stop.Incident)) is not { } known)
            return null;
        return known.Lifted is { By: var by } ? Refused.Because(Refusal.OrderInvalid, $"That order is entry {known.Denial.Index}, and entry {by} has lifted it.") : known.Denial.Index;
    }

    private static bool IsOrder(StopWish order, Scope scope, StandingState left, string incident) => scope == order.Scope && left >= order.State && incident == order.Incident;

    private Outcome<Decided> Restore(Draft draft, CallerRecord actor, IReadOnlyList<LeafIndex> stops, string reason, Approved approved)
    {
        var records = new List<StopRecord>();
        foreach (var index in stops)
        {
            if (draft.State.Stops.Find(index) is not { IsInForce: true } record || draft.IsLifted(index))
                return Refused.Because(Refusal.StopUnknown, $"Entry {index} is no stop in force.");
            if (record.Denial.State == StandingState.Revoked)
                return Refused.Because(Refusal.NotRestorable, $"Entry {index} revokes, and that is final.");
            records.Add(record);
        }
        foreach (var scope in records.Select(record => record.Denial.Scope).Distinct())
        {
            var newer = draft.State.Stops.Of(scope).LastOrDefault(other => other.IsInForce && !stops.Contains(other.Denial.Index));
            if (newer is not null && newer.Denial.Index.Value > stops[0].Value)
                return Refused.Because(Refusal.NewerStop, $"Entry {newer.Denial.Index} stops {scope} as well and is not named.");
            if (draft.IsStoppedHere(scope) || draft.IsCutHere(scope))
                return Refused.Because(Refusal.NewerStop, $"{scope} is being stopped or cut again at this moment.");
        }
        if (approvals.Use(draft, approved) is { IsRefused: true } used)
            return Refused.Because(used.Refusal, used.Detail);
        var epoch = draft.OpenEpoch();
        var about = records.Select(record => Subject(record.Denial.Scope) ?? draft.RegistryId).Distinct().ToArray();
        return new Decided(draft.Stage(actor.Id, new Restored(stops, reason, approved.Tokens, epoch), about), draft.At, epoch);
    }

    private async Task<Outcome<Decided>> DecideCutAsync(CallerRecord actor, CompromiseCut cut, Approved? approved)
    {
        var about = Subject(cut.Scope);
        var decided = await sequencer.DecideAsync<Decided>(Lane.Stop, draft =>
        {
            if (cut.After.Value >= draft.State.Position)
                return Refused.Because(Refusal.EntryUnknown, $"The ledger has no entry {cut.After} yet.");
            var held = draft.CutsAfter(cut.Scope).Select(after => after.Value).ToArray();
            if (approved is null && held.Length > 0 && cut.After.Value >= held.Min())
                return Refused.Because(Refusal.NeedsTwoOperators, $"{cut.Scope} is cut after entry {held.Min()} already; a later entry takes the approvals of two operators.");
            if (approved is not null && approvals.Use(draft, approved) is { IsRefused: true } used)
                return Refused.Because(used.Refusal, used.Detail);
            var epoch = draft.OpenEpoch();
            // What two people put in the place of another cut comes to enforcers with a snapshot, and not as a denial of its own.
            var riding = approved is null ? probes(draft.At / 1000, cut.After) : [];
            return new Decided(draft.Stage(actor.Id, cut with { Epoch = epoch, Probes = riding }, about ?? draft.RegistryId), draft.At, epoch);
        }).ConfigureAwait(false);
        return decided.IsRefused ? decided : decided.Value with { IsIndexPending = IsIndexPending(decided.Value.Index) };
    }

    /// <summary>Whose trail a stop stands in; null for the registry's. A credential's owner is looked for among all agents, before the writer is asked.</summary>
    internal SubjectId? Subject(Scope scope) => scope.Kind switch
    {
        // An enforcer may bring back the stop of an agent that was lost with it.
        ScopeKind.Agent or ScopeKind.AgentWithDelegates => state.FindAgent(scope.Id)?.Id,
        ScopeKind.Key => state.FindAgent(scope.KeyId)?.Id,
        ScopeKind.Credential => state.Lineage.Link(scope.Id)?.Body.Child ?? state.AgentsFrom(0).FirstOrDefault(agent => agent.Credential(scope.Id) is not null)?.Id,
        _ => null,
    };

    // A sponsor ends single agents of its own, and whoever else is reached is not its to stop as a whole. An agent of another is to it as one that does not exist.
    private Refused? NotTheirs(CallerRecord? actor, Scope scope)
    {
        if (actor is not { Role: CallerRole.Sponsor })
            return null;
        if (standing.OfCaller(actor.Key.KeyId) is { } unserved)
            return unserved;
        if (!scope.IsAgent)
            return Refused.Because(Refusal.NotPermitted, "A sponsor stops its own agents, each by its name: agent:AGENT, or agent-with-delegates:AGENT.");
        if (state.FindAgent(scope.Id) is not { } agent || !actor.Sees(agent))
            return Refused.Because(Refusal.AgentUnknown, "No agent of yours has that id.");
        return scope.Kind == ScopeKind.AgentWithDelegates && state.Lineage.DescendantIds(scope.Id).Any(below => state.FindAgent(below) is { } other && !actor.Sees(other))
            ? Refused.Because(Refusal.NotPermitted, "Authority of that agent has come to agents of other sponsors, which this would stop as a whole. Stop the agent alone: what it has passed on ends with it.")
            : null;
    }

    // A sponsor's stop is made once while it is in force, so that its key alone cannot fill the book of stops, which is read whole.
    private StopRecord? MadeBefore(CallerRecord? actor, StopWish wish) =>
        state.Stops.Of(wish.Scope).FirstOrDefault(stop => stop is { IsInForce: true, Denial.After: null } && IsRetry(actor, wish, stop.Actor, stop.Denial.Scope, stop.Denial.State));

    private static bool IsRetry(CallerRecord? actor, StopWish wish, SubjectId by, Scope scope, StandingState left) =>
        actor is { Role: CallerRole.Sponsor } && by == actor.Id && scope == wish.Scope && left == wish.State;

    private static Refused AlreadyRevoked(Scope scope) => Refused.Because(Refusal.AlreadyRevoked, $"{scope} is revoked already, and that is final.");

    // Asked on the caller's thread, so that nobody is denied even for a moment because of it, and again by the writer: those who ask at once see each other only there.
    private Refused? Objection(CallerRecord? actor, StopWish wish, Approved? approved, Draft? draft)
    {
        if (!wish.Force && LeavesNobodyToRestore(wish.Scope, draft?.Stops ?? []))
            return Refused.Because(Refusal.ForceNeeded, "That key is an operator's, and without it too few are left who may approve today to restore anything. Ask with force if that is meant.");
        return wish.State == StandingState.Revoked && approved is null && TakesTwo(actor, wish.Scope, draft)
            ? Refused.Because(Refusal.NeedsTwoOperators, $"One person revokes single agents, credentials and keys, at most {settings.RevokeAloneMax} an hour; freeze now, and revoke with the approvals of two.")
            : null;
    }

    private bool LeavesNobodyToRestore(Scope scope, IReadOnlyList<Stop> pending) =>
        IsOperators(scope, out var owner) && approvals.Counts(owner, pending) && !approvals.EnoughAreLeft(caller => caller.Key.KeyId == scope.KeyId, pending);

    private bool IsOperators(Scope scope, [NotNullWhen(true)] out CallerRecord? owner)
    {
        owner = scope.Kind == ScopeKind.Key ? state.FindCaller(scope.KeyId) : null;
        return owner is { Role: CallerRole.Operator };
    }

    // Final for many at once, or for whoever comes later, is more than one person may do; freezing them is not.
    private bool TakesTwo(CallerRecord? actor, Scope scope, Draft? draft)
    {
        if (scope.Kind is not (ScopeKind.Agent or ScopeKind.AgentWithDelegates or ScopeKind.Credential or ScopeKind.Key))
            return true;
        var counts = CountsFor(actor);
        var at = draft?.At ?? clock.GetUtcNow().ToUnixTimeMilliseconds();
        var pending = draft?.StopsBy(counts).Where(stop => stop.State == StandingState.Revoked).Sum(stop => Weight(stop.Scope)) ?? 0;
        var before = state.Stops.RevokedSince(at - (long)RevokeWindow.TotalMilliseconds, counts) + pending;
        return before + Weight(scope) > settings.RevokeAloneMax;
    }

    // Each sponsor for itself: what it revokes must not use up what a responder may, least of all when two operators have just removed it for that.
    private Predicate<SubjectId> CountsFor(CallerRecord? actor)
    {
        if (actor is { Role: CallerRole.Sponsor })
            return by => by == actor.Id;
        var others = state.Callers.Where(caller => caller.Role != CallerRole.Sponsor).Select(caller => caller.Id).ToHashSet();
        return others.Contains;
    }

    // As a stop in the book counts: what it names, and whom authority had come to from there.
    private int Weight(Scope scope) => scope.Kind == ScopeKind.AgentWithDelegates ? 1 + state.Lineage.DescendantIds(scope.Id).Count : 1;

    private Outcome<Approved?> CheckApprovals(StopWish wish)
    {
        if (wish is not { State: StandingState.Revoked, Approvals.Count: > 0 })
            return (Approved?)null;
        var approved = approvals.Check(wish.Approvals, ApprovedAction.Revoke(wish.Scope, wish.Reason, wish.Incident));
        return approved.IsRefused ? Refused.Because(approved.Refusal, approved.Detail) : approved.Value;
    }

    private StopConcern Concern(Scope scope, IEnumerable<AgentRecord> covered) => StopConcern.Of(state.Reach, scope, state.Reach.Holders(scope, covered));

    /// <summary>Why nothing can be stopped by that scope: a stop that looks as if it stopped something, and cannot, is worse than none.</summary>
    public Refused? CheckScope(Scope scope)
    {
        if (!scope.IsValid)
            return Refused.Because(Refusal.ScopeMalformed, "That is no scope: docs/formats.md, \"Scope\".");
        if (!scope.CanCover)
            return Refused.Because(Refusal.ScopeMalformed, NoPattern);
        var isExact = scope.Kind is ScopeKind.Blueprint or ScopeKind.Model or ScopeKind.Sponsor or ScopeKind.Audience or ScopeKind.Label;
        return isExact && scope.Value.Contains('*', StringComparison.Ordinal) && Concern(scope, state.Reach.Agents(scope)).IsNobody
            ? Refused.Because(Refusal.ScopeMalformed, $"{scope} would stop nothing: its value is one exact name and no pattern, and nobody has it.")
            : null;
    }

    private static Refused? CheckReason(string reason, string incident)
    {
        if (Reasons.Problem(reason) is { } unsaid)
            return unsaid;
        return incident.Length > IncidentMax ? Refused.Because(Refusal.ReasonMissing, $"An incident's name has at most {IncidentMax} characters; what is longer belongs into the reason.") : null;
    }
}
