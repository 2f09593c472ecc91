using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Verifying;

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
public sealed record TurnedDecisions(SubjectId Agent, string Audience, int Allowed, int Refused);

/// <summary>What a stop would have done to the last decisions.</summary>
/// <param name="Since">When the oldest that is remembered was made, ms since 1970; null when none is.</param>
/// <param name="Allowed">Allowed among those that are remembered.</param>
/// <param name="Refused">How many of them the stop would have refused.</param>
/// <param name="Turned">The agents and audiences that it would have hit, most first.</param>
public sealed record WhatIfAnswer(long? Since, int Allowed, int Refused, Part<TurnedDecisions> Turned);

/// <summary>Answers what of a scope is alive, and what a stop of it would break.</summary>
public sealed class StopTrials
{
    private readonly RegistryState _state;
    private readonly RegistryName _name;
    private readonly RecentDecisions _decisions;
    private readonly Identities _identities;
    private readonly Graphs _graphs;

    internal StopTrials(RegistryState state, RegistryName name, RecentDecisions decisions, Identities identities, Graphs graphs) =>
        (_state, _name, _decisions, _identities, _graphs) = (state, name, decisions, identities, graphs);

    public AliveAnswer StillAlive(Scope scope, AsOf asOf, Page page)
    {
        var agents = _graphs.InScope(scope, asOf).ToArray();
        var then = new StandingThen(_state, asOf);
        Alive Describe(AgentRecord agent) => new(agent, then.Of(agent), _identities.Credentials(agent, asOf), _identities.LinksTo(agent, asOf));
        if (!asOf.IsNow)
            return new AliveAnswer(agents.Length, null, null, null, new HashSet<string>(), page.Of(agents).With(Describe));
        var (count, last) = Unexpired(agents, asOf);
        var ids = agents.Select(agent => agent.Id).ToHashSet();
        var onward = _state.Lineage.LiveUnder(link => ids.Contains(link.Parent), asOf.At);
        return new AliveAnswer(agents.Length, count, onward.Count, last, Audiences(agents, onward, asOf), page.Of(agents.Where(agent => agent.Credentials.Any(credential => asOf.IsBefore(credential.Item.ExpiresAt)))).With(Describe));
    }

    /// <summary>Tries a stop on the decisions that are remembered. Nothing is stopped.</summary>
    public WhatIfAnswer WhatIf(Scope scope, StandingState stop, AsOf asOf, Page page)
    {
        var trial = new DenyState();
        trial.Add(_state.Reach.Spell(new LeafIndex(ulong.MaxValue), ulong.MaxValue, stop, scope, null, asOf.At));
        var remembered = _decisions.All.ToArray();
        var allowed = remembered.Where(decision => decision.Refusal == Refusal.None).ToArray();
        var turned = allowed.GroupBy(decision => (decision.Agent, decision.Shown.Audience))
            .Select(group => new TurnedDecisions(group.Key.Agent, group.Key.Audience, group.Count(), group.Count(decision => IsTurned(trial, decision))))
            .Where(group => group.Refused > 0)
            .OrderByDescending(group => group.Refused).ThenBy(group => group.Agent).ThenBy(group => group.Audience, StringComparer.Ordinal).ToArray();
        return new WhatIfAnswer(remembered.Length == 0 ? null : remembered.Min(decision => decision.At), allowed.Length, turned.Sum(group => group.Refused), page.Of(turned));
    }

    private HashSet<string> Audiences(IReadOnlyList<AgentRecord> agents, IReadOnlyList<SubjectId> onward, AsOf asOf)
    {
        // Most credentials share the list of their token.
        var lists = new HashSet<IReadOnlyList<string>>(ReferenceEqualityComparer.Instance);
        foreach (var agent in agents)
        {
            foreach (ref readonly var credential in agent.Credentials.AsSpan())
            {
                if (asOf.IsBefore(credential.Item.ExpiresAt))
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

    private static (int Count, long? Last) Unexpired(IReadOnlyList<AgentRecord> agents, AsOf asOf)
    {
        var (count, last) = (0, (long?)null);
        foreach (var agent in agents)
        {
            foreach (ref readonly var credential in agent.Credentials.AsSpan())
            {
                if (!asOf.IsBefore(credential.Item.ExpiresAt))
                    continue;
                count++;
                last = Math.Max(last ?? 0, credential.Item.ExpiresAt);
            }
        }
        return (count, last);
    }

    // As step 10 of a verification asks: docs/formats.md, "Verifying a credential".
    private bool IsTurned(DenyState trial, RecentDecision decision)
    {
        if (_state.FindAgent(decision.Agent) is not { } agent)
            return false;
        var shown = decision.Shown with { Callee = _name.TryParseAgentDid(decision.Shown.Audience, out var callee) ? callee : null };
        var left = trial.Of(agent.Actor, shown);
        var use = trial.OfLocation(decision.Action?.Location, decision.Envelope);
        var state = use.State > left.State ? use.State : left.State;
        return state switch
        {
            StandingState.Active => false,
            StandingState.Restricted => decision.Action is not { } action || _state.Stops.Blueprint(agent.Grant.Terms.Blueprint)?.IsRead(action.Type, action.Action) != true,
            _ => true,
        };
    }
}
