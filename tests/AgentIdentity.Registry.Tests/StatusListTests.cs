using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Status;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>What those learn who read status lists: which credentials are stopped, not sooner than the next lists, and nothing else.</summary>
public sealed class StatusListTests
{
    [Theory]
    [InlineData(StandingState.Restricted)]
    [InlineData(StandingState.Frozen)]
    [InlineData(StandingState.Revoked)]
    public async Task Every_state_of_a_stopped_agent_is_the_same_bit_over_restarts(StandingState state)
    {
        var folder = TestNode.NewFolder();
        TestAgent agent, other;
        await using (var registry = await TestNode.FoundAsync(folder))
        {
            (agent, other) = (await registry.EnrollAsync(), await registry.EnrollAsync());
            Assert.False(registry.Status(agent.Claims));
            TestNode.Good(await registry.StopAsync(agent, state));
            registry.NextLists();
            Assert.Equal((true, false), (registry.Status(agent.Claims), registry.Status(other.Claims)));
        }
        await using var again = TestNode.Open(folder, agent.Registry.Clock);
        Assert.Equal((true, false), (again.Status(agent.Claims), again.Status(other.Claims)));
    }

    [Fact]
    public async Task A_stop_does_not_show_before_the_lists_are_due_however_often_they_are_read()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var untilDue = StatusListFormat.Cadence - TimeSpan.FromMilliseconds(registry.Clock.GetUtcNow().ToUnixTimeMilliseconds() % 15_000);
        Assert.False(registry.Status(agent.Claims));
        TestNode.Good(await registry.StopAsync(agent));
        registry.Clock.Advance(untilDue - TimeSpan.FromMilliseconds(1));
        Assert.False(registry.Status(agent.Claims));
        registry.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(registry.Status(agent.Claims));
    }

    [Fact]
    public async Task What_a_stopped_agent_has_passed_on_is_stopped_in_the_lists()
    {
        await using var registry = await TestNode.FoundAsync();
        var chain = await registry.ChainAsync(links: 2);
        TestNode.Good(await registry.StopAsync(chain[1].Agent));
        Assert.Equal([false, true, true], chain.Select(link => registry.Status(registry.Read(link.Credential).Claims)!.Value));
        Assert.False(registry.Status(chain[2].Agent.Claims));
    }

    [Fact]
    public async Task The_bit_of_an_expired_credential_is_not_set_and_lists_of_expired_ones_are_gone()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        TestNode.Good(await registry.StopAsync(agent));
        registry.Node.State.StatusPlaces.Give(default, new StatusPlace(5, 0).Index);
        Assert.True(registry.Status(agent.Claims));
        Assert.Equal([0UL, 5, 6, 7], Published(registry));
        registry.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Null(registry.Status(agent.Claims));
        Assert.Equal([5UL, 6, 7], Published(registry));
    }

    [Fact]
    public async Task Lists_are_there_before_a_place_in_them_is_given_and_not_before_the_registry_is()
    {
        await using var unfounded = TestNode.Open();
        Assert.Null(unfounded.Node.StatusLists.Find(0));
        await using var registry = await TestNode.FoundAsync();
        Assert.Equal([0UL, 1, 2], Published(registry));
    }

    [Fact]
    public async Task A_registry_that_denies_everybody_publishes_no_list()
    {
        await using var registry = await TestNode.FoundAsync();
        Assert.NotNull(registry.Node.StatusLists.Find(0));
        registry.Node.Standing.RollBack();
        Assert.Null(registry.Node.StatusLists.Find(0));
    }

    [Fact]
    public async Task Places_are_given_out_of_order_and_a_start_knows_which()
    {
        var folder = TestNode.NewFolder();
        StatusPlacesCopy given;
        await using (var registry = await TestNode.FoundAsync(folder))
        {
            var agent = await registry.EnrollAsync();
            var indexes = new List<ulong> { agent.Claims.StatusIndex };
            for (var i = 0; i < 20; i++)
                indexes.Add(TestNode.Good(await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0)).Claims.StatusIndex);
            Assert.Equal(21, indexes.Distinct().Count());
            // One time in ten to the nineteenth chance has them in order.
            Assert.NotEqual(indexes.Order(), indexes);
            given = registry.Node.State.StatusPlaces.Copy();
        }
        foreach (var hasSnapshot in new[] { true, false })
        {
            if (!hasSnapshot)
                File.Delete(Path.Combine(folder, "snapshot"));
            await using var again = TestNode.Open(folder);
            Assert.Equal((given.Open, Convert.ToHexString(given.Given)), (again.Node.State.StatusPlaces.Copy().Open, Convert.ToHexString(again.Node.State.StatusPlaces.Copy().Given)));
        }
    }

    [Fact]
    public void A_full_list_is_followed_by_the_next_and_what_waits_counts()
    {
        var places = new StatusPlaces();
        var pending = new HashSet<ulong>();
        const int Full = StatusBitmap.Places / 4 * 3;
        for (var i = 0; i < Full; i++)
        {
            var index = places.Next(pending);
            Assert.Equal(0UL, StatusPlace.Of(index).List);
            if (i < Full - 100)
                places.Give(default, index);
            else
                Assert.True(pending.Add(index));
        }
        var next = places.Next(pending);
        Assert.Equal(1UL, StatusPlace.Of(next).List);
        places.Give(default, next);
        Assert.Equal(1UL, places.Open);
    }

    [Fact]
    public void A_place_that_is_given_twice_is_damage()
    {
        var places = new StatusPlaces();
        places.Give(default, 7);
        Assert.Throws<LedgerDamagedException>(() => places.Give(new LeafIndex(3), 7));
        places.Give(default, new StatusPlace(1, 7).Index);
        Assert.Throws<LedgerDamagedException>(() => places.Give(new LeafIndex(4), 8));
    }

    private static IEnumerable<ulong> Published(TestNode registry) => Enumerable.Range(0, 12).Select(number => (ulong)number).Where(number => registry.Node.StatusLists.Find(number) is not null);
}
