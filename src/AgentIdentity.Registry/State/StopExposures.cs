using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;

namespace AgentIdentity.Registry.State;

/// <summary>Finds, while a stop is applied, whose word it takes and to whom it is told. What it finds depends on the entries below and on nothing else, so that a start finds the same.</summary>
internal sealed class StopExposures(RegistryState state)
{
    /// <param name="denial">The stop, spelled out.</param>
    /// <param name="about">The subject of its entry.</param>
    /// <param name="at">Ms since 1970.</param>
    public StopExposure Of(Denial denial, SubjectId about, long at)
    {
        var live = Live(denial, about, at / 1000);
        var last = new Dictionary<string, LiveCredential>(StringComparer.Ordinal);
        foreach (var credential in live.Values)
        {
            foreach (var audience in credential.Item.Audience)
            {
                if (!last.TryGetValue(audience, out var known) || IsLater(credential, known))
                    last[audience] = credential;
            }
        }
        // What a stolen key of the registry has signed is in no book, and may name any audience.
        var isForAll = denial.Scope.Kind is ScopeKind.IssuerKey or ScopeKind.Everything;
        var enforcers = state.Callers
            .Where(caller => caller.Role == CallerRole.Enforcer && (isForAll || caller.Audiences.Any(last.ContainsKey)))
            .Select(caller => caller.Id).Order();
        var exposed = last.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => new ExposedAudience(pair.Key, pair.Value.Item.ExpiresAt, pair.Value.Index, pair.Value.Position));
        return new StopExposure(ShownTo(denial, live), [.. enforcers], [.. exposed], live.Count);
    }

    // A start must find the same one among those that expire together.
    private static bool IsLater(LiveCredential one, LiveCredential other) =>
        (one.Item.ExpiresAt, other.Index.Value, other.Position).CompareTo((other.Item.ExpiresAt, one.Index.Value, one.Position)) > 0;

    private Dictionary<SubjectId, LiveCredential> Live(Denial denial, SubjectId about, long seconds)
    {
        var found = new Dictionary<SubjectId, LiveCredential>();
        foreach (var credential in Covered(denial, about))
        {
            // What nobody can use is no exposure.
            if (state.FindAgent(credential.Item.AgentId) is { IsProbe: true })
                continue;
            if (credential.Item.ExpiresAt > seconds && (denial.After is not { } after || credential.Index.Value > after.Value))
                found[credential.Item.Jti] = credential;
        }
        return found;
    }

    private IEnumerable<LiveCredential> Covered(Denial denial, SubjectId about)
    {
        var scope = denial.Scope;
        var own = scope.Kind switch
        {
            // Those of agents follow.
            ScopeKind.Agent or ScopeKind.AgentWithDelegates => [],
            ScopeKind.Credential => state.FindAgent(about)?.Credential(scope.Id) is { } one ? [one] : [],
            // Those of a key that was rotated go on for their minutes.
            ScopeKind.Key => state.FindAgent(scope.KeyId)?.Credentials.Where(credential => state.Reach.Takes(scope, credential)) ?? [],
            ScopeKind.Audience or ScopeKind.IssuerKey => Everybodys(credential => state.Reach.Takes(scope, credential)),
            ScopeKind.Resource => state.AgentsFrom(0).Where(agent => agent.Grant.Envelope.Touches(scope.Value)).SelectMany(agent => agent.Credentials),
            _ => state.Reach.Agents(scope).SelectMany(agent => agent.Credentials),
        };
        IEnumerable<SubjectId> agents = scope.IsAgent ? [scope.Id, .. denial.Agents] : denial.Agents;
        var held = agents.SelectMany(id => state.FindAgent(id)?.Credentials ?? []).ToArray();
        // Delegates are covered with all that they hold; of other agents only what comes from them.
        var below = scope.Kind == ScopeKind.AgentWithDelegates ? [] : state.Lineage.Under(held.Select(credential => credential.Item.Jti));
        return own.Concat(held).Concat(below.Concat(denial.Credentials).SelectMany(Delegated));
    }

    private IEnumerable<LiveCredential> Everybodys(Func<LiveCredential, bool> isCovered) => state.AgentsFrom(0).SelectMany(agent => agent.Credentials).Where(isCovered);

    private IEnumerable<LiveCredential> Delegated(SubjectId jti) =>
        state.Lineage.Link(jti) is { } link && state.FindAgent(link.Body.Child)?.Credential(jti) is { } credential ? [credential] : [];

    // Whom nothing in scope can reach, now or later, need not know. Where that is not sure, everybody is told.
    private string[]? ShownTo(Denial denial, Dictionary<SubjectId, LiveCredential> live)
    {
        var scope = denial.Scope;
        // The restricted go on receiving credentials, and so do those whose older ones stay good.
        var isLasting = denial.State == StandingState.Restricted || denial.After is not null;
        return scope.Kind switch
        {
            ScopeKind.Audience => [scope.Value],
            ScopeKind.Credential when live.ContainsKey(scope.Id) => Distinct(live.Values.Select(credential => credential.Item.Audience)),
            ScopeKind.Agent or ScopeKind.AgentWithDelegates when !isLasting => Reached([scope.Id, .. denial.Agents], live),
            _ => null,
        };
    }

    // The frozen receive nothing any more: what they may address by themselves, and what they hold.
    private string[]? Reached(IEnumerable<SubjectId> agents, Dictionary<SubjectId, LiveCredential> live)
    {
        // Most agents share the list of their token: ten thousand delegates are a few lists.
        var lists = new HashSet<IReadOnlyList<string>>(ReferenceEqualityComparer.Instance);
        foreach (var id in agents)
        {
            if (state.FindAgent(id) is not { } agent)
                return null;
            lists.Add(agent.Grant.Terms.Audiences);
        }
        lists.UnionWith(live.Values.Select(credential => credential.Item.Audience));
        return Distinct(lists);
    }

    private static string[] Distinct(IEnumerable<IReadOnlyList<string>> lists) => [.. lists.SelectMany(list => list).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
}
