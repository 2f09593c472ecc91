using System.Collections.Concurrent;
using System.Text;
using AgentIdentity.Client;
using AgentIdentity.Client.Enforcing;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Watch.Tests.Fixtures;

/// <summary>A tool with the real enforcer in it, whose memory is on disk.</summary>
internal sealed class WatchingTool : IAsyncDisposable
{
    private const string Url = "https://tool.example/notes";
    private static readonly AskedAction Read = new("notes", "read", "notes/1");

    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-tool-").FullName;
    private readonly ConcurrentQueue<EnforcerAlarm> _alarms = [];
    private readonly EnforcerOptions _options;
    private Enforcer _enforcer;

    private WatchingTool(WatchedRegistry registry, PrivateKey key, string audience, Func<EnforcerOptions, EnforcerOptions> change)
    {
        _options = change(new EnforcerOptions
        {
            Registry = new ConnectionOptions { GrpcUrl = registry.GrpcUrl, PublicUrl = WatchedRegistry.PublicUrl },
            Key = key,
            Audiences = [audience],
            StateFolder = _folder,
            Alarmed = _alarms.Enqueue,
        });
        _enforcer = new Enforcer(_options);
    }

    /// <summary>What it has raised, by name.</summary>
    public IEnumerable<EnforcerAlarmKind> Alarms => _alarms.Select(alarm => alarm.Kind);

    public ulong Epoch => _enforcer.Epoch;

    public PrivateKey Key => _options.Key;

    /// <summary>Registers, watches, and has a lease.</summary>
    public static async Task<WatchingTool> StartAsync(WatchedRegistry registry, Func<EnforcerOptions, EnforcerOptions>? change = null, string name = "gateway", string audience = WatchedRegistry.Audience)
    {
        var tool = new WatchingTool(registry, await registry.RegisterEnforcerAsync(name, audience), audience, change ?? (static options => options));
        await tool.WhenReadyAsync();
        return tool;
    }

    public Task WhenReadyAsync() => _enforcer.WaitUntilReadyAsync().WaitAsync(Eventually.Patience);

    /// <summary>Ends the tool's process and begins another, which has what is on the disk.</summary>
    public async Task RestartAsync()
    {
        await _enforcer.DisposeAsync();
        _enforcer = new Enforcer(_options);
    }

    /// <summary>What the tool answers to an agent that reads.</summary>
    public Refusal Answer(WatchedAgent agent) => Answer(agent.Credential, agent.Key);

    public Refusal Answer(string credential, PrivateKey key)
    {
        var binding = new RequestBinding("GET", Url, _enforcer.Nonces.Current(), Sha256.Hash(Encoding.ASCII.GetBytes(credential)).ToBase64Url());
        // Proofs of the second in which the tool started may be from before.
        var proof = KeyProof.Create(key, binding, TimeProvider.System.GetUtcNow().AddSeconds(2));
        return _enforcer.Check(credential, proof, new RequestBinding("GET", Url), Read).Refusal;
    }

    /// <summary>Ends when it has come so far.</summary>
    public Task WhenReachedAsync(ulong epoch) => UntilAsync(() => Epoch >= epoch, () => $"Expected epoch {epoch}, found {Epoch}");

    /// <summary>Ends when the agent is answered so.</summary>
    public Task WhenAnswersAsync(Refusal expected, WatchedAgent agent) => WhenAnswersAsync(expected, agent.Credential, agent.Key);

    public Task WhenAnswersAsync(Refusal expected, string credential, PrivateKey key) =>
        UntilAsync(() => Answer(credential, key) == expected, () => $"Expected {expected.Name()}, found {Answer(credential, key).Name()}");

    /// <summary>Ends when the alarm was raised.</summary>
    public Task WhenAlarmedAsync(EnforcerAlarmKind kind, int times = 1) => UntilAsync(() => Alarms.Count(alarm => alarm == kind) >= times, () => $"There is no {kind}, or not {times} times");

    public async ValueTask DisposeAsync()
    {
        await _enforcer.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private Task UntilAsync(Func<bool> holds, Func<string> problem) =>
        Eventually.HoldsAsync(holds, () => $"{problem()}; alarms: {string.Join(", ", _alarms.Select(alarm => $"{alarm.Name} ({alarm.Detail})"))}.");
}
