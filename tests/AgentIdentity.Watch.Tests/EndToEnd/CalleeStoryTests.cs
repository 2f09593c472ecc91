using AgentIdentity.Credentials;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Watch.Tests.Fixtures;

namespace AgentIdentity.Watch.Tests.EndToEnd;

/// <summary>An agent that others call, with the real enforcer before it and the real server behind that: whatever a stop names the agent by, nobody calls it.</summary>
public sealed class CalleeStoryTests
{
    [Fact]
    public async Task Nobody_calls_an_agent_that_a_stop_covers_not_even_where_an_enforcer_comes_later_until_its_restore()
    {
        await using var registry = await WatchedRegistry.StartAsync();
        await registry.DefineBlueprintAsync("helper/1", "model-x/5");
        var callee = await registry.EnrolAsync(await registry.CreateTokenAsync("helpers", "helper/1", "us"));
        var caller = await registry.EnrolAsync(await registry.CreateTokenAsync(audience: callee.Did));
        await using var first = await WatchingTool.StartAsync(registry, name: "first", audience: callee.Did);
        foreach (var scope in Scopes(callee))
        {
            Assert.Equal(Refusal.None, first.Answer(caller));
            var stop = await registry.StopAsync(scope);
            await first.WhenAnswersAsync(Refusal.AudienceStopped, caller);
            await using var later = await WatchingTool.StartAsync(registry, name: $"after {scope.OfCase}", audience: callee.Did);
            Assert.Equal(Refusal.AudienceStopped, later.Answer(caller));
            await registry.RestoreAsync(stop.LedgerIndex);
            await first.WhenAnswersAsync(Refusal.None, caller);
            await later.WhenAnswersAsync(Refusal.None, caller);
        }
        Assert.Empty(first.Alarms);
    }

    private static Scope[] Scopes(WatchedAgent callee) =>
    [
        new() { Agent = callee.Did },
        new() { Key = callee.Key.PublicKey.KeyId.ToString() },
        new() { Blueprint = "helper/1" },
        new() { Model = "model-x/5" },
        new() { Sponsor = "helpers" },
        new() { Label = new Label { Name = "region", Value = "us" } },
    ];
}
