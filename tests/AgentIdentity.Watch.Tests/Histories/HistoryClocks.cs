using AgentIdentity.Client.Enforcing;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Watch.Tests.Histories;

/// <summary>The wall clock of one machine, which is moved; it goes as the true time does.</summary>
internal sealed class MovedClock(ManualClock time) : TimeProvider
{
    private readonly DateTimeOffset _start = time.GetUtcNow().AddTicks(-time.GetTimestamp());
    private long _offset;

    public override long TimestampFrequency => time.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => _start.AddTicks(time.GetTimestamp() + Volatile.Read(ref _offset));

    public override long GetTimestamp() => time.GetTimestamp();

    /// <summary>How far it is off from now on.</summary>
    public void Move(TimeSpan offset) => Volatile.Write(ref _offset, offset.Ticks);
}

/// <summary>What leases run on: the true time, or for a sabotaged enforcer the moment at which it began.</summary>
internal sealed class HistoryBootClock(ManualClock time, bool standsStill) : BootClock
{
    private readonly long _start = time.GetTimestamp();

    public override long Milliseconds => 1_000_000 + ((standsStill ? _start : time.GetTimestamp()) / TimeSpan.TicksPerMillisecond);
}
