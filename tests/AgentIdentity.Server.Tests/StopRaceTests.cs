using AgentIdentity.Client;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using AgentState = AgentIdentity.Protocol.V1.AgentState;

namespace AgentIdentity.Server.Tests;

/// <summary>A stop that is acknowledged holds for every call that begins afterwards, whatever else is going on.</summary>
public sealed class StopRaceTests
{
    private const int Callers = 6;
    private const int CallsAfterwards = 20;

    private volatile bool _isStopped;

    [Theory]
    [InlineData(AgentState.Frozen)]
    [InlineData(AgentState.Revoked)]
    public async Task No_call_that_begins_after_the_acknowledgement_succeeds(AgentState state)
    {
        await using var registry = await TestRegistry.StartAsync();
        var agent = await registry.EnrolAsync();
        using var runtime = agent.Connect();
        using var tool = registry.Connect(await registry.RegisterAsync(Role.Enforcer, "documents"));
        var racing = Enumerable.Range(0, Callers).Select(i => RaceAsync((i % 3) switch
        {
            0 => async () => (await tool.Credentials.VerifyAsync(agent.Presents())).Allowed,
            1 => () => SucceedsAsync(runtime.Credentials.IssueAsync(new IssueRequest()).ResponseAsync),
            _ => () => SucceedsAsync(runtime.Credentials.RenewAsync(new RenewRequest { Credential = agent.Credential }).ResponseAsync),
        })).ToArray();

        await Task.Delay(TimeSpan.FromMilliseconds(200));
        await registry.StopAgentAsync(agent.Did, state);
        _isStopped = true;
        var counts = await Task.WhenAll(racing);
        Assert.All(counts, count => Assert.Equal((0, CallsAfterwards), (count.Wrong, count.Afterwards)));
    }

    // Counts calls that began after the acknowledgement, and those of them that succeeded.
    private async Task<(int Wrong, int Afterwards)> RaceAsync(Func<Task<bool>> callAsync)
    {
        var (wrong, afterwards) = (0, 0);
        while (afterwards < CallsAfterwards)
        {
            var beganAfterwards = _isStopped;
            var isAllowed = await callAsync();
            afterwards += beganAfterwards ? 1 : 0;
            wrong += beganAfterwards && isAllowed ? 1 : 0;
        }
        return (wrong, afterwards);
    }

    // Before the stop, an agent that holds as many credentials as it may is refused too.
    private static async Task<bool> SucceedsAsync<T>(Task<T> call)
    {
        try
        {
            await call;
            return true;
        }
        catch (RegistryRefusedException)
        {
            return false;
        }
    }
}
