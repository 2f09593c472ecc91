using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Entries;

public sealed class StopRuleTests
{
    public static TheoryData<string> Texts => ["fork:1/1:frozen", "envelope-exceeded:10/60:restricted", "delegation-burst:100/86400:frozen", "proof-replayed:5/60:restricted"];

    [Theory]
    [MemberData(nameof(Texts))]
    public void A_rule_is_read_and_written_the_same_again(string text)
    {
        Assert.True(StopRule.TryParse(text, out var rule));
        Assert.Equal(text, rule.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("fork")]
    [InlineData("fork:1:frozen")]
    [InlineData("fork:1/60")]
    [InlineData("fork:1/60:frozen:frozen")]
    [InlineData("fork/1:60:frozen")]
    [InlineData("Fork:1/60:frozen")]
    [InlineData("nothing:1/60:frozen")]
    [InlineData("1:1/60:frozen")]
    [InlineData("fork:0/60:frozen")]
    [InlineData("fork:01/60:frozen")]
    [InlineData("fork:+1/60:frozen")]
    [InlineData("fork: 1/60:frozen")]
    [InlineData("fork:-1/60:frozen")]
    [InlineData("fork:101/60:frozen")]
    [InlineData("fork:4294967297/60:frozen")]
    [InlineData("fork:1/0:frozen")]
    [InlineData("fork:1/86401:frozen")]
    [InlineData("fork:1/60:revoked")]
    [InlineData("fork:1/60:active")]
    [InlineData("fork:1/60:")]
    [InlineData("fork:1/60:frozen ")]
    public void What_is_no_rule_is_not_read(string text) => Assert.False(StopRule.TryParse(text, out _));

    public static TheoryData<string, StopRule[]> OutOfBounds => new()
    {
        { "another order", [new(RuleTrigger.ProofReplayed, 1, 60, StandingState.Frozen), new(RuleTrigger.Fork, 1, 60, StandingState.Frozen)] },
        { "two for one trigger", [new(RuleTrigger.Fork, 1, 60, StandingState.Frozen), new(RuleTrigger.Fork, 2, 60, StandingState.Frozen)] },
        { "no count", [new(RuleTrigger.Fork, 0, 60, StandingState.Frozen)] },
        { "too long a window", [new(RuleTrigger.Fork, 1, StopRule.SecondsMax + 1, StandingState.Frozen)] },
        { "for ever", [new(RuleTrigger.Fork, 1, 60, StandingState.Revoked)] },
        { "an unknown trigger", [new((RuleTrigger)5, 1, 60, StandingState.Frozen)] },
    };

    [Theory]
    [MemberData(nameof(OutOfBounds))]
    public void An_entry_with_rules_out_of_bounds_is_not_read(string what, StopRule[] rules) => Assert.False(IsRead(new RulesSet(rules, "night", ["one", "two"])), what);

    [Fact]
    public void An_entry_without_rules_is_read() => Assert.True(IsRead(new RulesSet([], "enough", [])));

    public static TheoryData<string, Stop> ByNoRule => new()
    {
        { "for ever", Stopped with { State = StandingState.Revoked } },
        { "more than the trigger reaches", Stopped with { Scope = Scope.Everything } },
        { "an agent's delegates", Stopped with { Scope = Scope.AgentWithDelegates(Vectors.AgentId) } },
        { "an operator's key", Stopped with { Scope = Scope.Key(Vectors.Key("operator 1").PublicKey.KeyId) } },
        { "an order as well", Stopped with { Order = "an order" } },
        { "an unknown trigger", Stopped with { Rule = new StoppingRule(new LeafIndex(3), (RuleTrigger)9) } },
    };

    [Theory]
    [MemberData(nameof(ByNoRule))]
    public void A_stop_that_no_rule_can_make_is_not_read(string what, Stop stop) => Assert.False(IsRead(stop), what);

    [Fact]
    public void A_stop_by_a_rule_is_read_with_its_probes_and_without()
    {
        Assert.True(IsRead(Stopped));
        Assert.True(IsRead(Stopped with { Probes = [Vectors.AgentId] }));
        Assert.True(IsRead(Stopped with { Scope = Scope.AgentWithDelegates(Vectors.AgentId), Rule = new StoppingRule(new LeafIndex(3), RuleTrigger.DelegationBurst) }));
    }

    private static Stop Stopped { get; } = new(Scope.Agent(Vectors.AgentId), StandingState.Frozen, "rule", "rule-fork-9", 4) { Rule = new StoppingRule(new LeafIndex(3), RuleTrigger.Fork) };

    private static bool IsRead(EntryBody body) => Entry.TryDecode(new Entry(1, [new EntrySubject(Vectors.AgentId, 1)], Vectors.AgentId, body).Encode(), out _);
}
