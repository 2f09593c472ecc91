using System.Net;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Tests.Browser;

namespace AgentIdentity.Server.Tests.Pages;

public sealed class ConsolePagesTests : IAsyncLifetime
{
    private static readonly HttpClient Client = new(new SocketsHttpHandler { UseProxy = false });

    private TestRegistry _registry = null!;

    public static TheoryData<string, string> Files => new() { { "/", "text/html" }, { "/console.js", "text/javascript" }, { "/console.css", "text/css" } };

    public async Task InitializeAsync() => _registry = await TestRegistry.StartUnfoundedAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Each_file_may_run_its_own_scripts_and_nothing_else(string path, string type)
    {
        using var answer = await AskAsync(path, "localhost:5003");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal((type, "utf-8"), (answer.Content.Headers.ContentType!.MediaType, answer.Content.Headers.ContentType.CharSet));
        var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy")).Split("; ");
        Assert.Equal("default-src 'none'", policy[0]);
        Assert.Contains("script-src 'self'", policy);
        Assert.Contains("frame-ancestors 'none'", policy);
        Assert.DoesNotContain(policy, line => line.Contains("unsafe", StringComparison.Ordinal) || line.Contains('*', StringComparison.Ordinal));
        Assert.Equal("same-origin", Assert.Single(answer.Headers.GetValues("Cross-Origin-Resource-Policy")));
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.False(answer.Headers.Contains("Set-Cookie"));
    }

    [SkippableFact]
    public async Task A_name_without_a_place_to_break_stays_within_the_page_on_a_narrow_screen()
    {
        Skip.IfNot(Chromium.IsInstalled, Chromium.HowToInstall);
        await using var browser = await Chromium.StartAsync();
        var page = await browser.OpenAsync($"http://localhost:{_registry.Host.Bound.Console.Port}/");

        var isWider = await page.EvaluateAsync("""
            document.body.style.width = '400px';
            document.querySelectorAll('[hidden]').forEach(part => { part.hidden = false; });
            document.getElementById('about-lines').append(document.createElement('li'));
            [...document.querySelectorAll('b, p, dd, li')].filter(part => part.children.length === 0).forEach(part => { part.textContent = 'x'.repeat(200); });
            [...document.querySelectorAll('header, section')].some(part => part.scrollWidth > part.clientWidth)
            """);

        Assert.False(isWider.GetProperty("value").GetBoolean());
    }

    [Fact]
    public async Task The_page_names_the_registry_and_holds_no_script_or_style_of_its_own()
    {
        using var answer = await AskAsync("/", "LOCALHOST:1");
        var page = await answer.Content.ReadAsStringAsync();
        Assert.Contains($"<meta name=\"registry\" content=\"{_registry.PublicUrl}\">", page, StringComparison.Ordinal);
        Assert.DoesNotContain("{{", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<style", page, StringComparison.Ordinal);
        Assert.Single(page.Split("<script")[1..], script => script.StartsWith(" type=\"module\" src=\"/console.js\"></script>", StringComparison.Ordinal));
        Assert.DoesNotContain("://", page.Replace(_registry.PublicUrl, "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1:5003")]
    [InlineData("[::1]:5003")]
    [InlineData("attacker.example")]
    [InlineData("localhost.attacker.example")]
    public async Task Under_another_name_it_says_under_which_it_answers(string host)
    {
        foreach (var path in new[] { "/", "/console.js" })
        {
            using var answer = await AskAsync(path, host);
            Assert.Equal(HttpStatusCode.MisdirectedRequest, answer.StatusCode);
            Assert.Contains($"http://localhost:{new Uri(_registry.ConsoleUrl).Port}/", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task It_takes_nothing_and_is_on_no_other_listener()
    {
        using var posted = await Client.PostAsync(new Uri(_registry.ConsoleUrl + "/"), new StringContent("{}"));
        Assert.Equal(HttpStatusCode.NotFound, posted.StatusCode);
        using var elsewhere = await Client.GetAsync(new Uri(_registry.HttpUrl + "/console.js"));
        Assert.Equal(HttpStatusCode.NotFound, elsewhere.StatusCode);
        using var metrics = await Client.GetAsync(new Uri(_registry.ConsoleUrl + "/metrics"));
        Assert.Equal(HttpStatusCode.OK, metrics.StatusCode);
    }

    private async Task<HttpResponseMessage> AskAsync(string path, string host)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_registry.ConsoleUrl + path));
        request.Headers.Host = host;
        return await Client.SendAsync(request);
    }
}
