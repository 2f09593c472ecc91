using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Text.Json;
using AgentIdentity.AspNetCore;
using AgentIdentity.Client.Tests.Fixtures;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;

namespace AgentIdentity.Client.Tests;

/// <summary>An agent's handler against a guarded tool, and the tool against a registry: all over real connections.</summary>
public sealed class ToolTests : IAsyncLifetime
{
    private readonly ManualTime _clock = new();
    private readonly PrivateKey _agentKey = PrivateKey.Generate(KeyAlgorithm.Ed25519);
    private readonly string _keyFile = Path.GetTempFileName();
    private readonly List<HttpMessageHandler> _handlers = [];
    private FakeRegistry _registry = null!;
    private WebApplication _tool = null!;
    private HttpClient _agent = null!;

    private Uri Address => new(_tool.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public async Task InitializeAsync()
    {
        using var toolKey = PrivateKey.Generate(KeyAlgorithm.ES256);
        await File.WriteAllBytesAsync(_keyFile, toolKey.ToKeyFile(""));
        _registry = await FakeRegistry.StartAsync(_clock);
        _registry.AgentKey = _agentKey.PublicKey;
        _registry.EnforcerKey = toolKey.PublicKey;
        _tool = await StartToolAsync();
        _agent = Agent(_registry.Issue());
    }

    public async Task DisposeAsync()
    {
        _agent.Dispose();
        await _tool.DisposeAsync();
        await _registry.DisposeAsync();
        File.Delete(_keyFile);
    }

    [Fact]
    public async Task What_was_passed_on_is_shown_like_any_credential_and_the_tool_knows_whose_authority_it_is()
    {
        var options = new ConnectionOptions { GrpcUrl = _registry.GrpcUrl, PublicUrl = FakeRegistry.PublicUrl, Clock = _clock };
        using var connection = new RegistryConnection(options, _agentKey, _ => new(Credential));
        var passedOn = await AgentDelegation.DelegateAsync(connection, new Protocol.V1.DelegateRequest { Agent = _registry.AgentDid });
        Assert.Equal($"DPoP {Credential}", _registry.ShownCredential);

        using var http = Agent(await passedOn.Source(default));
        var response = await http.GetAsync(new Uri(Address, "/weather"));
        Assert.Equal([_registry.AgentDid, "Research desk", "summariser/2.1", _registry.AgentDid, "Head office"], (await response.Content.ReadFromJsonAsync<string[]>())!);
    }

    [Fact]
    public async Task An_agent_with_a_good_credential_is_let_in_and_the_tool_knows_who_it_is()
    {
        var response = await _agent.GetAsync(new Uri(Address, "/weather?when=now#there"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal([_registry.AgentDid, "Research desk", "summariser/2.1"], (await response.Content.ReadFromJsonAsync<string[]>())!);
    }

    [Fact]
    public async Task The_tool_knows_an_agents_labels_and_who_says_each()
    {
        var response = await _agent.GetAsync(new Uri(Address, "/labels"));
        Assert.Equal(["attested_label image=sha256:1", "label team=research", "stated_label mood=good"], (await response.Content.ReadFromJsonAsync<string[]>())!);
    }

    [Fact]
    public async Task The_registry_is_asked_about_every_request_and_the_nonce_is_learnt_once()
    {
        for (var i = 0; i < 3; i++)
            Assert.Equal(HttpStatusCode.OK, (await _agent.GetAsync(new Uri(Address, "/weather"))).StatusCode);
        // The first one of the tool's own calls fetched the registry's nonce.
        Assert.Equal(4, _registry.Calls.Count(call => call == "Verify"));
        Assert.Equal(4, ((CountingHandler)_handlers[0]).Count);
    }

    [Fact]
    public async Task A_body_that_can_be_read_once_is_sent_again_whole()
    {
        using var stream = new MemoryStream("hello"u8.ToArray());
        using var content = new StreamContent(stream);
        var response = await _agent.PostAsync(new Uri(Address, "/echo"), content);
        Assert.Equal("hello", await response.Content.ReadAsStringAsync());
        Assert.Equal(2, ((CountingHandler)_handlers[0]).Count);
    }

    [Fact]
    public async Task A_tool_that_sends_an_agent_on_to_another_gets_nothing_done_there_in_its_name()
    {
        await using var sending = WebApplication.CreateSlimBuilder().Build();
        sending.Urls.Add("http://127.0.0.1:0");
        sending.MapGet("/", () => Results.Redirect(new Uri(Address, "/weather").ToString()));
        await sending.StartAsync();
        using var agent = new HttpClient(new AgentHttpHandler(_agentKey, _ => ValueTask.FromResult(Credential), new SocketsHttpHandler { AllowAutoRedirect = true }, _clock));
        Assert.Equal(HttpStatusCode.OK, (await agent.GetAsync(new Uri(Address, "/weather"))).StatusCode);
        var asked = _registry.Calls.Count;
        Assert.Equal(HttpStatusCode.Unauthorized, (await agent.GetAsync(sending.Urls.First())).StatusCode);
        Assert.Equal(asked, _registry.Calls.Count);
    }

    [Fact]
    public async Task A_path_is_held_against_the_proof_as_it_was_sent()
    {
        Assert.Equal(HttpStatusCode.OK, (await _agent.GetAsync(new Uri(Address, "/files/a%2Fb%20c"))).StatusCode);
    }

    [Theory]
    [InlineData("http://bücher.example/weather")]
    [InlineData("http://user:secret@tool.example:8080/weather")]
    [InlineData("http://[2001:db8::1]:8080/weather")]
    public async Task A_proof_is_for_the_url_as_the_tool_is_asked_for_it(string url)
    {
        var sockets = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, Address.Port, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var agent = new HttpClient(new AgentHttpHandler(_agentKey, _ => ValueTask.FromResult(Credential), sockets, _clock));
        Assert.Equal(HttpStatusCode.OK, (await agent.GetAsync(url)).StatusCode);
    }

    [Fact]
    public async Task Without_a_credential_the_answer_is_401_with_a_nonce()
    {
        using var nobody = new HttpClient();
        var response = await nobody.GetAsync(new Uri(Address, "/weather"));
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Contains("error=\"use_dpop_nonce\"", response.Headers.WwwAuthenticate.Single().Parameter, StringComparison.Ordinal);
        Assert.NotEmpty(response.Headers.GetValues("DPoP-Nonce").Single());
        Assert.Empty(_registry.Calls);
    }

    [Fact]
    public async Task An_endpoint_without_a_requirement_stays_open()
    {
        using var nobody = new HttpClient();
        Assert.Equal("open", await nobody.GetStringAsync(new Uri(Address, "/open")));
    }

    [Fact]
    public async Task A_tool_that_remembers_the_log_follows_a_rotation_and_lets_nobody_in_by_the_word_of_another_log()
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;
        using var log = new SucceededLog(7);
        using var other = new SucceededLog(9);
        _registry.Log = _ => log.Answer(known: 0);
        await RestartToolAsync(options => (options.CheckpointFolder, options.LogKey) = (folder, log.Key.Verifier.ToString()));
        Assert.Equal(HttpStatusCode.OK, (await _agent.GetAsync(new Uri(Address, "/weather"))).StatusCode);

        log.Rotate();
        _registry.Log = _ => log.Answer(7);
        _clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(HttpStatusCode.OK, (await _agent.GetAsync(new Uri(Address, "/weather"))).StatusCode);
        Assert.StartsWith("localhost:5000/2+", await File.ReadAllTextAsync(Path.Combine(folder, "checkpoint-localhost%3A5000")), StringComparison.Ordinal);

        _registry.Log = _ => other.Answer(9);
        _clock.Advance(TimeSpan.FromSeconds(61));
        var asked = _registry.Calls.Count;
        await AssertRefusedAsync(await _agent.GetAsync(new Uri(Address, "/weather")), HttpStatusCode.ServiceUnavailable, "REGISTRY_UNREACHABLE");
        Assert.Equal(asked, _registry.Calls.Count);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData(null, "of use with")]
    [InlineData("somewhere", "no vkey line")]
    public async Task A_log_key_that_cannot_be_used_keeps_the_tool_from_starting(string? folder, string words)
    {
        var refused = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await RestartToolAsync(options => (options.CheckpointFolder, options.LogKey) = (folder, "no key"));
            (await _agent.GetAsync(new Uri(Address, "/weather"))).EnsureSuccessStatusCode();
        });
        Assert.Contains(words, refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_proof_serves_once()
    {
        var proof = await ProofAsync("GET", "/weather");
        Assert.Equal(HttpStatusCode.OK, (await SendAsync("/weather", proof)).StatusCode);
        await AssertRefusedAsync(await SendAsync("/weather", proof), HttpStatusCode.Unauthorized, "PROOF_REPLAYED");
    }

    [Fact]
    public async Task A_proof_for_another_request_is_refused()
    {
        await AssertRefusedAsync(await SendAsync("/weather", await ProofAsync("POST", "/weather")), HttpStatusCode.Unauthorized, "PROOF_REQUEST_MISMATCH");
        await AssertRefusedAsync(await SendAsync("/weather", await ProofAsync("GET", "/echo")), HttpStatusCode.Unauthorized, "PROOF_REQUEST_MISMATCH");
    }

    [Fact]
    public async Task What_a_proxy_header_says_about_the_host_is_not_believed()
    {
        var proof = await ProofAsync("GET", "/weather", "http://tool.example");
        var response = await SendAsync("/weather", proof, request =>
        {
            request.Headers.Add("X-Forwarded-Host", "tool.example");
            request.Headers.Add("X-Forwarded-Proto", "http");
            request.Headers.Add("Forwarded", "host=tool.example;proto=http");
        });
        await AssertRefusedAsync(response, HttpStatusCode.Unauthorized, "PROOF_REQUEST_MISMATCH");
    }

    [Fact]
    public async Task A_tool_behind_a_proxy_goes_by_the_url_that_it_was_told()
    {
        await RestartToolAsync(options => options.OwnUrl = "https://tool.example");
        Assert.Equal(HttpStatusCode.OK, (await SendAsync("/weather", await ProofAsync("GET", "/weather", "https://tool.example"))).StatusCode);
        await AssertRefusedAsync(await SendAsync("/weather", await ProofAsync("GET", "/weather")), HttpStatusCode.Unauthorized, "PROOF_REQUEST_MISMATCH");
    }

    [Fact]
    public async Task Nonces_are_of_one_boot_and_of_five_minutes()
    {
        var nonce = await NonceAsync();
        _clock.Advance(TimeSpan.FromSeconds(299));
        Assert.Equal(HttpStatusCode.OK, (await SendAsync("/weather", Proof("GET", Address, "/weather", nonce))).StatusCode);
        _clock.Advance(TimeSpan.FromSeconds(1));
        await AssertRefusedAsync(await SendAsync("/weather", Proof("GET", Address, "/weather", nonce)), HttpStatusCode.Unauthorized, "USE_DPOP_NONCE");

        var fresh = await NonceAsync();
        await RestartToolAsync(_ => { });
        await AssertRefusedAsync(await SendAsync("/weather", Proof("GET", Address, "/weather", fresh)), HttpStatusCode.Unauthorized, "USE_DPOP_NONCE");
        await AssertRefusedAsync(await SendAsync("/weather", Proof("GET", Address, "/weather", "guessed")), HttpStatusCode.Unauthorized, "USE_DPOP_NONCE");
    }

    [Theory]
    [InlineData("")]
    [InlineData("not.a.proof")]
    public async Task What_is_no_proof_is_refused_without_asking_the_registry(string proof)
    {
        var response = await SendAsync("/weather", proof);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Empty(_registry.Calls);
    }

    [Fact]
    public async Task A_tool_that_asks_its_registry_holds_the_signed_body_itself_and_never_sends_it()
    {
        await AssertRefusedAsync(await _agent.PostAsync(new Uri(Address, "/delete"), new StringContent("all")), HttpStatusCode.Unauthorized, "BODY_MISMATCH");
        Assert.Empty(_registry.Calls);
        using var signing = new HttpClient(new AgentHttpHandler(_agentKey, _ => ValueTask.FromResult(Credential), clock: _clock) { SignsBodies = true });
        Assert.Equal(HttpStatusCode.OK, (await signing.PostAsync(new Uri(Address, "/delete"), new StringContent("all"))).StatusCode);
    }

    [Fact]
    public async Task A_frozen_agent_is_refused_by_name()
    {
        _registry.Standing = Refusal.AgentFrozen;
        await AssertRefusedAsync(await _agent.GetAsync(new Uri(Address, "/weather")), HttpStatusCode.Forbidden, "AGENT_FROZEN");
    }

    [Theory]
    [InlineData(Refusal.ReplayStoreFull)]
    [InlineData(Refusal.RegistryHalted)]
    [InlineData(Refusal.RolledBack)]
    public async Task What_only_time_can_mend_is_not_forbidden_to_an_agent_but_unavailable(Refusal refusal)
    {
        _registry.Standing = refusal;
        await AssertRefusedAsync(await _agent.GetAsync(new Uri(Address, "/weather")), HttpStatusCode.ServiceUnavailable, refusal.Name());
    }

    [Fact]
    public async Task What_the_envelope_does_not_cover_is_refused()
    {
        await AssertRefusedAsync(await _agent.PostAsync(new Uri(Address, "/write"), null), HttpStatusCode.Forbidden, "ENVELOPE_EXCEEDED");
    }

    [Fact]
    public async Task What_the_tool_itself_forbids_an_agent_is_forbidden()
    {
        Assert.Equal(HttpStatusCode.Forbidden, (await _agent.GetAsync(new Uri(Address, "/staff"))).StatusCode);
    }

    [Theory]
    [InlineData("/pay")]
    [InlineData("/team/pay")]
    [InlineData("/pay/twice")]
    public async Task An_endpoint_that_requires_an_agent_and_somebody_else_too_lets_neither_in_alone(string path)
    {
        using var nobody = new HttpClient();
        await AssertRefusedAsync(await nobody.GetAsync(new Uri(Address, path)), HttpStatusCode.Unauthorized, "USE_DPOP_NONCE");
        using var staff = new HttpClient { DefaultRequestHeaders = { { Staff.Header, "yes" } } };
        await AssertRefusedAsync(await staff.GetAsync(new Uri(Address, path)), HttpStatusCode.Unauthorized, "USE_DPOP_NONCE");
        Assert.Equal(HttpStatusCode.Forbidden, (await _agent.GetAsync(new Uri(Address, path))).StatusCode);

        _agent.DefaultRequestHeaders.Add(Staff.Header, "yes");
        Assert.Equal("paid", await _agent.GetStringAsync(new Uri(Address, path)));
    }

    [Fact]
    public async Task A_gRPC_call_to_an_endpoint_that_requires_somebody_else_too_is_refused_in_gRPCs_way()
    {
        using var nobody = new HttpClient();
        using var call = new ByteArrayContent([]);
        call.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        var response = await nobody.PostAsync(new Uri(Address, "/pay/twice"), call);
        Assert.Equal((HttpStatusCode.OK, "16"), (response.StatusCode, response.Headers.GetValues("grpc-status").Single()));
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task A_tool_in_which_an_endpoint_and_its_group_name_two_actions_does_not_start()
    {
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => StartToolAsync(map: tool =>
            tool.MapGroup("/admin").RequireAgent("tool", "administer", $"{FakeRegistry.Audience}/admin").MapGet("/report", () => "report").RequireAgent("tool", "read", $"{FakeRegistry.Audience}/admin/report")));
        Assert.Contains("/admin/report", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tool_in_which_an_endpoint_requires_a_signed_body_and_no_agent_does_not_start()
    {
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => StartToolAsync(map: tool => tool.MapPost("/payments", () => "paid").RequireSignedBody()));
        Assert.Contains("/payments", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_blocking_request_is_refused_since_it_could_not_be_signed()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Address, "/weather"));
        Assert.Throws<NotSupportedException>(() => _agent.Send(request));
    }

    [Fact]
    public async Task A_credential_for_another_tool_is_refused()
    {
        await RestartToolAsync(options => options.Audience = "https://other.example");
        await AssertRefusedAsync(await _agent.GetAsync(new Uri(Address, "/weather")), HttpStatusCode.Unauthorized, "AUDIENCE_MISMATCH");
    }

    [Fact]
    public async Task A_tool_that_cannot_ask_its_registry_lets_nobody_in()
    {
        Assert.Equal(HttpStatusCode.OK, (await _agent.GetAsync(new Uri(Address, "/weather"))).StatusCode);
        await _registry.StopAsync();
        var response = await _agent.GetAsync(new Uri(Address, "/weather"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), response.Headers.RetryAfter!.Delta);

        await _registry.StartAsync();
        Assert.Equal(HttpStatusCode.OK, (await _agent.GetAsync(new Uri(Address, "/weather"))).StatusCode);
    }

    [Fact]
    public async Task A_tool_that_the_registry_does_not_know_lets_nobody_in()
    {
        _registry.EnforcerKey = _agentKey.PublicKey;
        await AssertRefusedAsync(await _agent.GetAsync(new Uri(Address, "/weather")), HttpStatusCode.ServiceUnavailable, "REGISTRY_UNREACHABLE");
    }

    [Fact]
    public async Task A_marked_endpoint_is_never_open_when_the_guard_was_forgotten()
    {
        await using var tool = await StartToolAsync(guarded: false);
        using var nobody = new HttpClient();
        var address = tool.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Assert.NotEqual(HttpStatusCode.OK, (await nobody.GetAsync(new Uri(new Uri(address), "/weather"))).StatusCode);
    }

    [Theory]
    [InlineData("https://tool.example/")]
    [InlineData("https://user:secret@tool.example")]
    [InlineData("https://bücher.example")]
    public async Task A_tool_whose_own_url_no_proof_can_name_does_not_start(string url) =>
        Assert.Contains("OwnUrl", (await Assert.ThrowsAsync<InvalidOperationException>(() => StartToolAsync(options => options.OwnUrl = url))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_tool_without_its_key_does_not_start() =>
        await Assert.ThrowsAsync<InvalidOperationException>(() => StartToolAsync(options => options.KeyFile = ""));

    private HttpClient Agent(string credential)
    {
        var counting = new CountingHandler();
        _handlers.Add(counting);
        return new HttpClient(new AgentHttpHandler(_agentKey, _ => ValueTask.FromResult(credential), counting, _clock));
    }

    private async Task<WebApplication> StartToolAsync(Action<AgentIdentityOptions>? configure = null, bool guarded = true, Action<WebApplication>? map = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddAgentIdentity(options =>
        {
            options.RegistryUrl = _registry.GrpcUrl;
            options.RegistryPublicUrl = FakeRegistry.PublicUrl;
            options.Audience = FakeRegistry.Audience;
            options.KeyFile = _keyFile;
            options.TimeProvider = _clock;
            options.AskRegistry = true;
            configure?.Invoke(options);
        });
        new AuthenticationBuilder(builder.Services).AddScheme<AuthenticationSchemeOptions, Staff>(nameof(Staff), null);
        builder.Services.AddAuthorization(options => options.AddPolicy(nameof(Staff), policy => policy.AddAuthenticationSchemes(nameof(Staff)).RequireClaim("staff")));
        var tool = builder.Build();
        if (guarded)
            tool.UseAgentIdentity();
        tool.MapGet("/open", () => "open");
        tool.MapGet("/weather", (ClaimsPrincipal agent) => (string?[])[ agent.Identity!.Name, agent.FindFirstValue("sponsor"), agent.FindFirstValue("blueprint"), .. agent.FindAll("superior").Concat(agent.FindAll("top_sponsor")).Select(claim => claim.Value)])
            .RequireAgent("tool", "read", $"{FakeRegistry.Audience}/weather");
        tool.MapGet("/labels", (ClaimsPrincipal agent) => agent.Claims.Where(claim => claim.Type.EndsWith("label", StringComparison.Ordinal)).Select(claim => $"{claim.Type} {claim.Value}"))
            .RequireAgent("tool", "read", $"{FakeRegistry.Audience}/labels");
        tool.MapGet("/files/{name}", (string name) => name).RequireAgent("tool", "read", $"{FakeRegistry.Audience}/files");
        tool.MapGet("/staff", () => "staff").RequireAgent("tool", "read", $"{FakeRegistry.Audience}/staff").RequireAuthorization(policy => policy.RequireClaim("staff"));
        tool.MapPost("/echo", async (HttpRequest request) => await new StreamReader(request.Body).ReadToEndAsync())
            .RequireAgent("tool", "read", $"{FakeRegistry.Audience}/echo");
        tool.MapPost("/delete", () => "deleted").RequireAgent("tool", "read", $"{FakeRegistry.Audience}/echo").RequireSignedBody();
        tool.MapPost("/write", () => "written").RequireAgent("tool", "write", $"{FakeRegistry.Audience}/notes");
        tool.MapGet("/pay", () => "paid").RequireAgent("tool", "read", $"{FakeRegistry.Audience}/pay").RequireAuthorization(nameof(Staff));
        tool.MapGroup("/team").RequireAuthorization(nameof(Staff)).MapGet("/pay", () => "paid").RequireAgent("tool", "read", $"{FakeRegistry.Audience}/pay");
        tool.MapMethods("/pay/twice", ["GET", "POST"], () => "paid").RequireAgent("tool", "read", $"{FakeRegistry.Audience}/pay").RequireAuthorization(policy => policy.AddAuthenticationSchemes(nameof(Staff)).RequireClaim("staff"));
        map?.Invoke(tool);
        await tool.StartAsync();
        return tool;
    }

    private async Task RestartToolAsync(Action<AgentIdentityOptions> configure)
    {
        await _tool.DisposeAsync();
        _tool = await StartToolAsync(configure);
    }

    private async Task<string> ProofAsync(string method, string path, string? baseUrl = null) =>
        Proof(method, new Uri(baseUrl ?? Address.ToString()), path, await NonceAsync());

    private string Proof(string method, Uri address, string path, string nonce)
    {
        var request = new RequestBinding(method, new Uri(address, path).ToString(), nonce, Sha256.Hash(System.Text.Encoding.ASCII.GetBytes(Credential)).ToBase64Url());
        return KeyProof.Create(_agentKey, request, _clock.GetUtcNow());
    }

    private string Credential => _credential ??= _registry.Issue();

    private string? _credential;

    private async Task<string> NonceAsync()
    {
        using var nobody = new HttpClient();
        return (await nobody.GetAsync(new Uri(Address, "/weather"))).Headers.GetValues("DPoP-Nonce").Single();
    }

    private async Task<HttpResponseMessage> SendAsync(string path, string proof, Action<HttpRequestMessage>? change = null)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Address, path));
        request.Headers.TryAddWithoutValidation("Authorization", $"DPoP {Credential}");
        request.Headers.TryAddWithoutValidation("DPoP", proof);
        change?.Invoke(request);
        return await client.SendAsync(request);
    }

    private static async Task AssertRefusedAsync(HttpResponseMessage response, HttpStatusCode status, string reason)
    {
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(reason, problem.GetProperty("reason").GetString());
        Assert.Equal((int)status, problem.GetProperty("status").GetInt32());
        var challenges = response.Headers.WwwAuthenticate.Select(challenge => $"{challenge.Scheme} {challenge.Parameter}");
        Assert.Equal(status == HttpStatusCode.Unauthorized ? [$"DPoP error=\"{ErrorOf(reason)}\", algs=\"ES256 EdDSA\""] : [], challenges);
    }

    private static string ErrorOf(string reason) => reason switch
    {
        "USE_DPOP_NONCE" => "use_dpop_nonce",
        _ when reason.StartsWith("PROOF_", StringComparison.Ordinal) || reason == "BODY_MISMATCH" => "invalid_dpop_proof",
        _ => "invalid_token",
    };

    /// <summary>Another scheme of the same tool, for people.</summary>
    private sealed class Staff(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        public const string Header = "X-Staff";

        protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(Request.Headers.ContainsKey(Header)
            ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity([new Claim("staff", "yes")], nameof(Staff))), nameof(Staff)))
            : AuthenticateResult.NoResult());
    }

    private sealed class CountingHandler() : DelegatingHandler(new SocketsHttpHandler { AllowAutoRedirect = false })
    {
        private int _count;

        public int Count => _count;

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _count);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
