using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Registry.Verifying;
using AgentIdentity.Registry.Watching;

namespace AgentIdentity.Registry.Questions;

/// <summary>An agent of a scope, with what of it had not expired.</summary>
public sealed record Alive(AgentRecord Agent, StandingState State, IReadOnlyList<LiveCredential> Credentials, IReadOnlyList<DelegationLink> LinksTo);

/// <summary>What of a scope had not expired, agent by agent in the order of enrolment.</summary>
/// <param name="Agents">Agents of the scope.</param>
/// <param name="Credentials">Their unexpired credentials; null for an earlier entry, for which only those of this part were looked up.</param>
/// <param name="Onward">Unexpired credentials of whomever that come from theirs by delegation; null likewise.</param>
/// <param name="LastExpiry">Seconds since 1970: when the last of those ends by itself; null when there are none.</param>
/// <param name="Audiences">Whom those, and what comes from them, may be shown to; empty for an earlier entry.</param>
/// <param name="Alive">The agents of this part.</param>
public sealed record AliveAnswer(int Agents, int? Credentials, int? Onward, long? LastExpiry, IReadOnlySet<string> Audiences, Part<Alive> Alive);

/// <summary>Decisions that a stop would have turned, of one agent before one audience.</summary>
/// <param name="Allowed">What was allowed among those that are remembered.</param>
/// <param name="Refused">How many of them the stop would have refused.</param>
/// <param name="Unsure">How many more it may have refused: see <see cref="WhatIfAnswer"/>.</param>
public sealed record TurnedDecisions(SubjectId Agent, string Audience, int Allowed, int Refused, int Unsure = 0);

/// <summary>What a stop would have done to the last decisions.</summary>
/// <param name="Agents">Agents that it would have covered.</param>
/// <param name="DelegatedCredentials">Credentials that it would have covered because of what stands above them; null for an earlier entry, since links are forgotten when they expire.</param>
/// <param name="Concern">From whom it would have taken anything.</param>
/// <param name="Since">When the oldest that is remembered was made, ms since 1970; null when none is.</param>
/// <param name="Allowed">Allowed among those that are remembered.</param>
/// <param name="Refused">How many of them the stop would have refused.</param>
/// <param name="Unsure">How many more it may have refused: what stood above their credentials is in memory no more, and was not found within what one question reads of the ledger.</param>
/// <param name="Turned">The agents and audiences that it would have hit, or may have, most first.</param>
public sealed record WhatIfAnswer(int Agents, int? DelegatedCredentials, StopConcern Concern, long? Since, int Allowed, int Refused, int Unsure, Part<TurnedDecisions> Turned);

/// <summary>What of the admissions that enforcers report a stop would have turned.</summary>
/// <param name="Times">How often.</param>
/// <param name="IsUnsure">Whether it depends on what was asked for, which enforcers do not say (a location, or a read), or on what was not found within what one question reads of the ledger.</param>
public sealed record TurnedAdmissions(SubjectId Agent, SubjectId Enforcer, ulong Times, bool IsUnsure);

/// <summary>What a stop would have done to what enforcers let in by themselves.</summary>
/// <param name="Admitted">How often they say that they let somebody in.</param>
/// <param name="Refused">How many of those the stop would have refused.</param>
/// <param name="Unsure">How many of those it may have refused.</param>
/// <param name="Enforcers">How many enforcers are registered.</param>
/// <param name="Reporting">How many of them have reported anything.</param>
/// <param name="Turned">Agents and enforcers that it would have hit, most first.</param>
public sealed record AdmissionTrial(ulong Admitted, ulong Refused, ulong Unsure, int Enforcers, int Reporting, IReadOnlyList<TurnedAdmissions> Turned);

/// <summary>Answers what of a scope is alive, and what a stop of it would break.</summary>
public sealed class StopTrials
{
    /// <summary>Entries of the ledger that are read to try a stop on the decisions, and again for what enforcers say. 20,000 took 0.3 to 1.2 s beside other work on two cores, and responders wait for a second.</summary>
    public const int EntriesMax = 10_000;

    private readonly RegistryState _state;
    private readonly ILedgerStore _store;
    private readonly RegistryName _name;
    private readonly RecentDecisions _decisions;
    private readonly Identities _identities;
    private readonly Graphs _graphs;

    private readonly int _entriesMax;

    internal StopTrials(RegistryState state, ILedgerStore store, RegistryName name, RecentDecisions decisions, Identities identities, Graphs graphs, int entriesMax = EntriesMax) =>
        (_state, _store, _name, _decisions, _identities, _graphs, _entriesMax) = (state, store, name, decisions, identities, graphs, entriesMax);

    /// <summary>What of a scope had not expired: what a stop of it would take, and no more. So of a key it counts what is bound to that key, and not what its agent holds under another.</summary>
    public AliveAnswer StillAlive(Scope scope, AsOf asOf, Page page)
    {
        var agents = _graphs.InScope(scope, asOf).ToArray();
        var then = new StandingThen(_state, asOf);
        Alive Describe(AgentRecord agent)
        {
            var credentials = CredentialsOf(agent, scope, asOf);
            return new Alive(agent, then.Of(agent), credentials, LinksTo(agent, credentials, scope, asOf));
        }
        if (!asOf.IsNow)
            return new AliveAnswer(agents.Length, null, null, null, new HashSet<string>(), page.Of(agents).With(Describe));
        var (count, last) = Unexpired(agents, scope, asOf);
        var ids = agents.Select(agent => agent.Id).ToHashSet();
        var onward = scope.IsOfCredentials ? _state.Reach.Credentials(scope, null, asOf.At) : _state.Lineage.LiveUnder(link => ids.Contains(link.Body.Parent), asOf.At);
        var alive = agents.Where(agent => agent.Credentials.Any(credential => IsAlive(credential, scope, asOf)));
        return new AliveAnswer(agents.Length, count, onward.Count, last, Audiences(agents, onward, scope, asOf), page.Of(alive).With(Describe));
    }

    /// <summary>Tries a stop on the decisions that are remembered and had been made by then. Nothing is stopped.</summary>
    public WhatIfAnswer WhatIf(Scope scope, StandingState stop, AsOf asOf, Page page, CancellationToken cancellation = default)
    {
        var reach = _graphs.ReachAt(asOf);
        var agents = reach.Agents(scope).ToArray();
        var tried = Try(scope, stop, reach, asOf, cancellation);
        var remembered = Array.FindAll(_decisions.All(), decision => decision.At <= asOf.At);
        var allowed = remembered.Where(decision => decision.Refusal == Refusal.None).ToArray();
        var turned = allowed.GroupBy(decision => (decision.Agent, decision.Shown.Audience), decision => IsTurned(tried, decision))
            .Select(group => new TurnedDecisions(group.Key.Agent, group.Key.Audience, group.Count(), group.Count(isTurned => isTurned == true), group.Count(isTurned => isTurned is null)))
            .Where(group => group.Refused > 0 || group.Unsure > 0)
            .OrderByDescending(group => group.Refused).ThenByDescending(group => group.Unsure).ThenBy(group => group.Agent).ThenBy(group => group.Audience, StringComparer.Ordinal).ToArray();
        return new WhatIfAnswer(
            agents.Length, asOf.IsNow ? tried.DelegatedCredentials : null, StopConcern.Of(reach, scope, reach.Holders(scope, agents)),
            remembered.Length == 0 ? null : remembered.Min(decision => decision.At), allowed.Length, turned.Sum(group => group.Refused), turned.Sum(group => group.Unsure), page.Of(turned));
    }

    /// <summary>Tries a stop on what enforcers say that they have let in. What they count is kept for now alone: null as of an earlier entry. Nothing is stopped.</summary>
    public AdmissionTrial? WhatIfAtEnforcers(Scope scope, StandingState stop, AsOf asOf, IReadOnlyList<AdmittedCredential> admitted, CancellationToken cancellation = default)
    {
        if (!asOf.IsNow)
            return null;
        var tried = Try(scope, stop, _state.Reach, asOf, cancellation);
        var enforcers = _state.Callers.Where(caller => caller.Role == CallerRole.Enforcer).ToDictionary(caller => caller.Id);
        var turned = admitted
            .Where(one => enforcers.ContainsKey(one.Enforcer))
            .Select(one => (Admitted: one, IsTurned: IsTurned(tried, scope, one.Credential, enforcers[one.Enforcer])))
            .Where(one => one.IsTurned != false)
            .GroupBy(one => (one.Admitted.Credential.Item.AgentId, one.Admitted.Enforcer, IsUnsure: one.IsTurned is null || stop == StandingState.Restricted || scope.Kind == ScopeKind.Resource), one => one.Admitted)
            .Select(group => new TurnedAdmissions(group.Key.AgentId, group.Key.Enforcer, Sum(group), group.Key.IsUnsure))
            .OrderByDescending(group => group.Times).ThenBy(group => group.Agent).ThenBy(group => group.Enforcer).ThenBy(group => group.IsUnsure).ToArray();
        var (sure, unsure) = (turned.Where(one => !one.IsUnsure), turned.Where(one => one.IsUnsure));
        return new AdmissionTrial(Sum(admitted), Sum(sure), Sum(unsure), enforcers.Count, admitted.Select(one => one.Enforcer).Distinct().Count(enforcers.ContainsKey), turned);
    }

    private static ulong Sum(IEnumerable<AdmittedCredential> admitted) => admitted.Aggregate(0UL, (sum, one) => sum + one.Times);

    private static ulong Sum(IEnumerable<TurnedAdmissions> turned) => turned.Aggregate(0UL, (sum, one) => sum + one.Times);

    private TriedStop Try(Scope scope, StandingState stop, StopReach reach, AsOf asOf, CancellationToken cancellation) =>
        new(_state, _name, new LedgerLookups(_store, _entriesMax), reach, scope, stop, asOf.At, cancellation);

    // An enforcer says which credential it let in, and not before which of its audiences nor for what. Null when it cannot be told what stood above.
    private bool? IsTurned(TriedStop tried, Scope scope, LiveCredential credential, CallerRecord enforcer)
    {
        if (_state.FindAgent(credential.Item.AgentId) is not { IsProbe: false } agent)
            return false;
        var chain = Chain(credential.Item.Jti);
        if (scope.Kind == ScopeKind.Resource)
            return chain.Select(_state.FindAgent).Append(agent).Any(holder => holder?.Grant.Envelope.Touches(scope.Value) == true);
        var issuer = _state.IssuerKeys.InForceAt(credential.Index).KeyId;
        var left = credential.Item.Audience.Intersect(enforcer.Audiences, StringComparer.Ordinal)
            .Select(audience => tried.Of(agent, new Presentation(credential.Item.Jti, credential.Index, issuer, chain, audience))).ToArray();
        if (left.Any(one => one.State != StandingState.Active))
            return true;
        return left.Any(one => one.IsUnsure) ? null : false;
    }

    private List<SubjectId> Chain(SubjectId jti)
    {
        var above = new List<SubjectId>();
        for (var link = _state.Lineage.Link(jti); link is not null && above.Count < Credentials.Delegation.ChainOfCommand.DepthMax; link = _state.Lineage.Link(link.Body.ParentJti))
            above.Add(link.Body.Parent);
        return above;
    }

    private bool IsAlive(in LiveCredential credential, Scope scope, AsOf asOf) => asOf.IsBefore(credential.Item.ExpiresAt) && _state.Reach.Takes(scope, credential);

    private IReadOnlyList<LiveCredential> CredentialsOf(AgentRecord agent, Scope scope, AsOf asOf) => [.. _identities.Credentials(agent, asOf).Where(credential => _state.Reach.Takes(scope, credential))];

    // To a key, a credential or an audience leads what made one of those.
    private IReadOnlyList<DelegationLink> LinksTo(AgentRecord agent, IReadOnlyList<LiveCredential> credentials, Scope scope, AsOf asOf)
    {
        var links = _identities.LinksTo(agent, asOf);
        if (!scope.IsOfCredentials)
            return links;
        var held = credentials.Select(credential => credential.Item.Jti).ToHashSet();
        return [.. links.Where(link => held.Contains(link.Body.ChildJti))];
    }

    private HashSet<string> Audiences(IReadOnlyList<AgentRecord> agents, IReadOnlyList<SubjectId> onward, Scope scope, AsOf asOf)
    {
        // Most credentials share the list of their token.
        var lists = new HashSet<IReadOnlyList<string>>(ReferenceEqualityComparer.Instance);
        foreach (var agent in agents)
        {
            foreach (ref readonly var credential in agent.Credentials.AsSpan())
            {
                if (IsAlive(credential, scope, asOf))
                    lists.Add(credential.Item.Audience);
            }
        }
        foreach (var jti in onward)
        {
            if (_state.Lineage.Link(jti) is { } link)
                lists.Add(link.Body.Audiences);
        }
        return lists.SelectMany(list => list).ToHashSet(StringComparer.Ordinal);
    }

    private (int Count, long? Last) Unexpired(IReadOnlyList<AgentRecord> agents, Scope scope, AsOf asOf)
    {
        var (count, last) = (0, (long?)null);
        foreach (var agent in agents)
        {
            foreach (ref readonly var credential in agent.Credentials.AsSpan())
            {
                if (!IsAlive(credential, scope, asOf))
                    continue;
                count++;
                last = Math.Max(last ?? 0, credential.Item.ExpiresAt);
            }
        }
        return (count, last);
    }

    // Null when it cannot be told what stood above.
    private bool? IsTurned(TriedStop tried, RecentDecision decision)
    {
        if (_state.FindAgent(decision.Agent) is not { } agent)
            return false;
        var left = tried.Of(agent, decision);
        if (Refuses(left.State, agent, decision))
            return true;
        return left.IsUnsure && Refuses(tried.Leaves, agent, decision) ? null : false;
    }

    private bool Refuses(StandingState left, AgentRecord agent, in RecentDecision decision) => left switch
    {
        StandingState.Active => false,
        StandingState.Restricted => decision.Action is not { } action || _state.Stops.Blueprint(agent.Grant.Terms.Blueprint)?.IsRead(action.Type, action.Action) != true,
        _ => true,
    };
}
