using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>docs/formats.md, "Budgets": what is used counts at each link above, so siblings add up, and no more is ever allowed than the link at the root has.</summary>
public sealed class BudgetTests
{
    [Fact]
    public async Task What_is_spent_counts_at_the_link_and_at_each_above_it()
    {
        await using var registry = await TestNode.FoundAsync();
        var chain = await registry.ChainAsync(2, Calls(10));
        var (middle, last) = (chain[1], chain[2]);
        var first = await registry.SpendAsync(last.Agent, last.Credential, Calls(4));
        Assert.Equal((Refusal.None, 6ul), (first.Refusal, first.Left.Single().Amount));
        Assert.True(first.RelyUntil > registry.Clock.GetUtcNow());
        Assert.Equal(1ul, (await registry.SpendAsync(middle.Agent, middle.Credential, Calls(5))).Left.Single().Amount);

        var exceeded = await registry.SpendAsync(last.Agent, last.Credential, Calls(2));
        Assert.Equal((Refusal.BudgetExceeded, default), (exceeded.Refusal, exceeded.RelyUntil));
        Assert.NotNull(exceeded.Presented);
        Assert.Equal(Refusal.None, (await registry.SpendAsync(last.Agent, last.Credential, Calls(1))).Refusal);
        Assert.Equal(Refusal.BudgetExceeded, (await registry.SpendAsync(middle.Agent, middle.Credential, Calls(1))).Refusal);
        Assert.Equal([4ul, 5, 1], registry.Bodies().OfType<BudgetSpent>().Select(spent => spent.Spent.Single().Amount));
    }

    [Fact]
    public async Task A_unit_that_was_not_passed_on_cannot_be_spent_and_neither_can_anything_by_an_agent_of_its_own_authority()
    {
        await using var registry = await TestNode.FoundAsync();
        var (above, below) = (await registry.EnrollDeepAsync(), await registry.EnrollDeepAsync());
        var another = await registry.EnrollAsync();
        Assert.Equal(Refusal.NoBudget, (await registry.SpendAsync(above, above.Credential, Calls(1))).Refusal);
        var passed = TestNode.Good(await registry.DelegateAsync(above.Credential, below.Id, Delegations.Deep(3), budgets: [new("EUR", 5), Calls(5)])).Token;
        Assert.Equal(Refusal.NoBudget, (await registry.SpendAsync(below, passed, new Budget("USD", 1))).Refusal);
        var silent = TestNode.Good(await registry.DelegateAsync(passed, another.Id, budgets: [new("EUR", 5)])).Token;
        Assert.Equal(Refusal.NoBudget, (await registry.SpendAsync(another, silent, Calls(1))).Refusal);
        // All of it or nothing.
        Assert.Equal(Refusal.NoBudget, (await registry.SpendAsync(another, silent, new("EUR", 1), Calls(1))).Refusal);
        Assert.Equal(Refusal.BudgetExceeded, (await registry.SpendAsync(below, passed, new("EUR", 1), Calls(6))).Refusal);
        Assert.Equal([new Budget("EUR", 0), Calls(0)], (await registry.SpendAsync(below, passed, new("EUR", 5), Calls(5))).Left);
    }

    [Fact]
    public async Task No_more_is_passed_on_than_is_left_and_no_unit_that_was_not_received()
    {
        await using var registry = await TestNode.FoundAsync();
        var chain = await registry.ChainAsync(1, Calls(10));
        var (agent, credential) = chain[1];
        var another = await registry.EnrollAsync();
        TestNode.Good(await registry.DelegateAsync(credential, another.Id, budgets: Calls(10)));
        Assert.Equal(Refusal.BudgetTooWide, (await registry.DelegateAsync(credential, another.Id, budgets: Calls(11))).Refusal);
        Assert.Equal(Refusal.BudgetTooWide, (await registry.DelegateAsync(credential, another.Id, budgets: new Budget("EUR", 1))).Refusal);
        Assert.Equal(Refusal.None, (await registry.SpendAsync(agent, credential, Calls(3))).Refusal);
        Assert.Equal(Refusal.BudgetTooWide, (await registry.DelegateAsync(credential, another.Id, budgets: Calls(8))).Refusal);
        TestNode.Good(await registry.DelegateAsync(credential, another.Id, budgets: Calls(7)));
    }

    [Fact]
    public async Task Siblings_and_their_delegates_that_spend_at_once_never_spend_more_than_the_root_has()
    {
        await using var registry = await TestNode.FoundAsync();
        const int amount = 100;
        var root = (await registry.ChainAsync(1, Calls(amount)))[1];
        var spenders = new List<(TestAgent Agent, string Credential)> { root };
        for (var sibling = 0; sibling < 5; sibling++)
        {
            var agent = await registry.EnrollDeepAsync();
            var passed = TestNode.Good(await registry.DelegateAsync(root.Credential, agent.Id, Delegations.Deep(4), budgets: Calls(60))).Token;
            var below = await registry.EnrollAsync();
            spenders.Add((agent, passed));
            spenders.Add((below, TestNode.Good(await registry.DelegateAsync(passed, below.Id, budgets: Calls(50))).Token));
        }
        using var gate = new Barrier(spenders.Count);
        var spent = 0;
        var threads = spenders.Select(spender => new Thread(() =>
        {
            gate.SignalAndWait();
            var random = new Random(spender.Agent.Id.GetHashCode());
            Task.WaitAll([.. Enumerable.Range(0, 20).Select(async _ =>
            {
                var cost = random.Next(1, 4);
                var verdict = await registry.SpendAsync(spender.Agent, spender.Credential, Calls((ulong)cost));
                if (verdict.Refusal == Refusal.None)
                    Interlocked.Add(ref spent, cost);
                else
                    Assert.Equal(Refusal.BudgetExceeded, verdict.Refusal);
            })]);
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Assert.InRange(spent, amount - 2, amount);
        var jti = registry.Read(root.Credential).Claims.Jti;
        Assert.Equal((ulong)spent, registry.Node.State.Lineage.Spent(jti, "calls"));
        Assert.Equal(spent, registry.Bodies().OfType<BudgetSpent>().Sum(body => (int)body.Spent.Single().Amount));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Counters_are_the_same_after_a_restart_from_a_snapshot_or_from_the_ledger(bool hasSnapshot)
    {
        await using var before = await TestNode.FoundAsync();
        var chain = await before.ChainAsync(2, Calls(10));
        Assert.Equal(Refusal.None, (await before.SpendAsync(chain[2].Agent, chain[2].Credential, Calls(7))).Refusal);
        await before.DisposeAsync();
        if (!hasSnapshot)
            File.Delete(Path.Combine(before.Folder, "snapshot"));
        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.Equal(Refusal.BudgetExceeded, (await after.SpendAsync(chain[1].Agent.At(after), chain[1].Credential, Calls(4))).Refusal);
        Assert.Equal(0ul, (await after.SpendAsync(chain[2].Agent.At(after), chain[2].Credential, Calls(3))).Left.Single().Amount);
    }

    [Fact]
    public async Task Counters_die_with_their_link_and_start_anew_with_the_next()
    {
        await using var registry = await TestNode.FoundAsync();
        var chain = await registry.ChainAsync(1, Calls(2));
        var (below, credential) = chain[1];
        Assert.Equal(Refusal.None, (await registry.SpendAsync(below, credential, Calls(2))).Refusal);
        registry.Clock.Advance(TimeSpan.FromMinutes(15));
        Assert.Equal(Refusal.CredentialExpired, (await registry.SpendAsync(below, credential, Calls(1))).Refusal);
        var own = TestNode.Good(await registry.Node.Issuing.IssueAsync(chain[0].Agent.Record, "", [], 0)).Token;
        var next = TestNode.Good(await registry.DelegateAsync(own, below.Id, budgets: Calls(2))).Token;
        Assert.Equal(0ul, registry.Node.State.Lineage.Spent(registry.Read(credential).Claims.Jti, "calls"));
        Assert.Equal(Refusal.None, (await registry.SpendAsync(below, next, Calls(2))).Refusal);
    }

    [Fact]
    public async Task A_use_that_waits_for_the_writer_is_refused_when_a_stop_comes_first_and_costs_nothing()
    {
        await using var registry = await TestNode.FoundAsync();
        var chain = await registry.ChainAsync(1, Calls(5));
        var held = registry.Store.HoldAppends();
        var blocking = chain[0].Agent.TryRecordAsync();
        await held;
        var waiting = registry.SpendAsync(chain[1].Agent, chain[1].Credential, Calls(1));
        var stop = registry.StopAsync(chain[0].Agent);
        registry.Store.LetAppendsGo();
        Assert.Equal(Refusal.ChainStopped, (await waiting).Refusal);
        TestNode.Good(await stop);
        TestNode.Good(await blocking);
        Assert.Empty(registry.Bodies().OfType<BudgetSpent>());
    }

    [Fact]
    public async Task Nothing_is_delegated_in_the_moment_of_a_cut()
    {
        await using var registry = await TestNode.FoundAsync();
        var (above, below) = (await registry.EnrollDeepAsync(), await registry.EnrollAsync());
        var held = registry.Store.HoldAppends();
        var blocking = above.TryRecordAsync();
        await held;
        var delegating = registry.DelegateAsync(above.Credential, below.Id);
        var cut = registry.Node.Stopping.CutAsync(registry.Operator, Scope.Agent(below.Id), default, "taken over", "", []);
        registry.Store.LetAppendsGo();
        Assert.Equal(Refusal.Overloaded, (await delegating).Refusal);
        TestNode.Good(await cut);
        TestNode.Good(await blocking);
        TestNode.Good(await registry.DelegateAsync(above.Credential, below.Id));
    }

    [Fact]
    public async Task A_use_that_could_not_be_written_is_refused_and_costs_nothing()
    {
        await using var registry = await TestNode.FoundAsync();
        var (agent, credential) = (await registry.ChainAsync(1, Calls(5)))[1];
        registry.Store.OnAppend = Fault.Full;
        var refused = await registry.SpendAsync(agent, credential, Calls(5));
        Assert.Equal((Refusal.StorageFull, default), (refused.Refusal, refused.RelyUntil));
        registry.Store.OnAppend = Fault.None;
        Assert.Equal(Refusal.None, (await registry.SpendAsync(agent, credential, Calls(5))).Refusal);
    }

    private static Budget Calls(ulong amount) => new("calls", amount);
}
