using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Tests.Histories;

namespace AgentIdentity.Watch.Tests.Histories;

/// <summary>Recorded histories of real enforcers behind a rough way to a node that fails, held against the model. Ten here; tests/histories runs as many as it is asked for.</summary>
public sealed class EnforcedHistoriesTests
{
    // They wait more than they compute.
    private const int AtOnce = 5;
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(3);
    private static readonly Act[] Minting = [Act.Issue, Act.Renew, Act.Delegate];
    private static readonly Party Somebody = new(new SubjectId(7), default, "red", "bot/1", null);

    /// <summary>Blocks, so that a block that fails names its seeds.</summary>
    public static TheoryData<int, int> Seeds
    {
        get
        {
            var (count, first) = (Setting("AGENTIDENTITY_ENFORCED_HISTORIES", 10), Setting("AGENTIDENTITY_HISTORIES_SEED", 1));
            var blocks = new TheoryData<int, int>();
            for (var seed = first; seed < first + count; seed += AtOnce)
                blocks.Add(seed, Math.Min(AtOnce, first + count - seed));
            return blocks;
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Every_recorded_history_of_enforcers_holds_against_the_model(int firstSeed, int count)
    {
        // A history in which nothing happens holds too, and on a machine that has other things to do little happens in seconds: then there is a longer one.
        var (length, said) = (Length, "");
        for (var longer = 0; longer < 4; longer++, length *= 2)
        {
            var histories = await Task.WhenAll(Enumerable.Range(firstSeed, count).Select(seed => new EnforcedRun(seed, EnforcerSabotage.None, length).PlayAsync()));
            var violations = string.Join('\n', histories.SelectMany((history, i) => EnforcedModel.Check(history, EnforcedRun.Lease).Concat(HistoryModel.Check(history.Node)).Select(violation => $"seed {firstSeed + i}: {violation}")));
            Assert.True(violations.Length == 0, violations);
            if (IsLively(histories, out said))
                return;
        }
        Assert.Fail(said);
    }

    private static bool IsLively(EnforcedHistory[] histories, out string said)
    {
        var decisions = histories.SelectMany(history => history.Decisions).CountBy(decision => decision.Refusal).ToDictionary();
        var minted = histories.SelectMany(history => history.Node.Acts).Where(act => act.Refusal == Refusal.None).CountBy(act => act.Act).ToDictionary();
        said = $"{string.Join(", ", decisions)}; {histories.Sum(history => history.Node.Stops.Count)} stops, {histories.Sum(history => history.Node.Restores.Count)} restores, {histories.Sum(history => history.Reports.Count)} enforced; {string.Join(", ", minted)}";
        var enough = 5 * histories.Length;
        return decisions.GetValueOrDefault(Refusal.None) > enough && decisions.Where(answer => HistoryModel.IsByStop(answer.Key)).Sum(answer => answer.Value) > enough
            && decisions.ContainsKey(Refusal.LeaseOver) && decisions.ContainsKey(Refusal.ChainStopped) && histories.Any(history => !history.Reports.IsEmpty)
            && histories.SelectMany(history => history.Decisions).Any(decision => decision is { Refusal: Refusal.None, Above.Count: > 0 })
            && Minting.All(act => minted.GetValueOrDefault(act) > histories.Length);
    }

    [Theory]
    [InlineData(nameof(EnforcerSabotage.RemembersAnswers), "was allowed after Enforced")]
    [InlineData(nameof(EnforcerSabotage.SignsWithoutListening), "was allowed after Enforced")]
    [InlineData(nameof(EnforcerSabotage.SleepsThroughLeases), "was allowed after its lease had ended")]
    [InlineData(nameof(EnforcerSabotage.RefusesStrangers), "was refused by a stop that there is not")]
    public async Task An_enforcer_that_is_broken_on_purpose_does_not_hold_against_the_model(string sabotage, string violation)
    {
        for (var seed = 1; seed <= 10; seed++)
        {
            var history = await new EnforcedRun(seed, Enum.Parse<EnforcerSabotage>(sabotage), Length).PlayAsync();
            if (EnforcedModel.Check(history, EnforcedRun.Lease).Any(found => found.Contains(violation, StringComparison.Ordinal)))
                return;
        }
        Assert.Fail("Ten histories of a broken enforcer were found good.");
    }

    [Fact]
    public void What_began_after_a_stop_was_enforced_is_not_allowed_and_what_was_under_way_may_be()
    {
        Assert.Single(Check(Stopped(1, 2), EnforcedAt(3, 4), DecidedAt(5, 6)));
        Assert.Empty(Check(Stopped(1, 2), EnforcedAt(3, 5), DecidedAt(4, 6)));
        Assert.Empty(Check(Stopped(1, 2), DecidedAt(3, 4)));
        Assert.Empty(Check(Stopped(1, 2), EnforcedAt(3, 4), DecidedAt(5, 6, enforcer: 1)));
        Assert.Empty(Check(Stopped(1, 2), EnforcedAt(3, 4), DecidedAt(5, 6, Refusal.AgentFrozen)));
        Assert.Empty(Check(Stopped(1, 2), EnforcedAt(3, 4), RestoredBy(5, 7), DecidedAt(6, 8)));
        Assert.Single(Check(Stopped(1, 2), EnforcedAt(3, 4), DecidedAt(5, 6), RestoredBy(7, 8)));
    }

    [Fact]
    public void What_an_agent_was_passed_falls_with_whoever_stands_above_it_and_what_it_was_issued_does_not()
    {
        var receiver = Somebody with { Agent = new SubjectId(8) };
        var below = DecidedAt(7, 8) with { Agent = receiver, Above = [Somebody] };
        var own = DecidedAt(7, 8) with { Agent = receiver };
        Assert.Single(Check(Stopped(3, 4), EnforcedAt(5, 6), below));
        Assert.Single(Check(Stopped(3, 4), EnforcedAt(5, 6), below with { Above = [new Party(new SubjectId(9), default, "blue", "bot/2", null), Somebody] }));
        Assert.Empty(Check(Stopped(3, 4), EnforcedAt(5, 6), own));
        Assert.Empty(Check(Stopped(3, 4), below with { Refusal = Refusal.ChainStopped }));
        Assert.Single(Check(Stopped(3, 4), own with { Refusal = Refusal.ChainStopped }));
    }

    [Fact]
    public void With_its_delegates_an_agent_takes_along_whom_it_had_passed_something_before_the_stop_and_perhaps_who_received_while_it_was_on_its_way()
    {
        var receiver = Somebody with { Agent = new SubjectId(8) };
        var stopped = Stopped(3, 5) with { Scope = Scope.AgentWithDelegates(Somebody.Agent) };
        var own = DecidedAt(8, 9) with { Agent = receiver };
        Assert.Single(Check(PassedTo(receiver, 1, 2), stopped, EnforcedAt(6, 7), own));
        Assert.Empty(Check(PassedTo(receiver, 2, 4), stopped, EnforcedAt(6, 7), own));
        Assert.Empty(Check(PassedTo(receiver, 2, 4), stopped, EnforcedAt(6, 7), own with { Refusal = Refusal.AgentFrozen }));
        Assert.Single(Check(stopped, EnforcedAt(6, 7), own with { Refusal = Refusal.AgentFrozen }));
        Assert.Single(Check(PassedTo(receiver, 2, 4), stopped, EnforcedAt(6, 7), own with { Above = [Somebody] }));
    }

    [Fact]
    public void Nobody_is_allowed_after_the_lease_of_the_newest_answer_that_was_handed_over()
    {
        Assert.Empty(Check(DecidedAt(1, 2, beganAt: 9)));
        Assert.Single(Check(DecidedAt(1, 2, beganAt: 10)));
        Assert.Empty(Check(new Granted(1, 0, TimeSpan.FromSeconds(5)), DecidedAt(2, 3, beganAt: 14)));
        Assert.Single(Check(new Granted(1, 1, TimeSpan.FromSeconds(5)), DecidedAt(2, 3, beganAt: 14)));
        Assert.Single(Check(DecidedAt(1, 2, beganAt: 14), new Granted(3, 0, TimeSpan.FromSeconds(5))));
    }

    [Fact]
    public void A_refusal_needs_a_stop_that_was_asked_for_and_an_epoch_does_not_go_back()
    {
        Assert.Single(Check(DecidedAt(1, 2, Refusal.AgentFrozen)));
        Assert.Single(Check(DecidedAt(1, 2, Refusal.AgentFrozen), Stopped(3, 4)));
        Assert.Empty(Check(DecidedAt(1, 3, Refusal.AgentFrozen), Stopped(2, 4)));
        Assert.Single(Check(DecidedAt(1, 2, epoch: 5), DecidedAt(3, 4, epoch: 4)));
        Assert.Empty(Check(DecidedAt(1, 3, epoch: 5), DecidedAt(2, 4, epoch: 4)));
        Assert.Empty(Check(DecidedAt(1, 2, epoch: 5), DecidedAt(3, 4, epoch: 4, enforcer: 1)));
    }

    private static StopAsked Stopped(long began, long ended) =>
        new(new Moment(began, ended, 0, 1), "s1", Scope.Agent(Somebody.Agent), StandingState.Frozen, Refusal.None, new LeafIndex(1), 1);

    private static RestoreAsked RestoredBy(long began, long ended) => new(new Moment(began, ended, 0, 2), [new LeafIndex(1)], Refusal.None, new LeafIndex(2), 2);

    private static Enforced EnforcedAt(long began, long ended) => new(new Moment(began, ended, 0, 3), new LeafIndex(1), "s1", 0);

    private static Acted PassedTo(Party receiver, long began, long ended) => new(new Moment(began, ended, 0, 5), Act.Delegate, Somebody, Refusal.None, null) { Receiver = receiver };

    private static Decided DecidedAt(long began, long ended, Refusal refusal = Refusal.None, int enforcer = 0, int beganAt = 0, ulong epoch = 1) =>
        new(new Moment(began, ended, 0, 4), enforcer, Somebody, refusal, TimeSpan.FromSeconds(beganAt), epoch);

    // Leases of ten seconds, and the first of both enforcers was asked for at 0.
    private static IReadOnlyList<string> Check(params object[] seen)
    {
        var history = new EnforcedHistory();
        history.Leases.Enqueue(new Granted(0, 0, TimeSpan.Zero));
        history.Leases.Enqueue(new Granted(0, 1, TimeSpan.Zero));
        foreach (var one in seen)
        {
            switch (one)
            {
                case StopAsked stop:
                    history.Node.Stops.Enqueue(stop);
                    break;
                case RestoreAsked restore:
                    history.Node.Restores.Enqueue(restore);
                    break;
                case Acted act:
                    history.Node.Acts.Enqueue(act);
                    break;
                case Enforced report:
                    history.Reports.Enqueue(report);
                    break;
                case Granted lease:
                    history.Leases.Enqueue(lease);
                    break;
                case Decided decision:
                    history.Decisions.Enqueue(decision);
                    break;
            }
        }
        return EnforcedModel.Check(history, TimeSpan.FromSeconds(10));
    }

    private static int Setting(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), out var value) ? value : otherwise;
}
