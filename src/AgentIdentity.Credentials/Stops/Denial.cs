using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Stops;

/// <summary>A stop or a cut in force, with whom it reaches spelled out as far as a credential alone does not show it. docs/formats.md, "Denial".</summary>
/// <param name="Index">The entry that brought it. It names the denial for ever.</param>
/// <param name="Epoch">The epoch that the entry opened.</param>
/// <param name="State">What it leaves.</param>
/// <param name="Scope">What it covers.</param>
/// <param name="After">For a cut: only credentials that name a later entry are covered. Null for a stop.</param>
/// <param name="Agents">Agents that are covered as well: those that authority had come to; for a cut those that were vouched for since.</param>
/// <param name="Credentials">Delegated credentials in whose chain something stands that is covered, and that do not say so themselves.</param>
/// <param name="Blueprints">For a model: the blueprints that are of it.</param>
public sealed record Denial(
    LeafIndex Index,
    ulong Epoch,
    StandingState State,
    Scope Scope,
    LeafIndex? After,
    IReadOnlyList<SubjectId> Agents,
    IReadOnlyList<SubjectId> Credentials,
    IReadOnlyList<string> Blueprints)
{
    /// <summary>A denial that its scope says all about.</summary>
    public Denial(LeafIndex index, ulong epoch, StandingState state, Scope scope)
        : this(index, epoch, state, scope, null, [], [], [])
    {
    }

    /// <summary>
    /// Whether credentials in scope may be issued behind the stop, so that those which were there then are not the last: the restricted, and whoever is cut, go on receiving some,
    /// anybody may receive one for an audience or a resource, and a thief signs when he likes. Such a stop is never exhausted.
    /// </summary>
    public bool IsEndless => State == StandingState.Restricted || After is not null || Scope.Kind is ScopeKind.IssuerKey or ScopeKind.Audience or ScopeKind.Resource;

    /// <summary>Whether it covers somebody as such, whatever is shown. As it was spelled out when it was made: whom authority came to later is covered by what stands above what they show.</summary>
    public bool Covers(in Actor actor)
    {
        if (Agents.Contains(actor.Agent))
            return true;
        return Scope.Kind switch
        {
            ScopeKind.Agent or ScopeKind.AgentWithDelegates => Scope.Id == actor.Agent,
            ScopeKind.Key => Scope.KeyId == actor.Key,
            ScopeKind.Blueprint => Scope.Value == actor.Blueprint,
            ScopeKind.Model => Blueprints.Contains(actor.Blueprint, StringComparer.Ordinal),
            ScopeKind.Sponsor => Scope.Value == actor.Sponsor,
            ScopeKind.Label => HasLabel(actor),
            ScopeKind.Everything => true,
            _ => false,
        };
    }

    private bool HasLabel(in Actor actor)
    {
        foreach (var (name, value) in actor.Labels)
        {
            if ($"{name}={value}" == Scope.Value)
                return true;
        }
        return false;
    }

    /// <summary>The same, with further credentials that are covered.</summary>
    public Denial With(IReadOnlyList<SubjectId> credentials) => credentials.Count == 0 ? this : this with { Credentials = [.. Credentials.Concat(credentials).Distinct().Order()] };

    /// <summary>Whether two of one scope spell out the same.</summary>
    public bool ReachesTheSame(Denial other) => Agents.SequenceEqual(other.Agents) && Credentials.SequenceEqual(other.Credentials) && Blueprints.SequenceEqual(other.Blueprints);
}

/// <summary>Who wants to do something, as far as stops ask.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Key">Its key.</param>
/// <param name="Sponsor">Who answers for it.</param>
/// <param name="Blueprint">What it is an instance of.</param>
/// <param name="Labels">Its labels.</param>
public readonly record struct Actor(SubjectId Agent, KeyId Key, string Sponsor, string Blueprint, IReadOnlyList<KeyValuePair<string, string>> Labels);

/// <summary>Under which credential, and before whom.</summary>
/// <param name="Jti">The credential.</param>
/// <param name="Index">The entry that it names.</param>
/// <param name="IssuerKey">Who signed it.</param>
/// <param name="Chain">The agents above, nearest first.</param>
/// <param name="Audience">The audience that it is shown to.</param>
public readonly record struct Presentation(SubjectId Jti, LeafIndex Index, KeyId IssuerKey, IReadOnlyList<SubjectId> Chain, string Audience);

/// <summary>What stops leave of somebody's authority, and the denial that takes the most. Null: none does.</summary>
public readonly record struct Denied(Refusal Refusal, Denial? By)
{
    /// <summary>What is left.</summary>
    public StandingState State => By?.State ?? StandingState.Active;

    /// <summary>Why nothing is left at all: the restricted still read.</summary>
    public Refusal Ended => State == StandingState.Restricted ? Refusal.None : Refusal;
}
