using AgentIdentity.Server.Gateways;

namespace AgentIdentity.Server.Tests.Gateways;

public sealed class RequestUrlTests
{
    [Theory]
    [InlineData("https://tools.example", "/notes/1", "https://tools.example/notes/1")]
    [InlineData("HTTPS://Tools.Example:443", "/notes/1?x=1", "https://tools.example/notes/1")]
    [InlineData("http://tools.example:80", "/?a=/../b", "http://tools.example/")]
    [InlineData("https://tools.example:8443", "/n%C3%BCr/%E2%82%AC", "https://tools.example:8443/n%C3%BCr/%E2%82%AC")]
    [InlineData("http://[::1]:8080", "/notes/", "http://[::1]:8080/notes/")]
    [InlineData("https://tools.example", "/a.b/..c/d..;v=1/%20", "https://tools.example/a.b/..c/d..;v=1/%20")]
    public void It_is_written_as_a_proof_names_it(string origin, string target, string expected)
    {
        Assert.True(RequestUrl.TryRead(origin, target, out var url));
        Assert.Equal((expected, true), (url.Text, url.IsPlain));
    }

    [Theory]
    [InlineData("/notes/../admin")]
    [InlineData("/notes/..")]
    [InlineData("/./notes")]
    [InlineData("/notes//1")]
    [InlineData("//notes")]
    [InlineData("/notes/..;/admin")]
    [InlineData("/notes/.;x=1/admin")]
    [InlineData("/notes/%2e%2e/admin")]
    [InlineData("/notes/%2E%2E/admin")]
    [InlineData("/notes%2Fadmin")]
    [InlineData("/notes%5Cadmin")]
    [InlineData("/notes%3B/admin")]
    [InlineData("/notes\\admin")]
    [InlineData("/notes/%252e%252e/admin")]
    [InlineData("/notes/%c3%bc")]
    [InlineData("/n%6Ftes")]
    [InlineData("/notes/%00")]
    [InlineData("/notes/%0A")]
    [InlineData("/notes/%C0%AFadmin")]
    [InlineData("/notes/%FF")]
    [InlineData("/notes/%2")]
    [InlineData("/notes/%")]
    [InlineData("/notes/%GG")]
    [InlineData("/notes/ü")]
    [InlineData("/notes/a b")]
    public void A_path_that_servers_may_read_in_two_ways_is_not_plain(string target)
    {
        Assert.True(RequestUrl.TryRead("https://tools.example", target, out var url));
        Assert.False(url.IsPlain);
    }

    [Fact]
    public void What_is_longer_than_is_remembered_is_not_plain()
    {
        var longest = "/" + new string('a', 512 - "https://tools.example/".Length);
        Assert.True(RequestUrl.TryRead("https://tools.example", longest, out var url) && url.IsPlain);
        Assert.True(RequestUrl.TryRead("https://tools.example", longest + "a", out url) && !url.IsPlain);
    }

    [Theory]
    [InlineData("ftp://tools.example", "/")]
    [InlineData("tools.example", "/")]
    [InlineData("https://", "/")]
    [InlineData("https://tools.example, other.example", "/")]
    [InlineData("https://user@tools.example", "/")]
    [InlineData("https://tools.example/notes", "/")]
    [InlineData("https://tools.example", "*")]
    [InlineData("https://tools.example", "notes")]
    [InlineData("https://tools.example", "")]
    public void What_is_no_request_is_no_URL(string origin, string target) => Assert.False(RequestUrl.TryRead(origin, target, out _));
}
