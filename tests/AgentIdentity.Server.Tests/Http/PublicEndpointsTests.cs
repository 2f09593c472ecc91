using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using Fetch = AgentIdentity.Server.Tests.Fixtures.Http;

namespace AgentIdentity.Server.Tests.Http;

public sealed class PublicEndpointsTests : IAsyncLifetime
{
    private TestRegistry _registry = null!;

    public async Task InitializeAsync() => _registry = await TestRegistry.StartAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task The_registry_names_the_keys_that_its_credentials_are_signed_with_old_ones_included()
    {
        var rotated = await _registry.AsOperator.Admin.RotateIssuerKeyAsync(new RotateIssuerKeyRequest());
        using var document = JsonDocument.Parse(await _registry.GetAsync("/.well-known/did.json"));
        var methods = document.RootElement.GetProperty("assertionMethod").EnumerateArray().Select(id => id.GetString()!).ToList();
        Assert.Equal("did:web:localhost%3A5000", document.RootElement.GetProperty("id").GetString());
        Assert.Equal(new List<string> { $"did:web:localhost%3A5000#{rotated.RetiredKeyId}", $"did:web:localhost%3A5000#{rotated.KeyId}" }, methods);
        using var keys = JsonDocument.Parse(await _registry.GetAsync("/.well-known/jwks.json"));
        Assert.Equal(methods, keys.RootElement.GetProperty("keys").EnumerateArray().Select(key => key.GetProperty("kid").GetString()!).ToList());
    }

    [Fact]
    public async Task A_stopped_agents_document_still_resolves_and_a_revoked_ones_names_no_key()
    {
        var agent = await _registry.EnrolAsync();
        var path = $"/agents/{agent.Enrolled.AgentId}/did.json";
        Assert.Equal(agent.Enrolled.DidDocument, await _registry.GetAsync(path));
        await _registry.StopAgentAsync(agent.Did);
        Assert.Equal(agent.Enrolled.DidDocument, await _registry.GetAsync(path));
        await _registry.StopAgentAsync(agent.Did, AgentState.Revoked);
        Assert.Contains("\"authentication\":[]", await _registry.GetAsync(path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/status/0", "application/statuslist+jwt")]
    [InlineData("/status/2", "application/statuslist+jwt")]
    [InlineData("/status/0/bitstring", "application/vc+jwt")]
    public async Task A_status_list_may_be_kept_for_its_time_to_live(string path, string type)
    {
        using var response = await Fetch.RespondAsync(_registry.HttpUrl + path);
        Assert.Equal((HttpStatusCode.OK, type), (response.StatusCode, response.Content.Headers.ContentType!.ToString()));
        Assert.Equal((true, TimeSpan.FromSeconds(45)), (response.Headers.CacheControl!.Public, response.Headers.CacheControl.MaxAge));
        Assert.Equal(3, (await response.Content.ReadAsStringAsync()).Split('.').Length);
    }

    [Theory]
    [InlineData("/status/0")]
    [InlineData("/status/0/bitstring")]
    public async Task Who_asks_for_a_status_list_of_another_time_is_not_given_that_of_now(string path)
    {
        using var response = await Fetch.RespondAsync($"{_registry.HttpUrl}{path}?time=1686925000");
        Assert.Equal((HttpStatusCode.NotImplemented, null), (response.StatusCode, response.Headers.CacheControl));
    }

    [Theory]
    [InlineData("/status/3")]
    [InlineData("/status/00")]
    [InlineData("/status/+0")]
    [InlineData("/status/-1")]
    [InlineData("/status/0x0")]
    [InlineData("/status/18446744073709551616")]
    [InlineData("/status/3/bitstring")]
    public async Task No_other_status_list_is_there(string path)
    {
        using var response = await Fetch.RespondAsync(_registry.HttpUrl + path);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("no such status list\n", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("/agents/0192f0c1-7a00-7def-8123-456789abcdef/did.json")]
    [InlineData("/agents/0192F0C1-7A00-7DEF-8123-456789ABCDEF/did.json")]
    [InlineData("/agents/../did.json")]
    [InlineData("/metrics")]
    [InlineData("/")]
    public async Task What_is_not_on_the_http_listener_is_not_found(string path)
    {
        using var response = await Fetch.RespondAsync(_registry.HttpUrl + path);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Theory]
    [InlineData("/.well-known/did.json")]
    [InlineData("/health/live")]
    [InlineData("/checkpoint")]
    public async Task What_is_on_the_http_listener_is_not_on_the_console(string path)
    {
        using var response = await Fetch.RespondAsync(_registry.ConsoleUrl + path);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task What_names_keys_is_asked_for_anew_each_time_and_is_sent_only_when_it_has_changed()
    {
        var agent = await _registry.EnrolAsync();
        var paths = new[] { "/.well-known/jwks.json", "/.well-known/did.json", "/.well-known/did.jsonl", $"/agents/{agent.Enrolled.AgentId}/did.json", $"/agents/{agent.Enrolled.AgentId}/did.jsonl" };
        var tags = new Dictionary<string, EntityTagHeaderValue>();
        foreach (var path in paths)
        {
            using var first = await Fetch.RespondAsync(_registry.HttpUrl + path);
            Assert.Equal((path, true, false), (path, first.Headers.CacheControl?.NoCache, first.Headers.ETag?.IsWeak));
            tags[path] = first.Headers.ETag!;
            Assert.Equal((path, HttpStatusCode.NotModified), (path, await AgainAsync(path)));
        }

        await _registry.AsOperator.Admin.RotateIssuerKeyAsync(new RotateIssuerKeyRequest());
        await _registry.StopAgentAsync(agent.Did, AgentState.Revoked);

        foreach (var path in paths.Where(path => path.EndsWith(".json", StringComparison.Ordinal)))
            Assert.Equal((path, HttpStatusCode.OK), (path, await AgainAsync(path)));
        using var unknown = await Fetch.RespondAsync(_registry.HttpUrl + "/agents/0192f0c1-7a00-7def-8123-456789abcdef/did.json");
        Assert.Equal((HttpStatusCode.NotFound, true), (unknown.StatusCode, unknown.Headers.CacheControl?.NoCache));
        using var resolved = await Fetch.RespondAsync($"{_registry.HttpUrl}/1.0/identifiers/{agent.Did}");
        Assert.Equal((HttpStatusCode.Gone, true), (resolved.StatusCode, resolved.Headers.CacheControl?.NoCache));

        async Task<HttpStatusCode> AgainAsync(string path)
        {
            using var client = new HttpClient { DefaultRequestHeaders = { IfNoneMatch = { tags[path] } } };
            using var response = await client.GetAsync(new Uri(_registry.HttpUrl + path));
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task The_checkpoint_is_text_that_may_be_kept_for_a_second()
    {
        var agent = await _registry.EnrolAsync();
        using var runtime = agent.Connect();
        var statement = agent.NextStatement();
        statement.WaitFor = AckLevel.Integrated;
        await runtime.Ledger.RecordAsync(statement);
        using var response = await Fetch.RespondAsync(_registry.HttpUrl + "/checkpoint");
        Assert.Equal("text/plain; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(TimeSpan.FromSeconds(1), response.Headers.CacheControl!.MaxAge);
        Assert.StartsWith("localhost:5000\n", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Before_the_genesis_entry_there_is_nothing_to_publish_and_the_registry_is_not_ready()
    {
        await using var unfounded = await TestRegistry.StartUnfoundedAsync();
        foreach (var path in new[] { "/checkpoint", "/log-key", "/.well-known/did.json", "/.well-known/jwks.json", "/witness/key" })
        {
            using var response = await Fetch.RespondAsync(unfounded.HttpUrl + path);
            Assert.Equal((path, HttpStatusCode.NotFound), (path, response.StatusCode));
        }
        using var ready = await Fetch.RespondAsync(unfounded.HttpUrl + "/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Equal("live\n", await unfounded.GetAsync("/health/live"));
        Assert.Equal("ready\n", await _registry.GetAsync("/health/ready"));
    }

    [Fact]
    public async Task The_metrics_count_calls_and_refusals_by_method()
    {
        var agent = await _registry.EnrolAsync();
        using var runtime = agent.Connect();
        await Assert.ThrowsAnyAsync<Exception>(() => runtime.Registry.GetAgentAsync(new GetAgentRequest { Agent = "x" }).ResponseAsync);
        using var response = await Fetch.RespondAsync(_registry.ConsoleUrl + "/metrics");
        var text = await response.Content.ReadAsStringAsync();
        Assert.Contains("agentidentity_refusals_total{method=\"/agentidentity.v1.Registry/GetAgent\",reason=\"MESSAGE_MALFORMED\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("agentidentity_call_duration_seconds_count{method=\"/agentidentity.v1.Registry/Enroll\",status=\"OK\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("agentidentity_agents 1\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain(agent.Did, text, StringComparison.Ordinal);
    }
}
