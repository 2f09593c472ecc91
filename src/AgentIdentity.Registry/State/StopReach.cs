using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.State;

/// <summary>Whom a scope reaches, at the moment that it is asked: the walk behind each stop, cut and dry run.</summary>
public sealed class StopReach(RegistryState state)
{
    /// <summary>The denial with everything spelled out that a credential alone does not show.</summary>
    /// <param name="index">The entry that brings it.</param>
    /// <param name="epoch">The epoch that it opens.</param>
    /// <param name="standing">What it leaves.</param>
    /// <param name="scope">What it covers.</param>
    /// <param name="after">For a cut, the last entry that is still good.</param>
    /// <param name="at">Ms since 1970.</param>
    internal Denial Spell(LeafIndex index, ulong epoch, StandingState standing, Scope scope, LeafIndex? after, long at) => new(
        index, epoch, standing, scope, after,
        Others(scope, after),
        Credentials(scope, after, at),
        scope.Kind == ScopeKind.Model ? [.. state.Stops.Blueprints.Where(blueprint => blueprint.Model == scope.Value).Select(blueprint => blueprint.Name).Order(StringComparer.Ordinal)] : []);

    /// <summary>Whether the scope covers the agent itself. (Everybody is covered by everything; nobody by an audience or a location.)</summary>
    public bool Covers(Scope scope, AgentRecord agent) => scope.Kind switch
    {
        ScopeKind.Agent => agent.Id == scope.Id,
        ScopeKind.AgentWithDelegates => agent.Id == scope.Id || state.Lineage.Descendants(scope.Id).Any(step => step.Agent == agent.Id),
        ScopeKind.Key => agent.Key.KeyId == scope.KeyId,
        ScopeKind.Blueprint => agent.Grant.Terms.Blueprint == scope.Value,
        ScopeKind.Model => state.Stops.Blueprint(agent.Grant.Terms.Blueprint)?.Model == scope.Value,
        ScopeKind.Sponsor => agent.Grant.Terms.Sponsor == scope.Value,
        ScopeKind.Label => agent.Grant.Terms.AllLabels.Any(label => $"{label.Key}={label.Value}" == scope.Value),
        ScopeKind.Everything => true,
        _ => false,
    };

    /// <summary>The agents that are covered themselves, in the order in which they were enrolled but for delegates.</summary>
    public IEnumerable<AgentRecord> Agents(Scope scope) => scope.Kind switch
    {
        ScopeKind.Agent => Known(scope.Id),
        ScopeKind.AgentWithDelegates => Known(scope.Id).Concat(state.Lineage.Descendants(scope.Id).SelectMany(step => Known(step.Agent))),
        ScopeKind.Key => state.FindAgent(scope.KeyId) is { } agent && Covers(scope, agent) ? [agent] : [],
        ScopeKind.Credential or ScopeKind.Audience or ScopeKind.Resource or ScopeKind.IssuerKey => [],
        _ => state.AgentsFrom(0).Where(agent => Covers(scope, agent)),
    };

    /// <summary>How many agents are covered themselves, and from how many it takes anything: also from those who may use or hold what it names. The registry's own probes are nobody. One walk.</summary>
    public (int Covered, int Concerned) Count(Scope scope)
    {
        var (covered, concerned) = (0, 0);
        foreach (var agent in Agents(scope))
        {
            covered++;
            concerned += agent.IsProbe ? 0 : 1;
        }
        return (covered, Holders(scope)?.Count(agent => !agent.IsProbe) ?? concerned);
    }

    // Of what covers nobody as a whole, or covers one key of an agent; null for every other scope.
    private IEnumerable<AgentRecord>? Holders(Scope scope) => scope.Kind switch
    {
        ScopeKind.Key => state.FindAgent(scope.KeyId) is { } agent ? [agent] : [],
        ScopeKind.Credential => state.AgentsFrom(0).Where(agent => agent.Credential(scope.Id) is not null),
        ScopeKind.Audience => state.AgentsFrom(0).Where(agent => agent.Grant.Terms.Audiences.Contains(scope.Value, StringComparer.Ordinal)),
        ScopeKind.Resource => state.AgentsFrom(0).Where(agent => agent.Grant.Envelope.Touches(scope.Value)),
        ScopeKind.IssuerKey => state.AgentsFrom(0).Where(agent => agent.Credentials.Any(held => held.Index.Value > scope.After.Value && state.IssuerKeys.InForceAt(held.Index).KeyId == scope.KeyId)),
        _ => null,
    };

    /// <summary>Whether, agents apart, the registry knows nothing that the scope names. A stop of what nobody has stands all the same, for what comes.</summary>
    public bool IsUnknown(Scope scope) => scope.Kind switch
    {
        ScopeKind.Key => state.FindCaller(scope.KeyId) is null,
        ScopeKind.Audience => !state.Callers.Any(caller => caller.Audiences.Contains(scope.Value, StringComparer.Ordinal)),
        ScopeKind.IssuerKey => state.IssuerKeys.Find(scope.KeyId) is null,
        ScopeKind.Everything => false,
        _ => true,
    };

    /// <summary>Whom an agent has vouched for after an entry, and whom those have, ascending. With a key: under that key, which is the one that the agent had then.</summary>
    internal IReadOnlyList<SubjectId> VouchedFor(AgentRecord voucher, KeyId? key, LeafIndex after)
    {
        var found = VouchedFor(voucher).Where(agent => agent.EnrolledIndex.Value > after.Value && (key is null || voucher.KeyAt(agent.EnrolledIndex).KeyId == key)).ToList();
        // Whoever was vouched for has one voucher, so nobody is met twice.
        for (var i = 0; i < found.Count; i++)
            found.AddRange(VouchedFor(found[i]));
        return [.. found.Select(agent => agent.Id).Order()];
    }

    // A stop of one agent, or of a key, ends them alone. A cut says that their word is not relied on: neither are those who came by it.
    private IReadOnlyList<SubjectId> Others(Scope scope, LeafIndex? after) => scope.Kind switch
    {
        ScopeKind.AgentWithDelegates => state.Lineage.DescendantIds(scope.Id),
        ScopeKind.Agent when after is { } last && state.FindAgent(scope.Id) is { } agent => VouchedFor(agent, null, last),
        ScopeKind.Key when after is { } last && state.FindAgent(scope.KeyId) is { } agent => VouchedFor(agent, scope.KeyId, last),
        _ => [],
    };

    private IEnumerable<AgentRecord> VouchedFor(AgentRecord voucher) =>
        state.Lineage.From(voucher.Id).SelectMany(edge => Known(edge.Child)).Where(agent => agent.Evidence is { Source: EvidenceSource.Vouch } evidence && evidence.Issuer == voucher.Id.ToString());

    // Agents above show in the credential itself; keys, terms and jtis of those above do not.
    private IReadOnlyList<SubjectId> Credentials(Scope scope, LeafIndex? after, long at) => scope.Kind switch
    {
        ScopeKind.Credential => state.Lineage.LiveUnder(link => link.ParentJti == scope.Id, at),
        ScopeKind.Key => state.Lineage.LiveUnder(link => KeyAbove(link) == scope.KeyId && IsAfter(link, after), at),
        ScopeKind.Blueprint or ScopeKind.Model or ScopeKind.Sponsor or ScopeKind.Label =>
            state.Lineage.LiveUnder(link => state.FindAgent(link.Parent) is { } parent && Covers(scope, parent) && IsAfter(link, after), at),
        ScopeKind.IssuerKey => state.Lineage.LiveUnder(link => IsAfter(link, scope.After) && SignedBy(link) == scope.KeyId, at),
        _ => [],
    };

    private bool IsAfter(Delegated link, LeafIndex? after) => after is null || ParentCredential(link) is not { } parent || parent.Index.Value > after.Value.Value;

    // Which of an agent's keys passed something on shows in the credential that it did it under.
    private KeyId? KeyAbove(Delegated link) => ParentCredential(link) is { } parent ? parent.Item.Jkt : state.FindAgent(link.Parent)?.Key.KeyId;

    private KeyId? SignedBy(Delegated link) => ParentCredential(link) is { } parent ? state.IssuerKeys.InForceAt(parent.Index).KeyId : null;

    private LiveCredential? ParentCredential(Delegated link) => state.FindAgent(link.Parent)?.Credential(link.ParentJti);

    private IEnumerable<AgentRecord> Known(SubjectId id) => state.FindAgent(id) is { } agent ? [agent] : [];
}
