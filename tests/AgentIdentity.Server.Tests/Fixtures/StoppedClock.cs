namespace AgentIdentity.Server.Tests.Fixtures;

/// <summary>A clock that goes on when it is told to.</summary>
public sealed class StoppedClock : TimeProvider
{
    private long _ticks = TimeSpan.FromDays(1).Ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _ticks;

    public void Advance(TimeSpan by) => _ticks += by.Ticks;
}
