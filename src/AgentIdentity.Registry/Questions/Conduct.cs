using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Questions;

/// <summary>One thing on the record about an agent.</summary>
/// <param name="Commitments">For a statement: how many hashes it commits to.</param>
/// <param name="NotReliedOn">The cut after which it lies; null when none covers it.</param>
public sealed record Deed(LeafIndex Index, long At, EntryKind Kind, bool IsQuarantined, bool IsErased, int Commitments, LeafIndex? NotReliedOn);

/// <summary>What is on the record about an agent, in the order of the ledger, with the sums of this part.</summary>
/// <param name="Forks">Chains in which it signed two statements for one place, up to then.</param>
/// <param name="Next">Where to go on among the entries about the agent, or null at the end.</param>
public sealed record ConductAnswer(IReadOnlyList<Deed> Deeds, int Statements, int Commitments, int Quarantined, int NotReliedOn, int Erased, int Forks, ulong? Next);

/// <summary>Some authority that an agent had.</summary>
/// <param name="Link">The delegation that it came by; null for its own.</param>
/// <param name="ExpiresAt">Seconds since 1970; null for its own, for which it could have had credentials at any time.</param>
/// <param name="Audiences">Whom it could address, those that were stopped left out.</param>
/// <param name="StoppedAudiences">Those.</param>
/// <param name="Left">What stops had left of it.</param>
/// <param name="Refusal">Why, when that is not all.</param>
public sealed record Authority(DelegationLink? Link, string Envelope, IReadOnlyList<string> Audiences, IReadOnlyList<string> StoppedAudiences, long? ExpiresAt, StandingState Left, Refusal Refusal);

/// <summary>What an agent could have done at most: the union of what it had.</summary>
/// <param name="StoppedLocations">Locations and patterns that nobody might use and that touch what it had.</param>
public sealed record CouldHaveAnswer(IReadOnlyList<Authority> Authorities, IReadOnlyList<LiveCredential> Credentials, IReadOnlyList<string> StoppedLocations);

/// <summary>Answers what an agent has done, and what it could have done.</summary>
public sealed class Conduct
{
    private readonly RegistryState _state;
    private readonly ILedgerStore _store;
    private readonly RegistryName _name;
    private readonly Identities _identities;

    internal Conduct(RegistryState state, ILedgerStore store, RegistryName name, Identities identities) => (_state, _store, _name, _identities) = (state, store, name, identities);

    /// <summary>The entries about an agent in a period, up to an entry. What it signed is its word: that it signed nothing else, or did nothing else, does not follow.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="period">When they were sequenced.</param>
    /// <param name="from">The first of them, by its number among the entries about the agent.</param>
    /// <param name="countMax">How many at most.</param>
    /// <param name="asOf">The last entry that counts.</param>
    public ConductAnswer WhatDid(AgentRecord agent, Period period, ulong from, int countMax, AsOf asOf)
    {
        if (period.From > 0)
            from = Math.Max(from, TimeSearch.First(period.From, sequence => _store.ReadBySubject(agent.Id, sequence, 1) is [var row] ? LedgerLookups.TimeOf(row) : null));
        var rows = _store.ReadBySubject(agent.Id, from, countMax);
        var cuts = new StandingThen(_state, asOf).Cuts.ToArray();
        var deeds = rows.TakeWhile(row => asOf.Includes(row.Index)).Select(row => Deed(row, Cut(agent, row.Index, cuts))).TakeWhile(deed => deed.At < period.To).ToArray();
        var own = deeds.Where(deed => deed.Kind == EntryKind.Activity).ToArray();
        return new ConductAnswer(
            deeds, own.Length, own.Sum(deed => deed.Commitments), own.Count(deed => deed.IsQuarantined), own.Count(deed => deed.NotReliedOn is not null), own.Count(deed => deed.IsErased),
            agent.Chains.Count(chain => chain.Fork is { } fork && asOf.Includes(fork)), deeds.Length == countMax ? from + (ulong)countMax : null);
    }

    public CouldHaveAnswer CouldHave(AgentRecord agent, AsOf asOf)
    {
        var then = new StandingThen(_state, asOf);
        var terms = agent.Grant.Terms;
        var own = Authority(then, agent, null, terms.MaximumEnvelope, terms.Audiences);
        var passedOn = _identities.LinksTo(agent, asOf).Select(link => Authority(then, agent, link, link.Body.Envelope, link.Body.Audiences));
        Authority[] all = [own, .. passedOn];
        return new CouldHaveAnswer(all, _identities.Credentials(agent, asOf), StoppedLocations(then, all));
    }

    // By the key that it had there: a cut of one that was replaced since still takes what was done under it.
    private static LeafIndex? Cut(AgentRecord agent, LeafIndex deed, IReadOnlyList<Credentials.Stops.Denial> cuts)
    {
        var actor = agent.ActorAt(deed);
        return cuts.FirstOrDefault(cut => deed.Value > cut.After!.Value.Value && cut.Covers(actor))?.Index;
    }

    private static Deed Deed(StoredEntry row, LeafIndex? cut)
    {
        if (row.IsErased && Erasing.Erasures.Stub(row) is var stub)
            return new Deed(row.Index, stub.At, EntryKind.Activity, stub.IsQuarantined, IsErased: true, 0, cut);
        var entry = LedgerLookups.Decode(row)!;
        return entry.Body is Activity activity
            ? new Deed(row.Index, entry.At, EntryKind.Activity, activity.Quarantined, IsErased: false, SignedStatement.TryRead(activity.Statement, out var statement) ? statement.Commitments.Length : 0, cut)
            : new Deed(row.Index, entry.At, entry.Body.Kind, IsQuarantined: false, IsErased: false, 0, cut);
    }

    private Authority Authority(StandingThen then, AgentRecord agent, DelegationLink? link, string envelope, IReadOnlyList<string> audiences)
    {
        var left = link is null ? then.Left(agent) : UnderLink(then, agent, link);
        var stopped = audiences.Where(audience => IsStopped(then, agent, audience)).ToArray();
        return new Authority(link, envelope, [.. audiences.Except(stopped)], stopped, link?.Body.ExpiresAt, left.State, left.Refusal);
    }

    private Credentials.Stops.Denied UnderLink(StandingThen then, AgentRecord agent, DelegationLink link)
    {
        var chain = _identities.Climb(agent, link.Body.ChildJti).Links.Select(above => above.Body.Parent).ToArray();
        return then.Denials.Of(agent.ActorAt(link.Index), Shown(link.Body.ChildJti, link.Index, chain, ""));
    }

    // Which audiences are stopped does not depend on who asks: a credential of nobody in particular is shown to each.
    private bool IsStopped(StandingThen then, AgentRecord agent, string audience)
    {
        var nobody = agent.Actor with { Agent = default, Key = default, Sponsor = "", Blueprint = "", Labels = [] };
        return then.Denials.Of(nobody, Shown(default, default, [], audience), then.Callee(_name, audience)).Refusal == Refusal.AudienceStopped;
    }

    private Credentials.Stops.Presentation Shown(SubjectId jti, LeafIndex index, IReadOnlyList<SubjectId> chain, string audience) =>
        new(jti, index, _state.IssuerKeys.InForceAt(index).KeyId, chain, audience);

    private static string[] StoppedLocations(StandingThen then, IReadOnlyList<Authority> authorities)
    {
        var patterns = then.Known.Where(stop => stop.Denial.Scope.Kind == ScopeKind.Resource && then.IsInForce(stop)).Select(stop => stop.Denial.Scope.Value).Distinct();
        return [.. patterns.Where(pattern => authorities.Any(authority => Envelope.TryParse(authority.Envelope, out var envelope) && envelope.Touches(pattern)))];
    }
}
