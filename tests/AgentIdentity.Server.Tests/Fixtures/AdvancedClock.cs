namespace AgentIdentity.Server.Tests.Fixtures;

/// <summary>The system's clock, ahead by as much as it is told. Timers run as ever.</summary>
public sealed class AdvancedClock : TimeProvider
{
    public TimeSpan Ahead { get; set; }

    public override long GetTimestamp() => System.GetTimestamp() + (long)(Ahead.TotalSeconds * TimestampFrequency);

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Ahead;
}
