using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;

namespace AgentIdentity.Registry.Tests.Histories;

/// <summary>Whom a stop covers, as those who asked for it and those who delegated can know.</summary>
internal sealed class Reach(IReadOnlyCollection<Acted> acts)
{
    /// <summary>Whether the stop names the agent, or one that its authority has come to: for certain, or perhaps.</summary>
    public bool Covers(StopAsked stop, Party party, bool isCertain) => stop.Scope.Kind switch
    {
        ScopeKind.Agent => stop.Scope.Id == party.Agent,
        ScopeKind.AgentWithDelegates => Reached(stop, isCertain).Contains(party.Agent),
        ScopeKind.Key => stop.Scope.KeyId == party.Key,
        ScopeKind.Sponsor => stop.Scope.Value == party.Sponsor,
        ScopeKind.Blueprint => stop.Scope.Value == party.Blueprint,
        ScopeKind.Credential => stop.Scope.Id == party.Credential,
        ScopeKind.Audience => stop.Scope.Value == Fixtures.TestNode.Audience,
        ScopeKind.Everything => true,
        _ => throw new InvalidOperationException($"No history stops a {stop.Scope.Kind}."),
    };

    private HashSet<SubjectId> Reached(StopAsked stop, bool isCertain)
    {
        var edges = acts.Where(act => act.Act == Act.Delegate && (isCertain
            ? act.Refusal == Refusal.None && act.Moment.IsBefore(stop.Moment)
            : act.Refusal is Refusal.None or Refusal.RegistryHalted && act.Moment.Began < stop.Moment.Ended)).ToLookup(act => act.Party.Agent, act => act.Receiver!.Agent);
        var reached = new HashSet<SubjectId> { stop.Scope.Id };
        for (var next = new Queue<SubjectId>(reached); next.TryDequeue(out var agent);)
        {
            foreach (var child in edges[agent].Where(reached.Add))
                next.Enqueue(child);
        }
        return reached;
    }
}
