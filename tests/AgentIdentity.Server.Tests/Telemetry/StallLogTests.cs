using AgentIdentity.Server.Telemetry;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Storage;
using Fetch = AgentIdentity.Server.Tests.Fixtures.Http;

namespace AgentIdentity.Server.Tests.Telemetry;

/// <summary>What operators see of a disk that stalls.</summary>
public sealed class StallLogTests : IDisposable
{
    private readonly Clock _clock = new();
    private readonly List<string> _said = [];
    private readonly DiskWatch _disk;
    private readonly StallLog _log;
    private TimeSpan _waiting;

    public StallLogTests()
    {
        _disk = new DiskWatch(_clock);
        _log = new StallLog(_disk, () => _waiting, _clock, _said.Add);
    }

    public void Dispose() => _log.Dispose();

    [Fact]
    public void A_write_that_takes_longer_than_a_second_is_told_of_while_it_lasts_and_once_when_it_is_over()
    {
        var commit = _disk.Begin(DiskWork.Commit);
        After(TimeSpan.FromMilliseconds(999));
        Assert.Empty(_said);
        _waiting = TimeSpan.FromMilliseconds(700);
        After(TimeSpan.FromMilliseconds(201));
        Assert.Contains("takes long: commit, 1.2 s. On the disk now: commit, for 1.2 s; the oldest write waits for 0.7 s.", Assert.Single(_said), StringComparison.Ordinal);
        After(TimeSpan.FromSeconds(30));
        Assert.Single(_said);

        After(TimeSpan.FromSeconds(8.9));
        commit.Dispose();
        _waiting = TimeSpan.Zero;
        After(TimeSpan.FromSeconds(5));
        Assert.Equal("Writing to the ledger is quick again; longest took commit, 40.1 s.", _said[^1]);
        After(TimeSpan.FromMinutes(2));
        Assert.Equal(2, _said.Count);
    }

    [Fact]
    public void A_stall_that_goes_on_is_told_of_each_minute()
    {
        using var copy = _disk.Begin(DiskWork.JournalCopy);
        for (var second = 0; second < 150; second++)
            After(TimeSpan.FromSeconds(1));
        Assert.Equal(3, _said.Count);
        Assert.Contains("journal-copy, 121.0 s", _said[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_disk_that_is_slow_again_and_again_is_one_story()
    {
        for (var commit = 0; commit < 20; commit++)
        {
            using (_disk.Begin(DiskWork.Commit))
                After(TimeSpan.FromSeconds(2));
            After(TimeSpan.FromSeconds(0.5));
        }
        Assert.Single(_said);
    }

    [Fact]
    public void A_write_that_waits_while_the_disk_has_nothing_to_do_is_told_of_too()
    {
        _waiting = TimeSpan.FromSeconds(1.5);
        After(TimeSpan.FromSeconds(1));
        Assert.Contains("takes long: waiting, 1.5 s. On the disk now: nothing;", Assert.Single(_said), StringComparison.Ordinal);
    }

    [Fact]
    public async Task How_long_writes_take_and_how_long_the_oldest_has_been_waiting_is_measured()
    {
        await using var registry = await TestRegistry.StartAsync();
        using var response = await Fetch.RespondAsync(registry.ConsoleUrl + "/metrics");
        var metrics = await response.Content.ReadAsStringAsync();
        Assert.Contains("# TYPE agentidentity_disk_write_duration_seconds histogram\n", metrics, StringComparison.Ordinal);
        Assert.Matches("agentidentity_disk_write_duration_seconds_count{work=\"commit\"} [1-9]", metrics);
        Assert.Contains("# TYPE agentidentity_oldest_write_seconds gauge\n", metrics, StringComparison.Ordinal);
    }

    private void After(TimeSpan time)
    {
        _clock.Advance(time);
        _log.Look();
    }

    // It looks when the test does.
    private sealed class Clock : TimeProvider
    {
        private long _ticks = TimeSpan.TicksPerDay;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public void Advance(TimeSpan by) => _ticks += by.Ticks;
    }
}
