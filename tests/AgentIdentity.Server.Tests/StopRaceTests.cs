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
    [InlineData(AgentState.Frozen, "AGENT_FROZEN")]
    [InlineData(AgentState.Revoked, "AGENT_REVOKED")]
    public async Task Every_call_that_begins_after_the_acknowledgement_is_refused_for_the_stop(AgentState state, string name)
    {
        await using var registry = await TestRegistry.StartAsync();
        var agent = await registry.EnrolAsync();
        using var runtime = agent.Connect();
        using var tool = registry.Connect(await registry.RegisterAsync(Role.Enforcer, "documents"));
        var racing = Enumerable.Range(0, Callers).Select(i => RaceAsync((i % 3) switch
        {
            0 => async () => (await tool.Credentials.VerifyAsync(agent.Presents())).Reason,
            1 => () => ReasonOfAsync(runtime.Credentials.IssueAsync(new IssueRequest()).ResponseAsync),
            _ => () => ReasonOfAsync(runtime.Credentials.RenewAsync(new RenewRequest { Credential = agent.Credential }).ResponseAsync),
        })).ToArray();

        await Task.Delay(TimeSpan.FromMilliseconds(200));
        await registry.StopAgentAsync(agent.Did, state);
        _isStopped = true;
        Assert.All(await Task.WhenAll(racing), reasons => Assert.Equal(Enumerable.Repeat(name, CallsAfterwards), reasons));
    }

    // How the calls ended that began after the acknowledgement.
    private async Task<List<string>> RaceAsync(Func<Task<string>> callAsync)
    {
        var afterwards = new List<string>();
        while (afterwards.Count < CallsAfterwards)
        {
            var beganAfterwards = _isStopped;
            var reason = await callAsync();
            if (beganAfterwards)
                afterwards.Add(reason);
        }
        return afterwards;
    }

    // By name: an agent that holds as many credentials as it may is refused too, and that is no stop.
    private static async Task<string> ReasonOfAsync<T>(Task<T> call)
    {
        try
        {
            await call;
            return "NONE";
        }
        catch (RegistryRefusedException refused)
        {
            return refused.Reason;
        }
    }
}
