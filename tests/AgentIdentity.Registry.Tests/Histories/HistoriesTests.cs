using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.Tests.Histories;

/// <summary>
/// Recorded histories of concurrent calls against a node that fails, held against the model. Forty here; tests/histories runs as many as it is asked for.
/// Callers draw from their seed what they do; the order in which they meet is the machine's.
/// </summary>
public sealed class HistoriesTests
{
    private const int CallsPerCaller = 40;

    private static readonly Party Somebody = new(new SubjectId(7), default, "red", "bot/1", null);

    /// <summary>Blocks of ten, so that a block that fails names its seeds.</summary>
    public static TheoryData<int, int> Seeds
    {
        get
        {
            var (count, first) = (Setting("AGENTIDENTITY_HISTORIES", 40), Setting("AGENTIDENTITY_HISTORIES_SEED", 1));
            var blocks = new TheoryData<int, int>();
            for (var seed = first; seed < first + count; seed += 10)
                blocks.Add(seed, Math.Min(10, first + count - seed));
            return blocks;
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Every_recorded_history_holds_against_the_model(int firstSeed, int count)
    {
        var (allowed, refused, stops, restores) = (0, 0, 0, 0);
        for (var seed = firstSeed; seed < firstSeed + count; seed++)
        {
            using var run = new HistoryRun(seed, Sabotage.None, CallsPerCaller);
            var history = await run.PlayAsync();
            var violations = string.Join('\n', HistoryModel.Check(history).Select(violation => $"seed {seed}: {violation}"));
            Assert.True(violations.Length == 0, violations);
            allowed += history.Acts.Count(act => act.Refusal == Refusal.None);
            refused += history.Acts.Count(act => act.Refusal is Refusal.AgentFrozen or Refusal.AgentRestricted or Refusal.KeyStopped);
            stops += history.Stops.Count(stop => stop.Refusal == Refusal.None);
            restores += history.Restores.Count(restore => restore.Refusal == Refusal.None);
        }
        // A history in which nothing happens holds too.
        Assert.True(allowed > 10 * count && refused > 10 * count && stops > 5 * count && restores > 2 * count, $"{allowed} allowed, {refused} refused, {stops} stops, {restores} restores");
    }

    [Theory]
    [InlineData(nameof(Sabotage.ForgetsStops))]
    [InlineData(nameof(Sabotage.StopsAnother))]
    [InlineData(nameof(Sabotage.RollsBack))]
    [InlineData(nameof(Sabotage.ForgetsAtStart))]
    public async Task A_node_that_is_broken_on_purpose_does_not_hold_against_the_model(string sabotage)
    {
        for (var seed = 1; seed <= 10; seed++)
        {
            using var run = new HistoryRun(seed, Enum.Parse<Sabotage>(sabotage), CallsPerCaller);
            if (HistoryModel.Check(await run.PlayAsync()).Count > 0)
                return;
        }
        Assert.Fail("Ten histories of a broken node were found good.");
    }

    [Fact]
    public void What_began_after_a_stop_was_recorded_is_not_allowed_and_what_was_under_way_may_be()
    {
        Assert.Single(Check(Stopped(1, 2), Verified(3, 4, Refusal.None)));
        Assert.Empty(Check(Stopped(1, 3), Verified(2, 4, Refusal.None)));
        Assert.Empty(Check(Stopped(1, 2), Verified(3, 4, Refusal.AgentFrozen)));
        Assert.Empty(Check(Stopped(1, 2), RestoredBy(3, 5), Verified(4, 6, Refusal.None)));
        Assert.Single(Check(Stopped(1, 2), Verified(3, 4, Refusal.None), RestoredBy(5, 6)));
        Assert.Single(Check(Stopped(1, 2, Refusal.StorageFull), Verified(3, 4, Refusal.None)));
    }

    [Fact]
    public void A_stop_reaches_what_was_passed_on_and_with_delegates_who_received_it()
    {
        var receiver = Somebody with { Agent = new SubjectId(8) };
        var passed = new Acted(new Moment(1, 2, 0, 3), Act.Delegate, Somebody, Refusal.None, null) { Receiver = receiver };
        var used = new Acted(new Moment(5, 6, 0, 3), Act.Verify, receiver, Refusal.None, null) { Above = [Somebody] };
        var issued = new Acted(new Moment(5, 6, 0, 3), Act.Issue, receiver, Refusal.None, null);
        Assert.Single(Check(passed, Stopped(3, 4), used));
        Assert.Empty(Check(passed, Stopped(3, 4), issued));
        Assert.Single(Check(passed, Stopped(3, 4) with { Scope = Scope.AgentWithDelegates(Somebody.Agent) }, issued));
        Assert.Empty(Check(Stopped(3, 4) with { Scope = Scope.AgentWithDelegates(Somebody.Agent) }, issued));
    }

    [Fact]
    public void A_refusal_needs_a_stop_that_was_asked_for_and_not_lifted_before()
    {
        Assert.Single(Check(Verified(1, 2, Refusal.AgentFrozen)));
        Assert.Single(Check(Verified(1, 2, Refusal.AgentFrozen), Stopped(3, 4)));
        Assert.Empty(Check(Verified(1, 3, Refusal.AgentFrozen), Stopped(2, 4)));
        Assert.Single(Check(Stopped(1, 2), RestoredBy(3, 4), Verified(5, 6, Refusal.AgentFrozen)));
        Assert.Empty(Check(Stopped(1, 2), RestoredBy(3, 5), Verified(4, 6, Refusal.AgentFrozen)));
    }

    [Fact]
    public void Epochs_do_not_go_back_and_what_was_acknowledged_is_in_the_ledger()
    {
        Assert.Single(Check(Stopped(1, 2), new EpochRead(new Moment(3, 4, 0, 5), 0)));
        Assert.Empty(Check(Stopped(1, 3), new EpochRead(new Moment(2, 4, 0, 5), 0)));
        Assert.Single(Check(Stopped(1, 3), new EpochRead(new Moment(2, 4, 0, 5), 1), new EpochRead(new Moment(5, 6, 0, 5), 0)), violation => violation.Contains("the same observer", StringComparison.Ordinal));
        var lost = new History();
        lost.Stops.Enqueue(Stopped(1, 2));
        Assert.Single(HistoryModel.Check(lost));
    }

    private static StopAsked Stopped(long began, long ended, Refusal refusal = Refusal.None) =>
        new StopAsked(new Moment(began, ended, 0, 1), "s1", Scope.Agent(Somebody.Agent), StandingState.Frozen, refusal, refusal == Refusal.None ? new LeafIndex(0) : default, refusal == Refusal.None ? 1ul : 0);

    private static RestoreAsked RestoredBy(long began, long ended) => new RestoreAsked(new Moment(began, ended, 0, 2), [new LeafIndex(0)], Refusal.None, new LeafIndex(1), 2);

    private static Acted Verified(long began, long ended, Refusal refusal) => new Acted(new Moment(began, ended, 0, 3), Act.Verify, Somebody, refusal, null);

    private static IReadOnlyList<string> Check(params object[] calls)
    {
        var history = new History();
        var ledger = new List<EntryBody>();
        foreach (var call in calls)
        {
            switch (call)
            {
                case StopAsked stop:
                    history.Stops.Enqueue(stop);
                    if (stop.Refusal == Refusal.None)
                        ledger.Add(new Stop(stop.Scope, stop.State, "why", stop.Name, stop.Epoch, null));
                    break;
                case RestoreAsked restore:
                    history.Restores.Enqueue(restore);
                    ledger.Add(new Restored(restore.Stops, "why", [], restore.Epoch));
                    break;
                case Acted act:
                    history.Acts.Enqueue(act);
                    break;
                case EpochRead read:
                    history.Epochs.Enqueue(read);
                    break;
            }
        }
        history.Ledger = ledger;
        return HistoryModel.Check(history);
    }

    private static int Setting(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), out var value) ? value : otherwise;
}
