using AgentIdentity.Credentials.Envelopes;

namespace AgentIdentity.Credentials.Tests.Envelopes;

public sealed class AudiencesTests
{
    [Fact]
    public void One_to_sixteen_distinct_audiences_are_a_list()
    {
        string[] sixteen = [.. Enumerable.Range(0, 16).Select(number => $"https://tool{number}.example")];
        Assert.True(Audiences.AreValid(sixteen));
        Assert.True(Audiences.AreValid([sixteen[0]]));
        Assert.False(Audiences.AreValid([]));
        Assert.False(Audiences.AreValid([.. sixteen, "https://tool16.example"]));
        Assert.False(Audiences.AreValid(["a", "b", "a"]));
        Assert.True(Audiences.AreValid(["a", "A"]));
    }

    [Theory]
    [InlineData("https://tool.example", true)]
    [InlineData("!", true)]
    [InlineData("~", true)]
    [InlineData("", false)]
    [InlineData(" ", false)]
    [InlineData("a b", false)]
    [InlineData("a\n", false)]
    [InlineData("a\0", false)]
    [InlineData("\u007f", false)]
    [InlineData("tööl", false)]
    public void An_audience_is_visible_ASCII(string audience, bool isValid) => Assert.Equal(isValid, Audiences.IsValid(audience));

    [Fact]
    public void An_audience_has_at_most_256_characters()
    {
        Assert.True(Audiences.IsValid(new string('a', 256)));
        Assert.False(Audiences.IsValid(new string('a', 257)));
    }

    [Fact]
    public void Audiences_are_compared_exactly()
    {
        Assert.True(Audiences.AreWithin(["a"], ["b", "a"]));
        Assert.False(Audiences.AreWithin(["a", "c"], ["b", "a"]));
        Assert.False(Audiences.AreWithin(["A"], ["a"]));
        Assert.False(Audiences.AreWithin(["a/"], ["a"]));
    }
}
