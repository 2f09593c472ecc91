using AgentIdentity.Credentials.Json;

namespace AgentIdentity.Credentials.Tests.Json;

public sealed class Rfc3339Tests
{
    [Theory]
    [InlineData("2024-02-29T23:59:59Z", "2024-02-29T23:59:59.0000000Z")]
    [InlineData("2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00.5000000Z")]
    [InlineData("2024-01-01T00:00:00.1234567+14:00", "2023-12-31T10:00:00.1234567Z")]
    [InlineData("2024-01-01T00:00:00-00:00", "2024-01-01T00:00:00.0000000Z")]
    public void A_time_with_its_zone_is_read(string text, string utc)
    {
        Assert.True(Rfc3339.TryParse(text, out var at));
        Assert.Equal(utc, at.UtcDateTime.ToString("o"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Z")]
    [InlineData("2024-01-01T00:00:00")]
    [InlineData("2024-01-01T00:00:00+0100")]
    [InlineData("2023-02-29T00:00:00Z")]
    [InlineData("2024-01-01T24:00:00Z")]
    [InlineData("2024-01-01T00:00:00.Z")]
    [InlineData("2024-01-01T00:00:00.+01:00")]
    [InlineData("2024-01-01T00:00:00.-00:00")]
    [InlineData("2024-01-01T00:00:00.12345678Z")]
    [InlineData("2024-01-01T00:00:00,5Z")]
    [InlineData(" 2024-01-01T00:00:00Z")]
    public void What_is_no_time_with_a_zone_is_refused(string text) => Assert.False(Rfc3339.TryParse(text, out _));
}
