using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Stopping;

namespace AgentIdentity.Registry.Ruling;

/// <summary>Stops by itself what two people have said, for a responder who sleeps. docs/formats.md, "Rule".</summary>
/// <remarks>
/// Whoever sees what a rule counts says so and goes on; the count is kept here, and whether a stop follows is the writer's to say. A start begins to count anew.
/// </remarks>
public sealed class Ruling
{
    /// <summary>Stops in <see cref="RateWindow"/> by rules that a tool's word, or a proof that somebody saw, can set off: to set off many must not be a way to freeze a fleet.</summary>
    public const int StopsMax = 10;

    // More could not stop anybody, and each takes a turn of the writer before all others.
    private const int OnTheirWayMax = 16;

    private const int NamedMax = 16;

    private readonly RegistryState _state;
    private readonly Standing _standing;
    private readonly Sequencer _sequencer;
    private readonly Approvals _approvals;
    private readonly Stopping.Stopping _stopping;
    private readonly TimeProvider _clock;
    private readonly Action<string> _alarm;
    private readonly Dictionary<RuleTrigger, AgentCounts> _counts;
    private int _onTheirWay;
    private long _toldAt;

    // Owned by the writer.
    private readonly LastTimes _stops = new(StopsMax);

    internal Ruling(RegistryState state, Standing standing, Sequencer sequencer, Approvals approvals, Stopping.Stopping stopping, TimeProvider clock, Action<string> alarm)
    {
        (_state, _standing, _sequencer, _approvals, _stopping, _clock, _alarm) = (state, standing, sequencer, approvals, stopping, clock, alarm);
        _toldAt = clock.GetTimestamp() - Window;
        _counts = Enum.GetValues<RuleTrigger>().ToDictionary(trigger => trigger, _ => new AgentCounts(clock.TimestampFrequency));
    }

    /// <summary>Within how long at most <see cref="StopsMax"/> stops are by rules.</summary>
    public static TimeSpan RateWindow { get; } = TimeSpan.FromMinutes(1);

    private long Window => (long)RateWindow.TotalSeconds * _clock.TimestampFrequency;

    /// <summary>Is told of each rule that wanted to stop somebody, and whether it did.</summary>
    public event Action<RuleTrigger, bool>? Fired;

    /// <summary>Says which rules stop by themselves from here on: all of them, by two people. None: no rule does.</summary>
    public async Task<Outcome<LeafIndex>> SetAsync(CallerRecord actor, IReadOnlyList<StopRule> rules, string reason, IReadOnlyList<string> tokens)
    {
        if (Reasons.Problem(reason) is { } unsaid)
            return unsaid;
        if (!rules.All(rule => rule.IsValid) || !rules.Zip(rules.Skip(1)).All(pair => pair.First.Trigger < pair.Second.Trigger))
            return Refused.Because(Refusal.MessageMalformed, "Rules stand in the order of their triggers, one for each at most, with count, window and state within their bounds: docs/formats.md, \"Rule\".");
        var approved = _approvals.Check(tokens, ApprovedAction.SetRules(rules, reason));
        if (approved.IsRefused)
            return Refused.Because(approved.Refusal, approved.Detail);
        return await _sequencer.DecideAsync<LeafIndex>(Lane.Control, draft => _approvals.Use(draft, approved.Value) is { IsRefused: true } used
            ? Refused.Because(used.Refusal, used.Detail)
            : draft.Stage(actor.Id, new RulesSet(rules, reason, approved.Value.Tokens), draft.RegistryId)).ConfigureAwait(false);
    }

    /// <summary>Told by the writer of each entry: forks and delegations are counted where they are written.</summary>
    internal void Saw(LeafIndex index, Entry entry)
    {
        // Who holds a former key can fork its chain, and no more than that.
        if (entry.Body is Fork fork && SignedStatement.TryRead(fork.Statement, out var statement) && statement.KeyId == _state.FindAgent(entry.Actor)?.Key.KeyId)
            Saw(RuleTrigger.Fork, entry.Actor, index);
        else if (entry.Body is Delegated delegated)
            Saw(RuleTrigger.DelegationBurst, delegated.Parent, index);
    }

    /// <summary>Told of an agent that was not let in, by whoever has decided it.</summary>
    internal void Saw(SubjectId agent, Refusal refusal)
    {
        if (refusal == Refusal.EnvelopeExceeded)
            Saw(RuleTrigger.EnvelopeExceeded, agent, null);
        else if (refusal == Refusal.ProofReplayed)
            Saw(RuleTrigger.ProofReplayed, agent, null);
    }

    private void Saw(RuleTrigger trigger, SubjectId agent, LeafIndex? entry)
    {
        var rules = _state.Rules;
        if (rules.Find(trigger) is not { } rule || IsStopped(rule, agent))
            return;
        if (_counts[trigger].Add(rule, agent, _clock.GetTimestamp(), entry) is { } entries)
            _ = StopAsync(rules, rule, agent, entries);
    }

    private async Task StopAsync(RulesInForce rules, StopRule rule, SubjectId agent, IReadOnlyList<LeafIndex> entries)
    {
        var stopped = Interlocked.Increment(ref _onTheirWay) > OnTheirWayMax && IsBounded(rule)
            ? Withheld()
            : await _stopping.StopIfAsync(null, agent, draft => Decide(draft, rules, rule, agent, entries)).ConfigureAwait(false);
        Interlocked.Decrement(ref _onTheirWay);
        if (!stopped.IsRefused)
            _counts[rule.Trigger].Forget(agent);
        if (stopped.Refusal == Refusal.ScopeStopped)
            return;
        Fired?.Invoke(rule.Trigger, !stopped.IsRefused);
        if (!stopped.IsRefused)
            _alarm($"The rule {rule} has stopped agent {agent}: entry {stopped.Value.Index}, to be lifted by two people.");
        else if (IsNews())
            _alarm($"The rule {rule} did not stop agent {agent}: {stopped.Detail}");
    }

    // Each stop is told, and once in a window that there was none: whoever sets rules off must not fill the log with it.
    private bool IsNews()
    {
        var (now, told) = (_clock.GetTimestamp(), Volatile.Read(ref _toldAt));
        return now - told >= Window && Interlocked.CompareExchange(ref _toldAt, now, told) == told;
    }

    private Outcome<StopWish> Decide(Draft draft, RulesInForce rules, StopRule rule, SubjectId agent, IReadOnlyList<LeafIndex> entries)
    {
        var scope = Scope(rule, agent);
        if (draft.State.Rules.Index != rules.Index || IsStopped(rule, agent) || draft.Stops.Any(stop => stop.State >= rule.State && IsAnswered(scope, stop.Scope)))
            return Refused.Because(Refusal.ScopeStopped, "The agent is stopped already, or two people have changed the rules.");
        var now = _clock.GetTimestamp();
        if (IsBounded(rule) && _stops.AreWithin(Window, now))
            return Withheld();
        if (IsBounded(rule))
            _stops.Add(now);
        return new StopWish(scope, rule.State, Reason(rules, rule, entries), $"rule-{rule.Trigger.Word()}-{draft.Next}") { Rule = new StoppingRule(rules.Index!.Value, rule.Trigger) };
    }

    // What takes the agent's own key nobody can set off for others, and a fork is seen only once.
    private static bool IsBounded(StopRule rule) => rule.Trigger is RuleTrigger.EnvelopeExceeded or RuleTrigger.ProofReplayed;

    // By the ledger. What is only denied the writer may yet refuse, and then nothing would stop the agent.
    private bool IsStopped(StopRule rule, SubjectId agent)
    {
        var scope = Scope(rule, agent);
        if (scope.Kind != ScopeKind.Agent)
            return _state.Stops.Of(scope).Any(stop => IsAsMuch(stop, rule));
        // Mostly the denial that takes the most stands in the ledger; only behind one that does not is it looked for among all.
        return _standing.Of(agent) is { By: { } by } && by.State >= rule.State
            && (_state.Stops.Find(by.Index) is not null || _state.FindAgent(agent) is { } record && _state.Stops.All.Any(stop => IsAsMuch(stop, rule) && stop.Denial.Covers(record.Actor)));
    }

    private static bool IsAsMuch(StopRecord stop, StopRule rule) => stop is { IsInForce: true, Denial.After: null } && stop.Denial.State >= rule.State;

    private bool IsAnswered(Scope wanted, Scope stopped) =>
        stopped == wanted || (wanted.Kind == ScopeKind.Agent && _state.FindAgent(wanted.Id) is { } agent && _state.Reach.Covers(stopped, agent));

    private static Scope Scope(StopRule rule, SubjectId agent) =>
        rule.Trigger.Reach() == ScopeKind.Agent ? Credentials.Entries.Scope.Agent(agent) : Credentials.Entries.Scope.AgentWithDelegates(agent);

    private static string Reason(RulesInForce rules, StopRule rule, IReadOnlyList<LeafIndex> entries)
    {
        var often = rule.Count == 1 ? "once" : $"{rule.Count} times within {rule.Seconds} s";
        var seen = entries.Count switch
        {
            0 => "",
            <= NamedMax => $" (entries {string.Join(", ", entries)})",
            _ => $" (the last of them entries {string.Join(", ", entries.TakeLast(NamedMax))})",
        };
        return $"rule {rule} of entry {rules.Index}: {often}{seen}";
    }

    private static Refused Withheld() =>
        Refused.Because(Refusal.Overloaded, $"rules stop {StopsMax} agents in a minute at most. Somebody sets them off: look at it, and stop by hand what has to be stopped.");
}
