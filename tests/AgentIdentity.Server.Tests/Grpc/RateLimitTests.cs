using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Tests.Fixtures;

namespace AgentIdentity.Server.Tests.Grpc;

public sealed class RateLimitTests
{
    [Fact]
    public void A_second_of_calls_passes_at_once_and_the_next_when_its_time_has_come()
    {
        var clock = new StoppedClock();
        var limit = new RateLimit(10, clock);
        for (var i = 0; i < 10; i++)
            Assert.True(limit.TryTake(7, out _));
        Assert.False(limit.TryTake(7, out var wait));
        Assert.Equal(TimeSpan.FromMilliseconds(100), wait);

        clock.Advance(wait);
        Assert.True(limit.TryTake(7, out _));
        Assert.False(limit.TryTake(7, out _));
    }

    [Fact]
    public void One_caller_does_not_use_up_what_another_may()
    {
        var limit = new RateLimit(1, new StoppedClock());
        Assert.True(limit.TryTake(1, out _));
        Assert.False(limit.TryTake(1, out _));
        Assert.True(limit.TryTake(2, out _));
    }
}
