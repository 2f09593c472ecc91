using System.Net;
using System.Text.Json;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using AgentState = AgentIdentity.Protocol.V1.AgentState;

namespace AgentIdentity.Server.Tests.Http;

public sealed class DidEndpointsTests : IAsyncLifetime
{
    private const string Result = "application/did-resolution";

    private static readonly HttpClient Client = new();

    private TestRegistry _registry = null!;

    public async Task InitializeAsync() => _registry = await TestRegistry.StartAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task Both_names_of_an_agent_and_of_the_registry_lead_to_documents_that_name_the_other()
    {
        var agent = await _registry.EnrolAsync();
        foreach (var (did, path) in new[] { (agent.Did, $"/agents/{agent.Enrolled.AgentId}"), (_registry.Host.Registry.Settings.Name.Did, "/.well-known") })
        {
            var log = await _registry.GetAsync($"{path}/did.jsonl");
            var webvh = WebvhLog.DidOf(log.Split('\n')[0]);
            Assert.EndsWith(did["did:web:".Length..], webvh, StringComparison.Ordinal);
            using var web = JsonDocument.Parse(await _registry.GetAsync($"{path}/did.json"));
            Assert.Equal(webvh, web.RootElement.GetProperty("alsoKnownAs")[0].GetString());
            Assert.Equal(await _registry.GetAsync($"{path}/did.json"), (await ResolveAsync(did, "application/did+json")).Body);
            using var resolved = JsonDocument.Parse((await ResolveAsync(webvh)).Body);
            Assert.Equal(did, resolved.RootElement.GetProperty("didDocument").GetProperty("alsoKnownAs")[0].GetString());
            Assert.StartsWith("1-", resolved.RootElement.GetProperty("didDocumentMetadata").GetProperty("versionId").GetString(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(null, HttpStatusCode.OK, Result)]
    [InlineData("*/*", HttpStatusCode.OK, Result)]
    [InlineData("application/did", HttpStatusCode.OK, "application/did")]
    [InlineData("application/did+json", HttpStatusCode.OK, "application/did+json")]
    [InlineData("application/did+ld+json", HttpStatusCode.OK, "application/did+ld+json")]
    [InlineData("text/html, application/did+json;q=0.5, application/did-resolution;q=0.9", HttpStatusCode.OK, Result)]
    [InlineData("application/json", HttpStatusCode.OK, "application/json")]
    [InlineData("text/html", HttpStatusCode.NotAcceptable, Result)]
    [InlineData("application/did+json;q=0", HttpStatusCode.NotAcceptable, Result)]
    [InlineData("application/did-resolution;q=0, */*;q=0.1", HttpStatusCode.OK, "application/json")]
    [InlineData("*/*;q=0.8, application/did-resolution;q=0.2, application/json;q=0", HttpStatusCode.OK, "application/did")]
    [InlineData("*/*, application/did", HttpStatusCode.OK, "application/did")]
    [InlineData("application/*, application/did;q=0.5", HttpStatusCode.OK, Result)]
    [InlineData("*/*;q=0", HttpStatusCode.NotAcceptable, Result)]
    [InlineData("application/did-resolution;q=0", HttpStatusCode.NotAcceptable, Result)]
    [InlineData("application/json;q=0, application/did+json", HttpStatusCode.OK, "application/did+json")]
    [InlineData("application/json;q=0.5, application/did+ld+json", HttpStatusCode.OK, "application/did+ld+json")]
    [InlineData("no media type", HttpStatusCode.NotAcceptable, Result)]
    public async Task What_is_answered_is_what_was_asked_for(string? accept, HttpStatusCode status, string type)
    {
        var (actual, body, actualType) = await ResolveAsync(_registry.Host.Registry.Settings.Name.Did, accept);
        Assert.Equal((status, type), (actual, actualType));
        Assert.Equal(type is Result or "application/json", body.Contains("\"didDocumentMetadata\"", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("did:web:localhost%3A5000:agents:0192f0c1-7a00-7def-8123-456789abcdef", HttpStatusCode.NotFound, "NOT_FOUND")]
    [InlineData("did:web:localhost%3A5000:agents:..", HttpStatusCode.NotFound, "NOT_FOUND")]
    [InlineData("did:web:other.example", HttpStatusCode.NotFound, "NOT_FOUND")]
    [InlineData("did:webvh:QmXrEwqsv8iSqN2WKqLWz6GgMTLR3mQD2yAWD3VbLmFef7:localhost%3A5000", HttpStatusCode.NotFound, "NOT_FOUND")]
    [InlineData("did:webvh:QmXrEwqsv8iSqN2WKqLWz6GgMTLR3mQD2yAWD3VbLmFef7:localhost%3A5000:%2E%2E", HttpStatusCode.BadRequest, "INVALID_DID")]
    [InlineData("did:web:localhost%3A5000:%0", HttpStatusCode.BadRequest, "INVALID_DID")]
    [InlineData("did:web:loc%D0%B0lhost%3A5000", HttpStatusCode.NotFound, "NOT_FOUND")]
    [InlineData("did:key:zNothing", HttpStatusCode.BadRequest, "INVALID_DID")]
    [InlineData("did:WEB:localhost", HttpStatusCode.BadRequest, "INVALID_DID")]
    [InlineData("did:web:", HttpStatusCode.BadRequest, "INVALID_DID")]
    [InlineData("nothing", HttpStatusCode.BadRequest, "INVALID_DID")]
    [InlineData("did:example:123", HttpStatusCode.NotImplemented, "METHOD_NOT_SUPPORTED")]
    [InlineData("did:web:localhost%3A5000?versionTime=yesterday", HttpStatusCode.BadRequest, "INVALID_OPTIONS")]
    public async Task What_is_no_DID_or_not_of_here_says_so(string did, HttpStatusCode status, string error)
    {
        var (actual, body, type) = await ResolveAsync(did);
        Assert.Equal((status, Result), (actual, type));
        AssertFailed(error, body);
    }

    [Fact]
    public async Task A_representation_that_is_not_offered_is_refused_with_a_result_that_says_so()
    {
        var (status, body, type) = await ResolveAsync(_registry.Host.Registry.Settings.Name.Did, "application/did+cbor");
        Assert.Equal((HttpStatusCode.NotAcceptable, Result), (status, type));
        AssertFailed("REPRESENTATION_NOT_SUPPORTED", body);
    }

    [Fact]
    public async Task A_DID_that_was_escaped_for_the_path_is_the_same_DID_whether_or_not_its_colons_were()
    {
        var name = _registry.Host.Registry.Settings.Name.Did;
        var plain = await ResolveAsync(name);
        Assert.Equal(HttpStatusCode.OK, plain.Status);
        Assert.Equal(plain, await ResolveAsync(Uri.EscapeDataString(name)));
        Assert.Equal(plain, await ResolveAsync(name.Replace("%", "%25", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_key_resolves_to_itself()
    {
        var agent = await _registry.EnrolAsync();
        using var resolved = JsonDocument.Parse((await ResolveAsync(Multikey.Did(agent.Key.PublicKey))).Body);
        var method = resolved.RootElement.GetProperty("didDocument").GetProperty("verificationMethod")[0];
        Assert.Equal(Multikey.Of(agent.Key.PublicKey), method.GetProperty("publicKeyMultibase").GetString());
        Assert.Equal(Multikey.Method(agent.Key.PublicKey), method.GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_revoked_agent_is_gone_under_both_names_at_once_and_its_first_version_is_still_to_be_had()
    {
        var agent = await _registry.EnrolAsync();
        var webvh = await WebvhAsync(agent);
        await _registry.StopAgentAsync(agent.Did, AgentState.Revoked);
        foreach (var did in new[] { agent.Did, webvh })
        {
            var (status, body, _) = await ResolveAsync(did, "application/did+json");
            Assert.Equal(HttpStatusCode.Gone, status);
            Assert.Contains("\"deactivated\":true", body, StringComparison.Ordinal);
        }
        var first = await ResolveAsync(webvh + "?versionNumber=1");
        Assert.Equal(HttpStatusCode.Gone, first.Status);
        Assert.Contains(agent.Key.PublicKey.KeyId.ToString(), first.Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await ResolveAsync(webvh + "?versionNumber=9")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await ResolveAsync(webvh + "?versionTime=2001-01-01T00:00:00Z")).Status);
    }

    // W3C DID Resolution: the error is an object, and its type a URL.
    private static void AssertFailed(string error, string body)
    {
        using var result = JsonDocument.Parse(body);
        Assert.Equal("https://www.w3.org/ns/did#" + error, result.RootElement.GetProperty("didResolutionMetadata").GetProperty("error").GetProperty("type").GetString());
        Assert.Equal(JsonValueKind.Null, result.RootElement.GetProperty("didDocument").ValueKind);
        Assert.Empty(result.RootElement.GetProperty("didDocumentMetadata").EnumerateObject());
    }

    [Theory]
    [InlineData("webvh", "versionTime=garbage", HttpStatusCode.BadRequest)]
    [InlineData("webvh", "versionNumber=first", HttpStatusCode.BadRequest)]
    [InlineData("webvh", "versionNumber=1", HttpStatusCode.OK)]
    [InlineData("web", "versionNumber=1", HttpStatusCode.NotImplemented)]
    [InlineData("web", "versionTime=2026-01-31T12:00:00Z", HttpStatusCode.NotImplemented)]
    public async Task A_version_that_cannot_be_meant_is_refused_and_not_left_aside(string method, string query, HttpStatusCode status)
    {
        var agent = await _registry.EnrolAsync();
        Assert.Equal(status, (await ResolveAsync($"{(method == "web" ? agent.Did : await WebvhAsync(agent))}?{query}")).Status);
    }

    [Theory]
    [InlineData("/.well-known/did.json")]
    [InlineData("/.well-known/did.jsonl")]
    [InlineData("/.well-known/jwks.json")]
    [InlineData("/status/0")]
    public async Task What_can_be_read_can_be_asked_for_with_HEAD(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, _registry.HttpUrl + path);
        using var response = await Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("/.well-known/did.json")]
    [InlineData("/1.0/identifiers/did:web:nowhere.example")]
    [InlineData("/.well-known/jwks.json")]
    [InlineData("/status/0")]
    [InlineData("/status/99")]
    [InlineData("/checkpoint")]
    [InlineData("/log-key")]
    public async Task A_page_from_elsewhere_may_read_whatever_is_public(string path)
    {
        using var response = await Client.GetAsync(_registry.HttpUrl + path);
        Assert.Equal("*", Assert.Single(response.Headers.GetValues("Access-Control-Allow-Origin")));
    }

    [Fact]
    public async Task Over_gRPC_an_agent_is_found_under_each_of_its_DIDs_and_not_under_one_with_the_SCID_of_another_log()
    {
        var (agent, other) = (await _registry.EnrolAsync(), await _registry.EnrolAsync());
        var (webvh, othersScid) = (await WebvhAsync(agent), (await WebvhAsync(other)).Split(':')[2]);
        Assert.Equal((await ResolveAsync(webvh, "application/did+json")).Body, await DocumentAsync(webvh));
        var key = Multikey.Did(agent.Key.PublicKey);
        Assert.Equal((await ResolveAsync(key, "application/did+json")).Body, await DocumentAsync(key));

        var stopped = await _registry.StopAgentAsync(webvh);
        Assert.Equal(1u, stopped.AgentsReached);
        Assert.Equal(AgentState.Frozen, (await _registry.AsOperator.Registry.GetAgentAsync(new GetAgentRequest { Agent = agent.Did })).Agent.State);

        var mixed = webvh.Replace(webvh.Split(':')[2], othersScid, StringComparison.Ordinal);
        Assert.Equal(Refusal.ScidMismatch, (await Assert.ThrowsAsync<RegistryRefusedException>(() => _registry.StopAgentAsync(mixed))).Refusal);
        Assert.Equal(Refusal.ScidMismatch, (await Assert.ThrowsAsync<RegistryRefusedException>(() => DocumentAsync(mixed))).Refusal);
    }

    [Fact]
    public async Task Over_gRPC_a_revoked_agents_log_names_no_key_of_its()
    {
        var agent = await _registry.EnrolAsync();
        var webvh = await WebvhAsync(agent);
        await _registry.StopAgentAsync(webvh, AgentState.Revoked);
        Assert.DoesNotContain(agent.Key.PublicKey.KeyId.ToString(), await DocumentAsync(webvh), StringComparison.Ordinal);
    }

    private async Task<string> DocumentAsync(string did) => (await _registry.AsOperator.Registry.ResolveDidAsync(new ResolveDidRequest { Did = did })).DidDocument;

    private async Task<string> WebvhAsync(TestAgent agent) => WebvhLog.DidOf((await _registry.GetAsync($"/agents/{agent.Enrolled.AgentId}/did.jsonl")).Split('\n')[0]);

    private async Task<(HttpStatusCode Status, string Body, string? Type)> ResolveAsync(string did, string? accept = null)
    {
        // As it stands: the class Uri would take dots away.
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{_registry.HttpUrl}/1.0/identifiers/{did}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await Client.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(), response.Content.Headers.ContentType?.MediaType);
    }
}
