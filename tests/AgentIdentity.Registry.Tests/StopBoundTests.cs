using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>What one person may not do alone: not one by one, and not all at once.</summary>
public sealed class StopBoundTests
{
    private const int RevokeAloneMax = 2;

    [Fact]
    public async Task One_person_revokes_so_many_in_an_hour_and_two_revoke_the_next()
    {
        await using var registry = await FoundAsync();
        var agents = await EnrolAsync(registry, 4);
        TestNode.Good(await registry.StopAsync(Scope.AgentWithDelegates(agents[0].Id), StandingState.Revoked));
        TestNode.Good(await registry.StopAsync(Scope.Key(agents[1].KeyId), StandingState.Revoked));
        Assert.Equal(Refusal.AlreadyRevoked, (await registry.StopAsync(Scope.Key(agents[1].KeyId), StandingState.Revoked)).Refusal);
        foreach (var third in new[] { Scope.Agent(agents[2].Id), Scope.Key(agents[2].KeyId), Scope.Credential(agents[2].Claims.Jti) })
            Assert.Equal(Refusal.NeedsTwoOperators, (await registry.StopAsync(third, StandingState.Revoked)).Refusal);
        Assert.Equal(Refusal.None, registry.Verify(agents[2].Use()));

        var approvals = registry.ApprovalsOf(ApprovedAction.Revoke(Scope.Agent(agents[2].Id), "odd calls", ""));
        TestNode.Good(await registry.Node.Stopping.StopAsync(registry.Operator, new StopWish(Scope.Agent(agents[2].Id), StandingState.Revoked, "odd calls", "", Approvals: approvals)));
        registry.Clock.Advance(TimeSpan.FromMinutes(61));
        TestNode.Good(await registry.StopAsync(agents[3], StandingState.Revoked));
    }

    [Fact]
    public async Task Whom_authority_had_come_to_counts_with_the_agent_that_it_came_from()
    {
        await using var registry = await FoundAsync();
        var agents = await EnrolAsync(registry, 3);
        var first = await registry.LinkAsync(agents[0], agents[0].Claims.Jti, agents[1]);
        await registry.LinkAsync(agents[1], first, agents[2]);
        Assert.Equal(Refusal.NeedsTwoOperators, (await registry.StopAsync(Scope.AgentWithDelegates(agents[0].Id), StandingState.Revoked)).Refusal);
        TestNode.Good(await registry.StopAsync(Scope.AgentWithDelegates(agents[1].Id), StandingState.Revoked));
        Assert.Equal(Refusal.NeedsTwoOperators, (await registry.StopAsync(agents[0], StandingState.Revoked)).Refusal);
    }

    [Fact]
    public async Task What_was_revoked_before_a_restart_counts_after_it()
    {
        var folder = TestNode.NewFolder();
        await using var registry = await FoundAsync(folder);
        var agents = await EnrolAsync(registry, 3);
        foreach (var agent in agents[..RevokeAloneMax])
            TestNode.Good(await registry.StopAsync(agent, StandingState.Revoked));
        await registry.DisposeAsync();
        foreach (var isFolded in new[] { false, true })
        {
            if (isFolded)
                File.Delete(Path.Combine(folder, "snapshot"));
            await using var again = TestNode.Open(folder, registry.Clock, with: Bound);
            Assert.Equal(Refusal.NeedsTwoOperators, (await again.StopAsync(agents[^1].At(again), StandingState.Revoked)).Refusal);
        }
    }

    [Fact]
    public async Task Of_fifty_revocations_at_once_as_many_are_taken_as_one_after_the_other_and_the_others_deny_nobody()
    {
        await using var registry = await FoundAsync();
        var agents = await EnrolAsync(registry, 50);
        var outcomes = await AtOnceAsync(registry, agents.Select(agent => new StopWish(Scope.Agent(agent.Id), StandingState.Revoked, "odd calls", "")));

        Assert.Equal(RevokeAloneMax, outcomes.Count(outcome => !outcome.IsRefused));
        Assert.All(outcomes.Where(outcome => outcome.IsRefused), outcome => Assert.Equal(Refusal.NeedsTwoOperators, outcome.Refusal));
        Assert.Equal(outcomes.Select(outcome => outcome.IsRefused ? Refusal.None : Refusal.AgentRevoked), agents.Select(agent => registry.Verify(agent.Use())));
    }

    [Fact]
    public async Task Of_two_operators_keys_frozen_at_once_the_second_asks_for_force()
    {
        await using var registry = await FoundAsync();
        await AddThirdAsync(registry);
        var wishes = registry.OperatorKeys.Select(key => new StopWish(Scope.Key(key.PublicKey.KeyId), StandingState.Frozen, "stolen", "")).ToArray();
        var outcomes = await AtOnceAsync(registry, wishes);

        Assert.Equal([Refusal.None, Refusal.ForceNeeded], outcomes.Select(outcome => outcome.Refusal));
        Assert.Equal([true, false], wishes.Select(wish => registry.Node.State.Stops.IsKeyStopped(wish.Scope.KeyId)));
        TestNode.Good(await registry.Node.Stopping.StopAsync(registry.Operator, wishes[1] with { Force = true }));
    }

    [Fact]
    public async Task An_operator_who_was_added_today_does_not_count_among_those_who_are_left()
    {
        await using var registry = await FoundAsync();
        await AddThirdAsync(registry, isSettled: false);
        Assert.Equal(Refusal.ForceNeeded, (await registry.StopAsync(Scope.Key(registry.OperatorKeys[1].PublicKey.KeyId))).Refusal);
        // And whose key takes nothing away needs no force.
        TestNode.Good(await registry.StopAsync(Scope.Key(registry.Node.State.Callers.Single(caller => caller.Name == "third").Key.KeyId)));
        await AddThirdAsync(registry, "fourth", isSettled: false);
        registry.Clock.Advance(TimeSpan.FromHours(24));
        TestNode.Good(await registry.StopAsync(Scope.Key(registry.OperatorKeys[1].PublicKey.KeyId)));
    }

    // The writer is held until all have passed whatever is asked before it.
    private static async Task<Outcome<Stopped>[]> AtOnceAsync(TestNode registry, IEnumerable<StopWish> wishes)
    {
        var held = registry.Store.HoldAppends();
        var filler = registry.NewTokenAsync();
        await held;
        var stops = wishes.Select(wish => registry.Node.Stopping.StopAsync(registry.Operator, wish)).ToArray();
        registry.Store.LetAppendsGo();
        await filler;
        return await Task.WhenAll(stops);
    }

    private static async Task AddThirdAsync(TestNode registry, string name = "third", bool isSettled = true)
    {
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var proof = OperatorProof.Create(key, TestNode.Url, name, registry.Clock.GetUtcNow());
        TestNode.Good(await registry.Node.People.AddOperatorAsync(registry.Operator, proof, registry.ApprovalsOf(ApprovedAction.AddOperator(key.PublicKey.KeyId, name))));
        if (isSettled)
            registry.Clock.Advance(TimeSpan.FromHours(24));
    }

    private static async Task<TestAgent[]> EnrolAsync(TestNode registry, int count)
    {
        var token = await registry.NewTokenAsync((uint)count);
        var agents = new TestAgent[count];
        for (var i = 0; i < count; i++)
            agents[i] = await registry.EnrollAsync(token);
        return agents;
    }

    private static Task<TestNode> FoundAsync(string? folder = null) => TestNode.FoundByTwoAsync(folder, Bound);

    private static RegistrySettings Bound(RegistrySettings settings) => settings with { RevokeAloneMax = RevokeAloneMax };
}
