using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using AgentIdentity.AspNetCore;
using AgentIdentity.Client.Enforcing;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Tests.Watch;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;
using Scope = AgentIdentity.Credentials.Entries.Scope;

namespace AgentIdentity.Client.Tests.Enforcing;

/// <summary>A guarded tool that decides itself, with the registry's watch beside it.</summary>
public sealed class LocalToolTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("agentidentity-tool-");
    private readonly PrivateKey _agentKey = PrivateKey.Generate(KeyAlgorithm.ES256);
    private readonly ScriptedRegistry _registry = new(TimeProvider.System);
    private readonly Scope _agent = Scope.Agent(ScriptedRegistry.Id(100));
    private readonly ManualBootClock _boot = new();
    private WatchHost _host = null!;
    private WebApplication _tool = null!;
    private HttpClient _caller = null!;

    private Uri Address => new(_tool.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public async Task InitializeAsync()
    {
        using var toolKey = PrivateKey.Generate(KeyAlgorithm.ES256);
        await File.WriteAllBytesAsync(Path.Combine(_folder.FullName, "key"), toolKey.ToKeyFile(""));
        _host = await WatchHost.StartAsync(_registry);
        _tool = await StartToolAsync();
        var credential = _registry.Issue(_agentKey.PublicKey, _agent.Id);
        // Proofs made in the second in which the tool started may be from before.
        await Task.Delay(TimeSpan.FromSeconds(1.1));
        _caller = new HttpClient(new AgentHttpHandler(_agentKey, _ => ValueTask.FromResult(credential)));
    }

    public async Task DisposeAsync()
    {
        _caller.Dispose();
        await _tool.DisposeAsync();
        await _host.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task An_agent_is_let_in_without_a_call_to_the_registry_and_refused_when_it_is_stopped()
    {
        var response = await _caller.GetAsync(new Uri(Address, "/weather"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(ScriptedRegistry.Name.AgentDid(_agent.Id), await response.Content.ReadAsStringAsync());
        await StopAsync();
        await AssertRefusedAsync(await _caller.GetAsync(new Uri(Address, "/weather")), HttpStatusCode.Forbidden, "AGENT_FROZEN");
    }

    [Fact]
    public async Task The_tool_knows_an_agents_labels_and_who_says_each()
    {
        var labelled = _registry.Issue(_agentKey.PublicKey, _agent.Id, claims => claims with { Labels = [new("team", "research")], StatedLabels = [new("mood", "good")], AttestedLabels = [new("image", "sha256:1")] });
        using var caller = new HttpClient(new AgentHttpHandler(_agentKey, _ => ValueTask.FromResult(labelled)));
        var response = await caller.GetAsync(new Uri(Address, "/labels"));
        Assert.Equal(["attested_label image=sha256:1", "label team=research", "stated_label mood=good"], (await response.Content.ReadFromJsonAsync<string[]>())!);
    }

    [Fact]
    public async Task The_streaming_answer_to_an_agent_is_cut_off_when_it_is_stopped()
    {
        using var response = await _caller.GetAsync(new Uri(Address, "/stream"), HttpCompletionOption.ResponseHeadersRead);
        await using var stream = await response.Content.ReadAsStreamAsync();
        Assert.Equal('.', stream.ReadByte());
        await StopAsync();
        await Assert.ThrowsAnyAsync<IOException>(() => ReadToEndAsync(stream).WaitAsync(Patience));
    }

    [Fact]
    public async Task The_streaming_answer_is_cut_off_when_the_lease_ends_and_then_nobody_is_let_in()
    {
        using var response = await _caller.GetAsync(new Uri(Address, "/stream"), HttpCompletionOption.ResponseHeadersRead);
        await using var stream = await response.Content.ReadAsStreamAsync();
        Assert.Equal('.', stream.ReadByte());
        _host.IsSilent = true;
        _boot.Advance(TimeSpan.FromMinutes(1));
        await Assert.ThrowsAnyAsync<IOException>(() => ReadToEndAsync(stream).WaitAsync(Patience));
        var refused = await _caller.GetAsync(new Uri(Address, "/weather"));
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter!.Delta);
        await AssertRefusedAsync(refused, HttpStatusCode.ServiceUnavailable, "LEASE_OVER");
    }

    [Fact]
    public async Task A_break_glass_order_in_the_usual_folder_freezes_an_agent_while_the_registry_is_down()
    {
        Assert.Equal(HttpStatusCode.OK, (await _caller.GetAsync(new Uri(Address, "/weather"))).StatusCode);
        await _host.StopAsync();
        var order = new StopOrder(ScriptedRegistry.Id(77), _agent, "nobody answers", 1).Sign(_registry.BreakGlass, ScriptedRegistry.PublicUrl);
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "key.watch", "orders", "order"), order + "\n");

        // The clock of the lease stands still, so nothing else refuses.
        for (var patience = Stopwatch.StartNew(); patience.Elapsed < Patience;)
        {
            if ((await _caller.GetAsync(new Uri(Address, "/weather"))).StatusCode != HttpStatusCode.OK)
                break;
        }
        await AssertRefusedAsync(await _caller.GetAsync(new Uri(Address, "/weather")), HttpStatusCode.Forbidden, "AGENT_FROZEN");
    }

    [Fact]
    public async Task An_order_that_would_stop_nothing_is_an_alarm()
    {
        var order = new StopOrder(ScriptedRegistry.Id(77), new Scope(ScopeKind.Resource, "*"), "nobody answers", 1).Sign(_registry.BreakGlass, ScriptedRegistry.PublicUrl);
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "key.watch", "orders", "order"), order + "\n");
        for (var patience = Stopwatch.StartNew(); _host.Alarms.IsEmpty && patience.Elapsed < Patience;)
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        Assert.Equal("ORDER_REFUSED", Assert.Single(_host.Alarms).Name);
        Assert.Equal(HttpStatusCode.OK, (await _caller.GetAsync(new Uri(Address, "/weather"))).StatusCode);
    }

    [Fact]
    public void A_tool_keeps_no_keys_for_cookies_that_agents_do_not_have() => Assert.Null(_tool.Services.GetService<IDataProtectionProvider>());

    [Fact]
    public async Task Who_shows_no_proof_is_asked_for_one()
    {
        using var nobody = new HttpClient();
        var response = await nobody.GetAsync(new Uri(Address, "/weather"));
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.NotEmpty(response.Headers.GetValues("DPoP-Nonce").Single());
    }

    [Fact]
    public void The_tools_own_code_has_the_enforcer_too() => Assert.Equal(_registry.Epoch, _tool.Services.GetRequiredService<Enforcer>().Epoch);

    private async Task StopAsync()
    {
        _host.Send(registry => registry.Stop(_agent).Delta);
        while ((await _host.Acknowledged.Reader.ReadAsync().AsTask().WaitAsync(Patience)).Epoch != _registry.Epoch)
        {
        }
    }

    private static async Task ReadToEndAsync(Stream stream)
    {
        var buffer = new byte[64];
        while (await stream.ReadAsync(buffer) > 0)
        {
        }
    }

    private async Task<WebApplication> StartToolAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddAgentIdentity(options =>
        {
            options.RegistryUrl = _host.GrpcUrl;
            options.RegistryPublicUrl = ScriptedRegistry.PublicUrl;
            options.Audience = ScriptedRegistry.Audience;
            options.KeyFile = Path.Combine(_folder.FullName, "key");
            options.ConfigureEnforcer = enforcer => enforcer with { BootClock = _boot };
        });
        var tool = builder.Build();
        tool.UseAgentIdentity();
        tool.MapGet("/weather", (HttpContext context) => context.User.Identity!.Name).RequireAgent("tool", "read", $"{ScriptedRegistry.Audience}/weather");
        tool.MapGet("/labels", (HttpContext context) => context.User.Claims.Where(claim => claim.Type.EndsWith("label", StringComparison.Ordinal)).Select(claim => $"{claim.Type} {claim.Value}"))
            .RequireAgent("tool", "read", $"{ScriptedRegistry.Audience}/labels");
        tool.MapGet("/stream", async (HttpContext context) =>
        {
            await context.Response.WriteAsync(".");
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        }).RequireAgent("tool", "read", $"{ScriptedRegistry.Audience}/stream");
        await tool.StartAsync();
        return tool;
    }

    private static async Task AssertRefusedAsync(HttpResponseMessage response, HttpStatusCode status, string reason)
    {
        Assert.Equal(status, response.StatusCode);
        Assert.Equal(reason, (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("reason").GetString());
    }
}
