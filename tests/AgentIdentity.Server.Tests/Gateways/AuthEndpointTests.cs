using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;

namespace AgentIdentity.Server.Tests.Gateways;

public sealed class AuthEndpointTests : IAsyncLifetime
{
    private const string Origin = "https://gate.example";

    private GatewayWorld _world = null!;
    private HttpClient _gateway = null!;

    public async Task InitializeAsync()
    {
        _world = await GatewayWorld.StartAsync();
        _gateway = Gateway(_world.Key);
    }

    public async Task DisposeAsync()
    {
        _gateway.Dispose();
        await _world.DisposeAsync();
    }

    [Fact]
    public async Task An_agent_asks_for_a_nonce_and_is_let_through_once_with_a_proof_of_it()
    {
        var agent = await _world.EnrolAsync(Origin);
        var first = await AskAsync(agent, Proof(agent, "/notes/1", nonce: null));
        Assert.Equal((HttpStatusCode.Unauthorized, "USE_DPOP_NONCE"), (first.Status, first.Reason));
        Assert.Equal("DPoP error=\"use_dpop_nonce\", algs=\"ES256 EdDSA\"", first.Header("WWW-Authenticate"));
        Assert.Equal("no-store", first.Header("Cache-Control"));

        var proof = Proof(agent, "/notes/1", first.Nonce);
        var second = await AskAsync(agent, proof);
        Assert.Equal((HttpStatusCode.OK, ""), (second.Status, second.Body));
        Assert.Equal((agent.Did, agent.Enrolled.Credential.Jti), (second.Header("X-Agent-Did"), second.Header("X-Agent-Credential")));
        Assert.Equal("no-store", second.Header("Cache-Control"));
        Assert.Equal("PROOF_REPLAYED", (await AskAsync(agent, proof)).Reason);
        Assert.Equal("USE_DPOP_NONCE", (await AskAsync(agent, Proof(agent, "/notes/1", "the tool's nonce"))).Reason);
    }

    [Fact]
    public async Task A_stopped_agent_is_refused_by_the_next_answer()
    {
        var agent = await _world.EnrolAsync(Origin);
        var nonce = await NonceAsync(agent);
        var before = await AskAsync(agent, Proof(agent, "/notes/1", nonce));
        Assert.Equal(HttpStatusCode.OK, before.Status);
        var stop = await _world.Registry.StopAgentAsync(agent.Did);
        var after = await AskAsync(agent, Proof(agent, "/notes/1", nonce));
        Assert.Equal((HttpStatusCode.Forbidden, "AGENT_FROZEN", stop.At.Epoch.ToString()), (after.Status, after.Reason, after.Header("X-Agent-Epoch")));
        Assert.Null(after.Header("X-Agent-Did"));
    }

    [Fact]
    public async Task What_the_envelope_does_not_cover_is_refused_by_method_and_by_place()
    {
        var agent = await _world.EnrolAsync(Origin);
        var nonce = await NonceAsync(agent);
        Assert.Equal((HttpStatusCode.Forbidden, "ENVELOPE_EXCEEDED"), Told(await AskAsync(agent, Proof(agent, "/admin/1", nonce), "/admin/1")));
        Assert.Equal((HttpStatusCode.Forbidden, "ENVELOPE_EXCEEDED"), Told(await AskAsync(agent, Proof(agent, "/notes/1", nonce, "DELETE"), method: "DELETE")));
        foreach (var target in new[] { "/notes/../admin/1", "/notes/%2E%2E/admin/1", "/notes/..;/admin/1", "/notes//1" })
            Assert.Equal((HttpStatusCode.Forbidden, "ENVELOPE_EXCEEDED"), Told(await AskAsync(agent, Proof(agent, target, nonce), target)));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(agent, Proof(agent, "/notes/1", nonce), "/notes/1?sort=up")).Status);
    }

    [Fact]
    public async Task A_proof_for_another_request_is_refused()
    {
        var agent = await _world.EnrolAsync(Origin);
        var nonce = await NonceAsync(agent);
        Assert.Equal((HttpStatusCode.Unauthorized, "PROOF_REQUEST_MISMATCH"), Told(await AskAsync(agent, Proof(agent, "/notes/2", nonce))));
        Assert.Equal((HttpStatusCode.Unauthorized, "PROOF_REQUEST_MISMATCH"), Told(await AskAsync(agent, Proof(agent, "/notes/1", nonce, "POST"))));
        var other = await _world.EnrolAsync(Origin);
        Assert.Equal((HttpStatusCode.Unauthorized, "PROOF_KEY_MISMATCH"), Told(await AskAsync(agent, Proof(other, "/notes/1", nonce))));
        Assert.Equal((HttpStatusCode.Unauthorized, "CREDENTIAL_INVALID"), Told(await AskAsync(agent, Proof(agent, "/notes/1", nonce), change: request => Set(request, "Authorization", "DPoP x.y.z"))));
    }

    [Fact]
    public async Task What_is_not_shown_is_asked_for_and_what_is_shown_twice_is_nothing()
    {
        var agent = await _world.EnrolAsync(Origin);
        var proof = Proof(agent, "/notes/1", await NonceAsync(agent));
        var credential = "DPoP " + agent.Credential;
        foreach (var change in new Action<HttpRequestMessage>[]
        {
            request => Set(request, "Authorization"),
            request => Set(request, "DPoP"),
            request => Set(request, "Authorization", "Bearer " + agent.Credential),
            request => Set(request, "Authorization", agent.Credential),
        })
            Assert.Equal((HttpStatusCode.Unauthorized, "USE_DPOP_NONCE"), Told(await AskAsync(agent, proof, change: change)));
        // Two become one on the way, with a comma.
        Assert.Equal((HttpStatusCode.Unauthorized, "CREDENTIAL_INVALID"), Told(await AskAsync(agent, proof, change: request => Set(request, "Authorization", credential, credential))));
        Assert.Equal((HttpStatusCode.Unauthorized, "PROOF_INVALID"), Told(await AskAsync(agent, proof, change: request => Set(request, "DPoP", proof, proof))));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(agent, proof)).Status);
    }

    [Fact]
    public async Task A_route_may_say_what_its_requests_do()
    {
        var agent = await _world.EnrolAsync(Origin);
        var nonce = await NonceAsync(agent);
        const string Reads = "&type=documents&action=read&location=https%3A%2F%2Ftools.example%2Fdocuments%2Freport";
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(agent, Proof(agent, "/anything", nonce), "/anything", query: Reads)).Status);
        Assert.Equal("ENVELOPE_EXCEEDED", (await AskAsync(agent, Proof(agent, "/anything", nonce), "/anything", query: Reads.Replace("=read", "=write", StringComparison.Ordinal))).Reason);
    }

    [Fact]
    public async Task A_gateway_of_several_audiences_names_one_of_its_own()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await _world.RegisterAsync(key, "of two", TestRegistry.Documents, "https://other.example");
        using var gateway = Gateway(key);
        var agent = await _world.EnrolAsync(Origin);
        var nonce = await NonceAsync(agent);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "MESSAGE_MALFORMED"), Told(await AskAsync(agent, Proof(agent, "/notes/1", nonce), gateway: gateway)));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(agent, Proof(agent, "/notes/1", nonce), query: "&audience=" + Uri.EscapeDataString(TestRegistry.Documents), gateway: gateway)).Status);
        Assert.Equal((HttpStatusCode.Unauthorized, "AUDIENCE_MISMATCH"), Told(await AskAsync(agent, Proof(agent, "/notes/1", nonce), query: "&audience=https://other.example", gateway: gateway)));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "NOT_PERMITTED"), Told(await AskAsync(agent, Proof(agent, "/notes/1", nonce), query: "&audience=" + Uri.EscapeDataString(TestRegistry.Mail), gateway: gateway)));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "MESSAGE_MALFORMED"), Told(await AskAsync(agent, Proof(agent, "/notes/1", nonce), query: "&audience=a&audience=b", gateway: gateway)));
    }

    [Fact]
    public async Task Whoever_is_no_gateway_is_told_nothing_of_an_agent()
    {
        var agent = await _world.EnrolAsync(Origin);
        var proof = Proof(agent, "/notes/1", await NonceAsync(agent));
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var auditor = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await _world.RegisterAsync(auditor, Role.Auditor, "auditor");
        foreach (var (key, reason) in new (ECDsa?, string)[] { (null, "CALLER_UNKNOWN"), (stranger, "CALLER_UNKNOWN"), (auditor, "NOT_PERMITTED") })
        {
            using var client = Gateway(key);
            var answer = await AskAsync(agent, proof, gateway: client);
            Assert.Equal((HttpStatusCode.ServiceUnavailable, reason), Told(answer));
            Assert.Null(answer.Nonce);
        }
        // It was not used up.
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(agent, proof)).Status);

        await _world.Registry.AsOperator.Control.StopAsync(new StopRequest { Scope = new Scope { Key = _world.PublicKey.KeyId.ToString() }, State = AgentState.Frozen, Reason = "it was stolen" });
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "KEY_STOPPED"), Told(await AskAsync(agent, Proof(agent, "/notes/1", nonce: null))));
    }

    [Fact]
    public async Task A_gateway_that_does_not_say_which_request_it_asks_about_is_told_so()
    {
        var agent = await _world.EnrolAsync(Origin);
        var proof = Proof(agent, "/notes/1", await NonceAsync(agent));
        foreach (var name in new[] { "X-Forwarded-Method", "X-Forwarded-Uri" })
        {
            foreach (var values in new string[][] { [], ["GET", "GET"], [""] })
                Assert.Equal((HttpStatusCode.ServiceUnavailable, "MESSAGE_MALFORMED"), Told(await AskAsync(agent, proof, change: request => Set(request, name, values))));
        }
        foreach (var origin in new[] { "", "gate.example", "https://gate.example/notes", "https://user@gate.example", "https://gate.example&origin=https://gate.example" })
        {
            var answer = await AskAsync(agent, proof, origin: origin);
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "MESSAGE_MALFORMED"), Told(answer));
            Assert.Contains("origin", answer.Body, StringComparison.Ordinal);
        }
        // The host that an agent names does not count.
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(agent, proof, change: request => Set(request, "X-Forwarded-Host", "other.example"))).Status);
        var metrics = await _gateway.GetStringAsync(_world.Registry.ConsoleUrl + "/metrics");
        Assert.Matches("agentidentity_refusals_total\\{[^}]*method=\"/auth\"[^}]*reason=\"MESSAGE_MALFORMED\"[^}]*\\} 11\n", metrics);
    }

    [Fact]
    public async Task It_answers_on_its_own_listener_alone_and_to_reads_alone()
    {
        using var console = await _gateway.GetAsync(_world.Registry.ConsoleUrl + "/auth");
        Assert.Equal(HttpStatusCode.NotFound, console.StatusCode);
        using var post = await _gateway.PostAsync(_world.Registry.HttpUrl + "/auth", null);
        Assert.Equal(HttpStatusCode.NotFound, post.StatusCode);
    }

    private static (HttpStatusCode, string) Told(Answer answer) => (answer.Status, answer.Reason);

    private static HttpClient Gateway(ECDsa? key) => new(new SocketsHttpHandler { SslOptions = GatewayWorld.Tls(key) }) { Timeout = TimeSpan.FromSeconds(60) };

    private static string Proof(TestAgent agent, string target, string? nonce, string method = "GET")
    {
        var binding = new RequestBinding(method, Origin + target, nonce, Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(agent.Credential)).ToBase64Url());
        return KeyProof.Create(agent.Key, binding, TimeProvider.System.GetUtcNow());
    }

    private async Task<string> NonceAsync(TestAgent agent) => (await AskAsync(agent, Proof(agent, "/notes/1", nonce: null))).Nonce!;

    private static void Set(HttpRequestMessage request, string name, params string[] values)
    {
        request.Headers.Remove(name);
        foreach (var value in values)
            request.Headers.TryAddWithoutValidation(name, value);
    }

    private async Task<Answer> AskAsync(TestAgent agent, string proof, string target = "/notes/1", string method = "GET", string query = "", string origin = Origin, Action<HttpRequestMessage>? change = null, HttpClient? gateway = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _world.Registry.HttpUrl + "/auth?origin=" + origin + query);
        Set(request, "X-Forwarded-Method", method);
        Set(request, "X-Forwarded-Uri", target);
        Set(request, "DPoP", proof);
        Set(request, "Authorization", "DPoP " + agent.Credential);
        change?.Invoke(request);
        using var response = await (gateway ?? _gateway).SendAsync(request);
        return new Answer(response.StatusCode, response.Headers.ToDictionary(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase), await response.Content.ReadAsStringAsync());
    }

    private sealed record Answer(HttpStatusCode Status, Dictionary<string, string> Headers, string Body)
    {
        public string? Nonce => Header("DPoP-Nonce");

        public string Reason => Body.Length == 0 ? "" : JsonDocument.Parse(Body).RootElement.GetProperty("reason").GetString()!;

        public string? Header(string name) => Headers.GetValueOrDefault(name);
    }
}
