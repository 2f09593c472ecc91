using AgentIdentity.Server.Grpc.Deadlines;

namespace AgentIdentity.Server.Tests.Grpc.Deadlines;

public sealed class GrpcTimeoutTests
{
    [Theory]
    [InlineData("1H", 36_000_000_000)]
    [InlineData("2M", 1_200_000_000)]
    [InlineData("3S", 30_000_000)]
    [InlineData("004m", 40_000)]
    [InlineData("300u", 3_000)]
    [InlineData("99999999n", 999_999)]
    [InlineData("0S", 0)]
    public void A_number_and_a_unit_are_read(string header, long ticks)
    {
        Assert.True(GrpcTimeout.TryParse(header, out var timeout));
        Assert.Equal(ticks, timeout.Ticks);
    }

    [Fact]
    public void The_longest_is_cut_to_what_can_be_counted()
    {
        Assert.True(GrpcTimeout.TryParse("99999999H", out var timeout));
        Assert.Equal(TimeSpan.FromDays(36_500), timeout);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("S")]
    [InlineData("5")]
    [InlineData("5s")]
    [InlineData("-5S")]
    [InlineData("+5S")]
    [InlineData(" 5S")]
    [InlineData("5 S")]
    [InlineData("5.0S")]
    [InlineData("5S ")]
    [InlineData("٣S")]
    [InlineData("123456789S")]
    public void Anything_else_is_not_a_timeout(string? header) => Assert.False(GrpcTimeout.TryParse(header, out _));

    [Theory]
    [InlineData(1, "1S")]
    [InlineData(10_000_000, "1S")]
    [InlineData(10_000_001, "2S")]
    [InlineData(long.MaxValue, "99999999S")]
    public void A_header_is_written_that_says_at_least_as_much(long ticks, string header) => Assert.Equal(header, GrpcTimeout.AtLeast(new TimeSpan(ticks)));
}
