using AgentIdentity.Client.Enforcing;
using AgentIdentity.Credentials;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Watch.Tests.Fixtures;

namespace AgentIdentity.Watch.Tests.EndToEnd;

/// <summary>The real enforcer against the real server, each in a process's place: what one says, the other believes, and both survive each other's end.</summary>
public sealed class StopStoryTests : IAsyncLifetime
{
    private WatchedRegistry _registry = null!;
    private WatchingTool _tool = null!;
    private WatchedAgent _agent = null!;
    private WatchedAgent _other = null!;

    public async Task InitializeAsync()
    {
        _registry = await WatchedRegistry.StartAsync();
        (_agent, _other) = (await _registry.EnrolAsync(), await _registry.EnrolAsync());
        _tool = await WatchingTool.StartAsync(_registry, options => options with { Lease = TimeSpan.FromSeconds(8) });
    }

    public async Task DisposeAsync()
    {
        await _tool.DisposeAsync();
        await _registry.DisposeAsync();
    }

    [Fact]
    public async Task A_stop_is_refused_acknowledged_and_reported_and_a_restore_by_two_is_believed()
    {
        Assert.Equal(Refusal.None, _tool.Answer(_agent));
        var stop = await _registry.StopAsync(_agent);
        var report = await _registry.WhenAsync(stop.LedgerIndex, StopLevel.Enforced);
        var enforcer = Assert.Single(report.Enforcers);
        Assert.Equal((EnforcerProgress.Acknowledged, stop.Epoch, true), (enforcer.Progress, enforcer.Epoch, enforcer.Needed));
        Assert.Equal((Refusal.AgentFrozen, Refusal.None), (_tool.Answer(_agent), _tool.Answer(_other)));

        var restore = await _registry.RestoreAsync(stop.LedgerIndex);
        await _tool.WhenAnswersAsync(Refusal.None, _agent);
        Assert.Equal(restore.Epoch, _tool.Epoch);
        Assert.Empty(_tool.Alarms);
    }

    [Fact]
    public async Task What_was_refused_stays_refused_over_the_ends_of_server_and_tool_and_what_was_lifted_meanwhile_is_believed()
    {
        var kept = await _registry.StopAsync(_agent);
        var lifted = await _registry.StopAsync(_other);
        await _registry.WhenAsync(lifted.LedgerIndex, StopLevel.Enforced);
        await _registry.KillAsync();
        Assert.Equal((Refusal.AgentFrozen, Refusal.AgentFrozen), (_tool.Answer(_agent), _tool.Answer(_other)));

        await _registry.StartAgainAsync();
        await _registry.RestoreAsync(lifted.LedgerIndex);
        await _tool.WhenAnswersAsync(Refusal.None, _other);
        Assert.Equal(Refusal.AgentFrozen, _tool.Answer(_agent));

        await _registry.KillAsync();
        await _tool.RestartAsync();
        Assert.Equal((Refusal.LeaseOver, Refusal.LeaseOver), (_tool.Answer(_agent), _tool.Answer(_other)));
        await _registry.StartAgainAsync();
        await _tool.WhenReadyAsync();
        Assert.Equal((Refusal.AgentFrozen, Refusal.None), (_tool.Answer(_agent), _tool.Answer(_other)));
        Assert.Equal(StopLevel.Enforced, (await _registry.ReportAsync(kept.LedgerIndex)).Level);
        // A server that is away keeps people waiting; none of these says that it lies.
        Assert.DoesNotContain(_tool.Alarms, alarm => alarm is not (EnforcerAlarmKind.LeaseEnded or EnforcerAlarmKind.DeltaUnproven));
    }

    [Fact]
    public async Task A_server_that_is_away_for_longer_than_the_lease_lets_nobody_in_until_it_is_back()
    {
        await _registry.KillAsync();
        Assert.Equal(Refusal.None, _tool.Answer(_agent));
        await _tool.WhenAnswersAsync(Refusal.LeaseOver, _agent);
        await _tool.WhenAlarmedAsync(EnforcerAlarmKind.LeaseEnded);
        await _registry.StartAgainAsync();
        await _tool.WhenAnswersAsync(Refusal.None, _agent);
        Assert.Equal(EnforcerAlarmKind.LeaseEnded, Assert.Single(_tool.Alarms));
    }
}
