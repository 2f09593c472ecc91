using AgentIdentity.Registry.Attesting;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Server.Options;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AgentIdentity.Server.Tests.Hosting;

public sealed class EvidenceSourcesTests
{
    private const string Jwks = """{"keys":[{"kty":"EC","crv":"P-256","x":"o3-nWxFYMt8iXeencsC34p-dKlhHp-fMLlrG4NHhndU","y":"oNmsPlJe5-A2ydxluD_pZHEql_WMwTqKWUc0OqG64WU"}]}""";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;

    [Fact]
    public async Task What_it_names_on_this_machine_counts_from_the_start_and_what_is_elsewhere_once_it_was_fetched()
    {
        await using var elsewhere = await ServeAsync();
        Write("issuer.jwks", Jwks);
        Write("bundle", """{"keys":[]}""");
        await using var sources = Open($$"""
            {"issuers":[{"issuer":"https://a.example","jwks":"issuer.jwks","labels":{"image.digest":"digest"} },{"issuer":"https://b.example","jwks":"{{elsewhere.Urls.Single()}}/jwks"},
            {"issuer":"https://c.example","jwks":"http://127.0.0.1:9/nobody"}],"trustDomains":[{"name":"example.org","bundle":"bundle"}]}
            """);
        Assert.NotSame(VerificationKeys.None, sources.Current.Issuer("https://a.example")!.Keys);
        Assert.Equal([new("image.digest", "digest")], sources.Current.Issuer("https://a.example")!.Labels);
        Assert.Equal("example.org", sources.Current.Bundles.Single().TrustDomain);
        using var patience = new CancellationTokenSource(Patience);
        while (ReferenceEquals(sources.Current.Issuer("https://b.example")!.Keys, VerificationKeys.None))
            await Task.Delay(TimeSpan.FromMilliseconds(20), patience.Token);
        Assert.Same(VerificationKeys.None, sources.Current.Issuer("https://c.example")!.Keys);
        Assert.Null(sources.Current.Issuer("https://d.example"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"issuers":[],"trustDomains":[],"more":1}""")]
    [InlineData("""{"issuers":[],"issuers":[],"trustDomains":[]}""")]
    [InlineData("""{"issuers":[{"issuer":"https://a.example"}],"trustDomains":[]}""")]
    [InlineData("""{"issuers":[{"issuer":"https://a.example","jwks":"missing"}],"trustDomains":[]}""")]
    [InlineData("""{"issuers":[{"issuer":"https://a.example","jwks":"a\u0000b"}],"trustDomains":[]}""")]
    [InlineData("""{"issuers":[{"issuer":"https://a.example","jwks":"settings.json"}],"trustDomains":[]}""")]
    [InlineData("""{"issuers":[{"issuer":"https://a.example","jwks":"http://keys.example/jwks"}],"trustDomains":[]}""")]
    [InlineData("""{"issuers":[{"issuer":"https://a.example","jwks":"ftp://keys.example/jwks"}],"trustDomains":[]}""")]
    [InlineData("""{"issuers":[{"issuer":"https://a.example","jwks":"https://keys.example/jwks","labels":{"a=b":"c"}}],"trustDomains":[]}""")]
    [InlineData("""{"issuers":[],"trustDomains":[{"name":"Example.org","bundle":"bundle"}]}""")]
    [InlineData("""{"issuers":[null],"trustDomains":[]}""")]
    [InlineData("""{"issuers":[],"trustDomains":[null]}""")]
    [InlineData("""{"issuers":[{"issuer":"https://a.example","jwks":"https://keys.example/jwks","labels":{"a":null}}],"trustDomains":[]}""")]
    public void A_setting_that_cannot_be_used_as_a_whole_refuses_the_start(string settings)
    {
        Write("bundle", """{"keys":[]}""");
        var said = Assert.Throws<OptionsRefusedException>(() => Open(settings)).Message;
        Assert.Contains("--evidence", said, StringComparison.Ordinal);
        Assert.DoesNotContain(nameof(AgentIdentity), said, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_too_long_is_refused_behind_a_link_too()
    {
        File.CreateSymbolicLink(Path.Combine(_folder, "issuer.jwks"), Write("long", Jwks + new string(' ', 1 << 20)));
        var refused = Assert.Throws<OptionsRefusedException>(() => Open("""{"issuers":[{"issuer":"https://a.example","jwks":"issuer.jwks"}],"trustDomains":[]}"""));
        Assert.Contains("is longer than", refused.Message, StringComparison.Ordinal);
    }

    private EvidenceSources Open(string settings) => EvidenceSources.Open(Write("settings.json", settings), TimeProvider.System, _ => { });

    private string Write(string name, string content)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, content);
        return path;
    }

    private static async Task<WebApplication> ServeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.MapGet("/jwks", () => Results.Text(Jwks));
        await app.StartAsync();
        return app;
    }
}
