using System.Text;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Tests.Wire;
using AgentState = AgentIdentity.Protocol.V1.AgentState;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;

namespace AgentIdentity.Watch.Tests.Fixtures;

/// <summary>The real server as a process of its own, founded by two operators. It is killed and comes back on the same folder and the same address.</summary>
internal sealed class WatchedRegistry : IAsyncDisposable
{
    public const string PublicUrl = "https://registry.example";
    public const string Audience = "https://tool.example";
    public const string Envelope = """[{"type":"notes","actions":["read","write"],"locations":["notes/*"]}]""";

    private const string Reason = "reads what it should not";

    private ServerProcess _server;
    private RegistryConnection _asOperator;

    private WatchedRegistry(string folder, ServerProcess server)
    {
        (Folder, _server) = (folder, server);
        GrpcPort = server.Address("grpc").Port;
        _asOperator = Connect(Operators[0]);
    }

    public string Folder { get; }

    /// <summary>Where enforcers find it, whoever serves there.</summary>
    public int GrpcPort { get; }

    public string GrpcUrl => $"http://127.0.0.1:{GrpcPort}";

    public IReadOnlyList<PrivateKey> Operators { get; } = [PrivateKey.Generate(KeyAlgorithm.ES256), PrivateKey.Generate(KeyAlgorithm.Ed25519)];

    public static async Task<WatchedRegistry> StartAsync(string? folder = null)
    {
        folder ??= Directory.CreateTempSubdirectory("agentidentity-watch-").FullName;
        var registry = new WatchedRegistry(folder, await ServeAsync(folder, grpcPort: 0));
        await registry.FoundAsync();
        return registry;
    }

    /// <summary>Ends the server as kill -9 does.</summary>
    public Task KillAsync() => _server.KillAsync();

    /// <summary>Starts the server again at its address, on its folder or on another one.</summary>
    public async Task StartAgainAsync(string? folder = null)
    {
        await _server.DisposeAsync();
        _asOperator.Dispose();
        _server = await ServeAsync(folder ?? Folder, GrpcPort);
        _asOperator = Connect(Operators[0]);
    }

    public RegistryConnection Connect(PrivateKey? key = null) => new(
        new ConnectionOptions { GrpcUrl = GrpcUrl, ControlUrl = $"http://{_server.Address("control")}", PublicUrl = PublicUrl, Deadline = TimeSpan.FromSeconds(30) }, key);

    public async Task<string> CreateTokenAsync(string sponsor = "team", string blueprint = "bot/1", string region = "eu", string audience = Audience)
    {
        var wish = new CreateEnrolmentTokenRequest { Sponsor = sponsor, Blueprint = blueprint, Labels = { new Label { Name = "region", Value = region } }, MaximumEnvelope = Envelope, Audiences = { audience }, Uses = 1 };
        return (await _asOperator.Admin.CreateEnrolmentTokenAsync(wish)).Token;
    }

    public async Task DefineBlueprintAsync(string name, string model) => await _asOperator.Admin.DefineBlueprintAsync(new DefineBlueprintRequest { Name = name, Model = model });

    public async Task<WatchedAgent> EnrolAsync() => await EnrolAsync(await CreateTokenAsync());

    public async Task<WatchedAgent> EnrolAsync(string token)
    {
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        using var connection = Connect();
        return new WatchedAgent(key, await AgentEnrolment.EnrollAsync(connection, token, key));
    }

    /// <summary>Registers an enforcer under a fresh key.</summary>
    public async Task<PrivateKey> RegisterEnforcerAsync(string name, string audience = Audience)
    {
        var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        await _asOperator.Admin.RegisterCallerAsync(new RegisterCallerRequest { Role = Role.Enforcer, Name = name, Key = new() { Jwk = key.PublicKey.ToJwk() }, Audiences = { audience } });
        return key;
    }

    public Task<StopResponse> StopAsync(WatchedAgent agent) => StopAsync(new Scope { Agent = agent.Did });

    public async Task<StopResponse> StopAsync(Scope scope) =>
        await _asOperator.Control.StopAsync(new StopRequest { Scope = scope, State = AgentState.Frozen, Reason = Reason });

    /// <summary>Both operators lift stops.</summary>
    public async Task<RestoreResponse> RestoreAsync(params ulong[] stops)
    {
        const string Why = "it was a false alarm";
        var action = ApprovedAction.Restore([.. stops.Select(stop => new LeafIndex(stop))], Why);
        var begun = await _asOperator.Admin.BeginApprovalAsync(new BeginApprovalRequest { Action = action });
        var approvals = Operators.Select(key => Approval.Create(key, PublicUrl, begun.Action, begun.Nonce, TimeProvider.System.GetUtcNow()));
        return await _asOperator.Control.RestoreAsync(new RestoreRequest { Reason = Why, Stops = { stops }, Approvals = { approvals } });
    }

    /// <summary>What a responder asks first. It is a look at private data.</summary>
    public async Task<WhoIsResponse> WhoIsAsync(WatchedAgent agent) => await _asOperator.Questions.WhoIsAsync(new WhoIsRequest { Who = new Asked { Agent = agent.Did } });

    public async Task<StopPropagation> ReportAsync(ulong stop) =>
        (await _asOperator.Control.PropagationAsync(new PropagationRequest { Stop = stop })).Stops.Single();

    /// <summary>Follows a stop until it has come so far.</summary>
    public Task<StopPropagation> WhenAsync(ulong stop, StopLevel level) => WhenAsync(stop, report => report.Level >= level, $"{level}");

    /// <summary>Follows a stop until all enforcers have signed it. One whose lease was over first, as after a slow start, signs all the same.</summary>
    public Task<StopPropagation> WhenSignedAsync(ulong stop) => WhenAsync(stop, report => report.Enforcers.All(enforcer => enforcer.Progress == EnforcerProgress.Acknowledged), "all had signed");

    /// <summary>Follows a stop until its report is so.</summary>
    public async Task<StopPropagation> WhenAsync(ulong stop, Func<StopPropagation, bool> holds, string what)
    {
        using var patience = new CancellationTokenSource(Eventually.Patience);
        using var following = _asOperator.Control.WatchPropagation(new PropagationRequest { Stop = stop }, cancellationToken: patience.Token);
        while (await following.ResponseStream.MoveNext(patience.Token))
        {
            if (following.ResponseStream.Current.Stops.Single() is var report && holds(report))
                return report;
        }
        throw new InvalidOperationException($"The report ended before {what}.");
    }

    public async ValueTask DisposeAsync()
    {
        _asOperator.Dispose();
        await _server.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private static Task<ServerProcess> ServeAsync(string folder, int grpcPort) => ServerProcess.StartAsync(
        "AgentIdentity.Server.dll",
        "--public-url", PublicUrl, "--data", folder, "--grpc", $"127.0.0.1:{grpcPort}", "--http", "127.0.0.1:0", "--control", "127.0.0.1:0", "--console", "127.0.0.1:0");

    private async Task FoundAsync()
    {
        var secret = (await File.ReadAllTextAsync(Path.Combine(Folder, "bootstrap-secret"))).Trim();
        string[] names = ["first", "second"];
        var founders = Operators.Zip(names, (key, name) => new FirstOperator
        {
            Name = name, Proof = BootstrapProof.Create(key, PublicUrl, Sha256.Hash(Encoding.UTF8.GetBytes(secret)), name, TimeProvider.System.GetUtcNow()),
        });
        using var connection = Connect();
        await connection.Admin.BootstrapAsync(new BootstrapRequest { Secret = secret, Operators = { founders } });
    }
}

/// <summary>An enrolled agent with its key.</summary>
internal sealed record WatchedAgent(PrivateKey Key, EnrolledAgent Enrolled)
{
    public string Did => Enrolled.Did;

    public string Credential => Enrolled.Credential.Token;
}
