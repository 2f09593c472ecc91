using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Home;
using AgentIdentity.Cli.Verbs;
using AgentIdentity.Client;
using AgentIdentity.Client.Enforcing;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Drill;

/// <summary>Who decides about a request.</summary>
internal enum Gate
{
    /// <summary>The drill's own enforcer, which asks nobody.</summary>
    Enforcer,

    /// <summary>The registry, by Verify.</summary>
    Registry,

    /// <summary>A tool that was named, over HTTP.</summary>
    Tool,
}

/// <summary>A tool that answers GET, whom its credentials must be for, and what they must allow.</summary>
internal sealed record NamedTool(Uri Url, string Audience, string Allow);

/// <summary>One request, and what came of it. <paramref name="BeganAt"/> is a timestamp of the clock.</summary>
internal sealed record Attempt(Gate Gate, long BeganAt, string Reason)
{
    public bool IsAllowed => Reason == Refusal.None.Name();
}

/// <summary>What the shadow agents use: a tool that is nowhere, with an enforcer of its own, the registry's answer beside it, and a real tool when one was named.</summary>
internal sealed class DrillTool : IAsyncDisposable
{
    public const string Audience = "https://drill.invalid";
    public const string Url = Audience + "/records";

    public static readonly AskedAction Allowed = new("drill", "read", Url);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // Fast enough to see milliseconds, and no load.
    private static readonly TimeSpan TryEvery = TimeSpan.FromMilliseconds(5);

    private readonly PrivateKey _key;
    private readonly Enforcer _enforcer;
    private readonly RegistryConnection _operator;
    private readonly TimeProvider _clock;

    private DrillTool(PrivateKey key, Enforcer enforcer, string name, NamedTool? named, RegistryConnection @operator, TimeProvider clock) =>
        (_key, _enforcer, Name, Named, _operator, _clock) = (key, enforcer, name, named, @operator, clock);

    public string Name { get; }

    public NamedTool? Named { get; }

    public IReadOnlyList<Gate> Gates => Named is null ? [Gate.Enforcer, Gate.Registry] : [Gate.Enforcer, Gate.Registry, Gate.Tool];

    public IEnumerable<string> Audiences => Named is null ? [Audience] : [Audience, Named.Audience];

    /// <summary>What the shadow agents may do, and pass on so many times.</summary>
    public string Envelope(int depth)
    {
        string[] allowed = Named is null ? [$"drill:read:{Audience}/*"] : [$"drill:read:{Audience}/*", Named.Allow];
        return new JsonArray([.. allowed.Select(text => AuthorityOptions.ParseAllow(text, depth))]).ToJsonString();
    }

    /// <summary>Whether it was registered for this drill. It stays: to remove an enforcer takes two people.</summary>
    public bool IsNew { get; private init; }

    public ConcurrentQueue<Attempt> Attempts { get; } = new();

    public static async Task<DrillTool> OpenAsync(Invocation run, RegistryConnection @operator, NamedTool? named, string stateFolder, CancellationToken cancellationToken)
    {
        var key = HomeFolder.MakeKey(run.Home.DrillKeyFile, KeyAlgorithm.ES256);
        // Each home folder has its own, by the name of its key.
        var name = $"drill {key.PublicKey.KeyId.ToString()[..8]}";
        var isNew = await RegisterAsync(@operator, name, key, cancellationToken);
        var enforcer = new Enforcer(new EnforcerOptions { Registry = run.Connection, Key = key, Audiences = [Audience], StateFolder = stateFolder });
        var tool = new DrillTool(key, enforcer, name, named, @operator, run.Clock) { IsNew = isNew };
        try
        {
            await enforcer.WaitUntilReadyAsync(cancellationToken).WaitAsync(Patience, run.Clock, cancellationToken);
            return tool;
        }
        catch (TimeoutException)
        {
            await tool.DisposeAsync();
            throw Failure.Refused($"{name} was given no lease in {Patience.TotalSeconds} s.", "Was it removed by two operators? Then move the key away that the home folder keeps for drills, drill.jwk.");
        }
    }

    /// <summary>Shows the credential with a fresh proof at one gate.</summary>
    public Task<Attempt> TryAsync(Gate gate, ShadowAgent agent, AskedAction action, CancellationToken cancellationToken)
    {
        var nonce = _enforcer.Nonces.Current();
        return TryAsync(gate, agent, action, nonce, agent.Prove(nonce, _clock.GetUtcNow()), cancellationToken);
    }

    /// <summary>The same with a proof that is there already.</summary>
    public async Task<Attempt> TryAsync(Gate gate, ShadowAgent agent, AskedAction action, string nonce, string proof, CancellationToken cancellationToken)
    {
        var began = _clock.GetTimestamp();
        var attempt = new Attempt(gate, began, gate switch
        {
            Gate.Enforcer => _enforcer.Check(agent.Credential.Token, proof, new RequestBinding("GET", Url), action).Refusal.Name(),
            Gate.Registry => await VerifyAsync(agent, action, nonce, proof, cancellationToken),
            _ => await CallAsync(agent, cancellationToken),
        });
        Attempts.Enqueue(attempt);
        return attempt;
    }

    /// <summary>Shows one proof twice.</summary>
    public async Task<(Attempt First, Attempt Second)> TryTwiceAsync(Gate gate, ShadowAgent agent, CancellationToken cancellationToken)
    {
        var nonce = _enforcer.Nonces.Current();
        var proof = agent.Prove(nonce, _clock.GetUtcNow());
        var first = await TryAsync(gate, agent, Allowed, nonce, proof, cancellationToken);
        return (first, await TryAsync(gate, agent, Allowed, nonce, proof, cancellationToken));
    }

    /// <summary>Goes on trying at every gate, as a thief does, until it is told to end.</summary>
    public async Task HammerAsync(ShadowAgent agent, CancellationToken ending)
    {
        using var timer = new PeriodicTimer(TryEvery, _clock);
        try
        {
            while (await timer.WaitForNextTickAsync(ending))
            {
                foreach (var gate in Gates)
                    await TryAsync(gate, agent, Allowed, ending);
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The drill goes on.
        }
    }

    /// <summary>Ends when each gate has answered a request that began after a timestamp, as those who hammer make: what was not tried was not refused.</summary>
    public async Task WhenTriedSinceAsync(long moment, TimeSpan patience, CancellationToken cancellationToken)
    {
        var began = _clock.GetTimestamp();
        while (!Gates.All(gate => Attempts.Any(attempt => attempt.Gate == gate && attempt.BeganAt > moment)) && _clock.GetElapsedTime(began) < patience)
            await Task.Delay(TryEvery, _clock, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _enforcer.DisposeAsync();
        _key.Dispose();
    }

    private static async Task<bool> RegisterAsync(RegistryConnection @operator, string name, PrivateKey key, CancellationToken cancellationToken)
    {
        var request = new RegisterCallerRequest { Role = Role.Enforcer, Name = name, Key = new() { Jwk = key.PublicKey.ToJwk() }, Audiences = { Audience } };
        try
        {
            await @operator.Admin.RegisterCallerAsync(request, cancellationToken: cancellationToken);
            return true;
        }
        catch (RegistryRefusedException refused) when (refused.Refusal == Refusal.KeyAlreadyRegistered)
        {
            return false;
        }
    }

    private async Task<string> VerifyAsync(ShadowAgent agent, AskedAction action, string nonce, string proof, CancellationToken cancellationToken)
    {
        var answer = await _operator.Credentials.VerifyAsync(
            new VerifyRequest
            {
                Credential = agent.Credential.Token,
                Proof = proof,
                Method = "GET",
                Url = Url,
                Nonce = nonce,
                Audience = Audience,
                Action = new() { Type = action.Type, Action_ = action.Action, Location = action.Location },
            },
            cancellationToken: cancellationToken);
        return answer.Reason;
    }

    // A tool that is not ours names no reason.
    private async Task<string> CallAsync(ShadowAgent agent, CancellationToken cancellationToken)
    {
        var answer = await ToolCall.SendAsync(agent.Key, agent.Credential.Source, () => new HttpRequestMessage(HttpMethod.Get, Named!.Url), cancellationToken);
        return answer.IsSuccess ? Refusal.None.Name() : answer.Reason ?? $"HTTP {answer.Status}";
    }
}
