using AgentIdentity.Credentials.Identifiers;

namespace AgentIdentity.Credentials.Tests.Identifiers;

public sealed class LogOriginTests
{
    [Theory]
    [InlineData(1, "localhost:5000")]
    [InlineData(2, "localhost:5000/2")]
    [InlineData(11, "localhost:5000/11")]
    public void Successors_are_numbered_from_2(int number, string origin) => Assert.Equal(origin, LogOrigin.Of("localhost:5000", number));

    [Theory]
    [InlineData("a.example", "a.example", true)]
    [InlineData("a.example", "a.example/2", true)]
    [InlineData("a.example/2", "a.example/10", true)]
    [InlineData("a.example/2", "a.example", false)]
    [InlineData("a.example/3", "a.example/2", false)]
    [InlineData("a.example", "b.example/2", false)]
    [InlineData("a.example/1", "a.example/2", false)]
    [InlineData("a.example/02", "a.example/3", false)]
    [InlineData("a.example/", "a.example/3", false)]
    [InlineData("a.example/2/3", "a.example/3", false)]
    [InlineData("a.example/+2", "a.example/3", false)]
    public void A_log_comes_before_its_successors_and_no_other_spelling_does(string earlier, string later, bool expected) =>
        Assert.Equal(expected, LogOrigin.IsAtOrBefore(earlier, later));

    [Theory]
    [InlineData("a.example", "a.example/2", true)]
    [InlineData("a.example/2", "a.example/3", true)]
    [InlineData("a.example", "a.example", false)]
    [InlineData("a.example", "a.example/3", false)]
    [InlineData("a.example/2", "a.example", false)]
    [InlineData("a.example", "b.example/2", false)]
    [InlineData("a.example/02", "a.example/3", false)]
    public void The_next_log_has_the_next_number(string earlier, string later, bool expected) => Assert.Equal(expected, LogOrigin.IsNext(earlier, later));
}
