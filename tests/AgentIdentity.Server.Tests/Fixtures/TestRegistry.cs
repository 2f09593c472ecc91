using AgentIdentity.Client;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Server.Options;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using AgentState = AgentIdentity.Protocol.V1.AgentState;
using EntryKind = AgentIdentity.Credentials.Entries.EntryKind;

namespace AgentIdentity.Server.Tests.Fixtures;

/// <summary>A real server in this process, on free ports of loopback and a folder of its own, with one operator who has founded it.</summary>
public sealed class TestRegistry : IAsyncDisposable
{
    public const string Documents = "https://tools.example/documents";
    public const string Mail = "https://tools.example/mail";
    public const string Sponsor = "Research desk";
    public const string MaximumEnvelope = """[{"type":"documents","actions":["read","comment/*"],"locations":["https://tools.example/documents/*"]}]""";

    private readonly string _folder;
    private readonly bool _ownsFolder;
    private RegistryConnection? _operatorConnection;

    private TestRegistry(ServerHost host, string folder, bool ownsFolder)
    {
        (Host, _folder, _ownsFolder) = (host, folder, ownsFolder);
    }

    public PrivateKey Operator { get; private set; } = PrivateKey.Generate(KeyAlgorithm.ES256);

    /// <summary>What it was founded with.</summary>
    public string BootstrapSecret { get; private set; } = "";

    public string GrpcUrl => $"{Scheme}://{Host.Bound.Grpc}";

    public string HttpUrl => $"{Scheme}://{Host.Bound.Http}";

    public string ControlUrl => $"{Scheme}://{Host.Bound.Control}";

    public string ConsoleUrl => $"{Scheme}://{Host.Bound.Console}";

    public string PublicUrl => Host.Bound.PublicUrl;

    public string Folder => _folder;

    /// <summary>Signs as the operator.</summary>
    public RegistryConnection AsOperator => _operatorConnection ??= Connect(Operator);

    internal ServerHost Host { get; }

    private string Scheme => Host.Bound.HasTls ? "https" : "http";

    /// <summary>A registry that its operator has founded.</summary>
    public static async Task<TestRegistry> StartAsync(params string[] flags)
    {
        var registry = await StartUnfoundedAsync(flags);
        await registry.FoundAsync();
        return registry;
    }

    /// <summary>The same by a clock of the caller's.</summary>
    public static async Task<TestRegistry> StartAsync(TimeProvider clock, params string[] flags)
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;
        var registry = new TestRegistry(await StartHostAsync(folder, NullLoggerFactory.Instance, clock, flags), folder, ownsFolder: true);
        await registry.FoundAsync();
        return registry;
    }

    public static Task<TestRegistry> StartUnfoundedAsync(params string[] flags) => StartUnfoundedAsync(NullLoggerFactory.Instance, flags);

    public static Task<TestRegistry> StartUnfoundedAsync(ILoggerFactory loggers, params string[] flags) =>
        StartInAsync(Directory.CreateTempSubdirectory("agentidentity-").FullName, ownsFolder: true, loggers, flags);

    /// <summary>On a folder that the caller keeps: for restarts.</summary>
    public static Task<TestRegistry> StartInAsync(string folder, params string[] flags) => StartInAsync(folder, ownsFolder: false, NullLoggerFactory.Instance, flags);

    /// <summary>The same by a clock of the caller's.</summary>
    public static async Task<TestRegistry> StartInAsync(string folder, TimeProvider clock, params string[] flags) =>
        new(await StartHostAsync(folder, NullLoggerFactory.Instance, clock, flags), folder, ownsFolder: false);

    /// <summary>Where it is, for who connects by himself.</summary>
    public ConnectionOptions Address => new() { GrpcUrl = GrpcUrl, HttpUrl = HttpUrl, ControlUrl = ControlUrl, PublicUrl = PublicUrl, TrustedCertificateFile = Host.Bound.TlsCertificate, Deadline = TimeSpan.FromSeconds(30) };

    public RegistryConnection Connect(PrivateKey? key = null, CredentialSource? credentials = null) => new(Address, key, credentials);

    public async Task<BootstrapResponse> FoundAsync(KeyAlgorithm algorithm = KeyAlgorithm.ES256)
    {
        if (algorithm != Operator.PublicKey.Algorithm)
            Operator = PrivateKey.Generate(algorithm);
        var secret = BootstrapSecret = (await File.ReadAllTextAsync(Host.BootstrapFile)).Trim();
        var request = new BootstrapRequest { Secret = secret, Operators = { First("first operator", Operator, secret) } };
        using var connection = Connect();
        return await connection.Admin.BootstrapAsync(request);
    }

    public FirstOperator First(string name, PrivateKey key, string secret) =>
        new() { Name = name, Proof = BootstrapProof.Create(key, PublicUrl, Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(secret)), name, TimeProvider.System.GetUtcNow()) };

    /// <summary>What was written since, but for what the clock has written: heads, each second.</summary>
    /// <param name="position">Of the first entry that counts.</param>
    public IEnumerable<EntryKind> WrittenSince(ulong position) =>
        Host.Registry.State.Position == position ? [] : Host.Registry.Reading.ListEntries(position, 1000, Period.All).Entries.Select(entry => entry.Kind).Where(kind => kind != EntryKind.Heads);

    public async Task<string> CreateTokenAsync(uint uses = 1, string sponsor = Sponsor, string envelope = MaximumEnvelope, string nextDidKeyHash = "") =>
        (await AsOperator.Admin.CreateEnrolmentTokenAsync(new CreateEnrolmentTokenRequest
        {
            Sponsor = sponsor,
            Blueprint = "summariser/2.1 model-x/5",
            Labels = { new Label { Name = "team", Value = "research" } },
            MaximumEnvelope = envelope,
            Audiences = { Documents, Mail },
            Uses = uses,
            NextDidKeyHash = nextDidKeyHash,
        })).Token;

    public async Task<TestAgent> EnrolAsync(KeyAlgorithm algorithm = KeyAlgorithm.ES256, string sponsor = Sponsor, string envelope = MaximumEnvelope, string nextDidKeyHash = "")
    {
        var key = PrivateKey.Generate(algorithm);
        using var connection = Connect();
        var enrolled = await AgentEnrolment.EnrollAsync(connection, await CreateTokenAsync(sponsor: sponsor, envelope: envelope, nextDidKeyHash: nextDidKeyHash), key);
        return new TestAgent(this, key, enrolled);
    }

    /// <summary>Registers a caller under a fresh key; an enforcer answers for both audiences.</summary>
    public async Task<PrivateKey> RegisterAsync(Role role, string name)
    {
        var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var request = new RegisterCallerRequest { Role = role, Name = name, Key = new() { Jwk = key.PublicKey.ToJwk() } };
        if (role == Role.Enforcer)
            request.Audiences.AddRange([Documents, Mail]);
        await AsOperator.Admin.RegisterCallerAsync(request);
        return key;
    }

    public Task<StopResponse> StopAgentAsync(string agent, AgentState state = AgentState.Frozen) =>
        AsOperator.Control.StopAsync(new StopRequest { Scope = new Scope { Agent = agent }, State = state, Reason = "reads what it should not" }).ResponseAsync;

    public async ValueTask DisposeAsync()
    {
        _operatorConnection?.Dispose();
        await Host.DisposeAsync();
        if (_ownsFolder)
            Directory.Delete(_folder, recursive: true);
    }

    private static async Task<TestRegistry> StartInAsync(string folder, bool ownsFolder, ILoggerFactory loggers, string[] flags) =>
        new(await StartHostAsync(folder, loggers, flags), folder, ownsFolder);

    internal static Task<ServerHost> StartHostAsync(string folder, ILoggerFactory loggers, params string[] flags) => StartHostAsync(folder, loggers, TimeProvider.System, flags);

    private static Task<ServerHost> StartHostAsync(string folder, ILoggerFactory loggers, TimeProvider clock, params string[] flags)
    {
        string[] usual = ["--dev", "--grpc=127.0.0.1:0", "--http=127.0.0.1:0", "--control=127.0.0.1:0", "--console=127.0.0.1:0", $"--data={folder}"];
        return ServerHost.StartAsync(CommandLine.Read([.. usual, .. flags], _ => null), loggers, clock);
    }
}
