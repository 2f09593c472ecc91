using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.State;

/// <summary>Whom a scope reaches, at the moment that it is asked: the walk behind each stop, cut and dry run.</summary>
/// <param name="state">The state.</param>
/// <param name="asOf">Whom it would have reached at an entry; of credentials it knows only those that have not been forgotten since.</param>
public sealed class StopReach(RegistryState state, LeafIndex? asOf = null)
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
        scope.Kind == ScopeKind.Model ? [.. state.Stops.Blueprints.Where(blueprint => blueprint.Model == scope.Value && Includes(blueprint.Index)).Select(blueprint => blueprint.Name).Order(StringComparer.Ordinal)] : []);

    /// <summary>Whether the scope covers the agent itself. (Everybody is covered by everything; nobody by an audience or a location.)</summary>
    public bool Covers(Scope scope, AgentRecord agent) => scope.Kind switch
    {
        ScopeKind.Agent => agent.Id == scope.Id,
        ScopeKind.AgentWithDelegates => agent.Id == scope.Id || state.Lineage.Descendants(scope.Id, asOf).Any(step => step.Agent == agent.Id),
        ScopeKind.Key => Key(agent) == scope.KeyId,
        ScopeKind.Blueprint => agent.Grant.Terms.Blueprint == scope.Value,
        ScopeKind.Model => state.Stops.Blueprint(agent.Grant.Terms.Blueprint) is { } blueprint && blueprint.Model == scope.Value && Includes(blueprint.Index),
        ScopeKind.Sponsor => agent.Grant.Terms.Sponsor == scope.Value,
        ScopeKind.Label => agent.Grant.Terms.AllLabels.Any(label => $"{label.Key}={label.Value}" == scope.Value),
        ScopeKind.Everything => true,
        _ => false,
    };

    /// <summary>The agents that are covered themselves, in the order in which they were enrolled but for delegates.</summary>
    public IEnumerable<AgentRecord> Agents(Scope scope) => scope.Kind switch
    {
        ScopeKind.Agent => Known(scope.Id),
        ScopeKind.AgentWithDelegates => Known(scope.Id).Concat(state.Lineage.Descendants(scope.Id, asOf).SelectMany(step => Known(step.Agent))),
        ScopeKind.Key => state.FindAgent(scope.KeyId) is { } agent && Covers(scope, agent) ? [agent] : [],
        ScopeKind.Credential or ScopeKind.Audience or ScopeKind.Resource or ScopeKind.IssuerKey => [],
        _ => Everybody().Where(agent => Covers(scope, agent)),
    };

    /// <summary>Whether an unexpired credential of an agent that the scope is about is covered by it. Of an agent that has changed its key, each key has its own. What a credential allows is not remembered: of who may use a location, all.</summary>
    internal bool Takes(Scope scope, in LiveCredential credential) => scope.Kind switch
    {
        ScopeKind.Key => credential.Item.Jkt == scope.KeyId,
        ScopeKind.Credential => credential.Item.Jti == scope.Id,
        ScopeKind.Audience => credential.Item.Audience.Contains(scope.Value, StringComparer.Ordinal),
        ScopeKind.IssuerKey => credential.Index.Value > scope.After.Value && state.IssuerKeys.InForceAt(credential.Index).KeyId == scope.KeyId,
        _ => true,
    };

    /// <summary>From whom it takes anything: from those who may use or hold what it names when it names credentials, and otherwise from those who are covered.</summary>
    /// <param name="scope">The scope.</param>
    /// <param name="covered">The agents that it covers.</param>
    internal IEnumerable<AgentRecord> Holders(Scope scope, IEnumerable<AgentRecord> covered) => scope.Kind switch
    {
        ScopeKind.Key => Known(state.FindAgent(scope.KeyId)),
        ScopeKind.Credential => Everybody().Where(agent => agent.Credential(scope.Id) is not null),
        // By its own grant, or by what was passed on to it.
        ScopeKind.Audience => Everybody().Where(agent => agent.Grant.Terms.Audiences.Contains(scope.Value, StringComparer.Ordinal) || HoldsAny(scope, agent)),
        ScopeKind.Resource => Everybody().Where(agent => agent.Grant.Envelope.Touches(scope.Value)),
        ScopeKind.IssuerKey => Everybody().Where(agent => HoldsAny(scope, agent)),
        _ => covered,
    };

    private bool HoldsAny(Scope scope, AgentRecord agent)
    {
        foreach (ref readonly var held in agent.Credentials.AsSpan())
        {
            if (Includes(held.Index) && Takes(scope, held))
                return true;
        }
        return false;
    }

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
        ScopeKind.AgentWithDelegates => asOf is null ? state.Lineage.DescendantIds(scope.Id) : [.. state.Lineage.Descendants(scope.Id, asOf).Select(step => step.Agent).Order()],
        ScopeKind.Agent when after is { } last && state.FindAgent(scope.Id) is { } agent => VouchedFor(agent, null, last),
        ScopeKind.Key when after is { } last && state.FindAgent(scope.KeyId) is { } agent => VouchedFor(agent, scope.KeyId, last),
        _ => [],
    };

    private IEnumerable<AgentRecord> VouchedFor(AgentRecord voucher) =>
        state.Lineage.From(voucher.Id).SelectMany(edge => Known(edge.Child)).Where(agent => agent.Evidence is { Source: EvidenceSource.Vouch } evidence && evidence.Issuer == voucher.Id.ToString());

    /// <summary>Unexpired delegated credentials that are covered because of what stands above them. Agents above show in the credential itself; keys, terms and jtis of those above do not.</summary>
    internal IReadOnlyList<SubjectId> Credentials(Scope scope, LeafIndex? after, long at) => scope.Kind switch
    {
        ScopeKind.Credential => state.Lineage.LiveUnder(link => link.Body.ParentJti == scope.Id, at),
        ScopeKind.Key => state.Lineage.LiveUnder(link => KeyAbove(link.Body) == scope.KeyId && IsAfter(link, after), at),
        ScopeKind.Blueprint or ScopeKind.Model or ScopeKind.Sponsor or ScopeKind.Label =>
            state.Lineage.LiveUnder(link => state.FindAgent(link.Body.Parent) is { } parent && Covers(scope, parent) && IsAfter(link, after), at),
        ScopeKind.IssuerKey => state.Lineage.LiveUnder(link => ParentCredential(link.Body) is { } parent && Takes(scope, parent), at),
        _ => [],
    };

    // What was passed on, and not what it was passed on from: whoever had the key after the entry had what it was given before.
    private static bool IsAfter(DelegationLink link, LeafIndex? after) => after is not { } last || link.Index.Value > last.Value;

    // Which of an agent's keys passed something on shows in the credential that it did it under.
    private KeyId? KeyAbove(Delegated link) => ParentCredential(link) is { } parent ? parent.Item.Jkt : state.FindAgent(link.Parent)?.Key.KeyId;

    private LiveCredential? ParentCredential(Delegated link) => state.FindAgent(link.Parent)?.Credential(link.ParentJti);

    private KeyId Key(AgentRecord agent) => (asOf is { } last ? agent.KeyAt(last) : agent.Key).KeyId;

    private bool Includes(LeafIndex index) => asOf is not { } last || index.Value <= last.Value;

    // In the order in which they were enrolled.
    private IEnumerable<AgentRecord> Everybody() => state.AgentsFrom(0).TakeWhile(agent => Includes(agent.EnrolledIndex));

    private IEnumerable<AgentRecord> Known(SubjectId id) => Known(state.FindAgent(id));

    private IEnumerable<AgentRecord> Known(AgentRecord? agent) => agent is not null && Includes(agent.EnrolledIndex) ? [agent] : [];
}
