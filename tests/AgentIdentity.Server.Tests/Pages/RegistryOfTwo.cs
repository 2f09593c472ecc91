using System.Text.Json.Nodes;
using AgentIdentity.Client;
using AgentIdentity.Client.Enforcing;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Server.Options;
using AgentIdentity.Server.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;
using AgentState = AgentIdentity.Protocol.V1.AgentState;

namespace AgentIdentity.Server.Tests.Pages;

/// <summary>A real server in this process that two people have founded, on a clock that can be moved, and an enforcer that watches it.</summary>
internal sealed class RegistryOfTwo : IAsyncDisposable
{
    private const string Tool = "https://tools.example/documents";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ServerHost _host;
    private readonly DirectoryInfo _folder;
    private readonly RegistryConnection _anna;

    private RegistryOfTwo(ServerHost host, DirectoryInfo folder, AdvancedClock clock)
    {
        (_host, _folder, Clock) = (host, folder, clock);
        _anna = Connect(Anna);
    }

    public AdvancedClock Clock { get; }

    public PrivateKey Anna { get; } = PrivateKey.Generate(KeyAlgorithm.Ed25519);

    public PrivateKey Bela { get; } = PrivateKey.Generate(KeyAlgorithm.ES256);

    public string Console => $"http://localhost:{_host.Bound.Console.Port}";

    public string PublicUrl => _host.Bound.PublicUrl;

    public Enforcer Enforcer { get; private set; } = null!;

    public static async Task<RegistryOfTwo> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-");
        var clock = new AdvancedClock();
        string[] arguments = ["--grpc=127.0.0.1:0", "--http=127.0.0.1:0", "--control=127.0.0.1:0", "--console=127.0.0.1:0", "--public-url=https://registry.example", $"--data={folder.FullName}/data"];
        var registry = new RegistryOfTwo(await ServerHost.StartAsync(CommandLine.Read(arguments, _ => null), NullLoggerFactory.Instance, clock), folder, clock);
        await registry.FoundAsync();
        await registry.WatchAsync();
        return registry;
    }

    /// <summary>Makes an operator of whoever has proven a key, by two, and waits until the enforcer knows: there a day begins as well.</summary>
    public async Task AddAsync(string proof)
    {
        Assert.Equal(Refusal.None, OperatorProof.Read(proof, PublicUrl, Clock.GetUtcNow(), out var read));
        var begun = await BeginAsync(ApprovedAction.AddOperator(read!.Key.KeyId, read.Name, read.Passkey));
        await _anna.Admin.AddOperatorAsync(new AddOperatorRequest { Proof = proof, Approvals = { Approve(Anna, begun), Approve(Bela, begun) } });
        var remembered = Path.Combine(_folder.FullName, "enforcer", "enforcer");
        await UntilAsync(() => File.ReadAllText(remembered).Contains(read.Passkey!.Text, StringComparison.Ordinal));
    }

    public Task<BeginApprovalResponse> BeginAsync(string action) => _anna.Admin.BeginApprovalAsync(new BeginApprovalRequest { Action = action }).ResponseAsync;

    /// <summary>The file that two people sign, as agentid writes it.</summary>
    public string FileOf(BeginApprovalResponse begun) => new JsonObject
    {
        ["action"] = JsonNode.Parse(begun.Action),
        ["public_url"] = PublicUrl,
        ["nonce"] = begun.Nonce,
        ["expires_at"] = begun.ExpiresAt,
        ["operators_needed"] = begun.OperatorsNeeded,
        ["approvals"] = new JsonArray(),
        ["about"] = new JsonArray("entry 12 is of a summariser"),
        ["passkeys"] = new JsonArray([.. begun.Passkeys.Select(passkey => new JsonObject { ["name"] = passkey.Name, ["jwk"] = JsonNode.Parse(passkey.Key.Jwk), ["origin"] = passkey.Origin })]),
    }.ToJsonString();

    public string Approve(PrivateKey key, BeginApprovalResponse begun) => Approval.Create(key, PublicUrl, begun.Action, begun.Nonce, Clock.GetUtcNow());

    /// <summary>An agent with a key, and a stop of it that the enforcer obeys.</summary>
    public async Task<(AgentAtTool Agent, ulong Stop)> StoppedAgentAsync()
    {
        var token = await _anna.Admin.CreateEnrolmentTokenAsync(new CreateEnrolmentTokenRequest
        {
            Sponsor = "Research desk",
            Blueprint = "summariser/2.1",
            MaximumEnvelope = TestRegistry.MaximumEnvelope,
            Audiences = { Tool },
            Uses = 1,
        });
        using var connection = Connect(null);
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var enrolled = await AgentEnrolment.EnrollAsync(connection, token.Token, key);
        var agent = new AgentAtTool(this, key, enrolled.Credential.Token);
        Assert.True(agent.IsLetIn);
        var stop = await _anna.Control.StopAsync(new StopRequest { Scope = new Scope { Agent = enrolled.Did }, State = AgentState.Frozen, Reason = "reads what it should not" });
        await UntilAsync(() => !agent.IsLetIn);
        return (agent, stop.LedgerIndex);
    }

    public Task<RestoreResponse> RestoreAsync(ulong stop, string reason, params string[] approvals) =>
        _anna.Control.RestoreAsync(new RestoreRequest { Stops = { stop }, Reason = reason, Approvals = { approvals } }).ResponseAsync;

    public string Write(string name, string content)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, content);
        return path;
    }

    public static async Task UntilAsync(Func<bool> holds)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!holds())
            await Task.Delay(TimeSpan.FromMilliseconds(10), patience.Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (Enforcer is not null)
            await Enforcer.DisposeAsync();
        _anna.Dispose();
        await _host.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private async Task FoundAsync()
    {
        var secret = (await File.ReadAllTextAsync(_host.BootstrapFile)).Trim();
        using var connection = Connect(null);
        await connection.Admin.BootstrapAsync(new BootstrapRequest { Secret = secret, Operators = { First("Anna", Anna, secret), First("Bela", Bela, secret) } });
    }

    private FirstOperator First(string name, PrivateKey key, string secret) =>
        new() { Name = name, Proof = BootstrapProof.Create(key, PublicUrl, Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(secret)), name, Clock.GetUtcNow()) };

    private async Task WatchAsync()
    {
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        await _anna.Admin.RegisterCallerAsync(new RegisterCallerRequest { Role = Role.Enforcer, Name = "gateway", Key = new() { Jwk = key.PublicKey.ToJwk() }, Audiences = { Tool } });
        Enforcer = new Enforcer(new EnforcerOptions { Registry = Options, Key = key, Audiences = [Tool], StateFolder = Path.Combine(_folder.FullName, "enforcer") });
        await Enforcer.WaitUntilReadyAsync().WaitAsync(Patience);
    }

    private ConnectionOptions Options => new()
    {
        GrpcUrl = $"http://{_host.Bound.Grpc}", ControlUrl = $"http://{_host.Bound.Control}", PublicUrl = PublicUrl, Clock = Clock, Deadline = TimeSpan.FromSeconds(30),
    };

    private RegistryConnection Connect(PrivateKey? key) => new(Options, key);

    /// <summary>An agent that asks the enforcer.</summary>
    public sealed class AgentAtTool(RegistryOfTwo registry, PrivateKey key, string credential)
    {
        private const string Url = Tool + "/report";

        public bool IsLetIn => Ask().IsAllowed;

        private Decision Ask()
        {
            var request = new RequestBinding("GET", Url, registry.Enforcer.Nonces.Current(), Sha256.Hash(System.Text.Encoding.ASCII.GetBytes(credential)).ToBase64Url());
            return registry.Enforcer.Check(credential, KeyProof.Create(key, request, registry.Clock.GetUtcNow() + TimeSpan.FromSeconds(1)), new RequestBinding("GET", Url));
        }
    }
}
