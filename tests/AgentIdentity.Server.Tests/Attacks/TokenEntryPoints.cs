using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using AgentIdentity.AspNetCore;
using AgentIdentity.Client;
using AgentIdentity.Client.Enforcing;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Meeting;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Status;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Tests.Wire;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using FirstOperator = AgentIdentity.Protocol.V1.FirstOperator;
using Scope = AgentIdentity.Credentials.Entries.Scope;

namespace AgentIdentity.Server.Tests.Attacks;

/// <summary>A place that takes a token.</summary>
/// <param name="Genuine">A good token for it, made anew.</param>
/// <param name="Key">Who signs those.</param>
/// <param name="Expected">The one name under which it refuses what is none.</param>
/// <param name="SendAsync">Sends a token there, and gives the name of the refusal; NONE when it was taken.</param>
/// <param name="IsHeader">Whether it travels in a header, where not every character can stand.</param>
internal sealed record EntryPoint(Func<string> Genuine, PrivateKey Key, Refusal Expected, Func<string, Task<string>> SendAsync, bool IsHeader = false)
{
    /// <summary>Further names, where what is wrong is told before the signature is good.</summary>
    public IReadOnlyList<Refusal> OrElse { get; init; } = [];

    /// <summary>Attacks that are none here: a good token may look so.</summary>
    public IReadOnlyList<string> NoAttacks { get; init; } = [];

    /// <summary>Whether an answer says no more than it may.</summary>
    public bool IsExpected(string answer) => OrElse.Prepend(Expected).Any(refusal => refusal.Name() == answer);
}

/// <summary>Every place of the product that takes a token, around one registry: its listeners, an enforcer, and two tools behind the middleware. Whoever calls signs by one algorithm.</summary>
public abstract class TokenEntryPoints(KeyAlgorithm algorithm, ILoggerFactory? loggers = null) : IAsyncLifetime
{
    private const string Enroll = "/agentidentity.v1.Registry/Enroll";
    private const string RotateKey = "/agentidentity.v1.Registry/RotateKey";
    private const string Issue = "/agentidentity.v1.Credentials/Issue";
    private const string Renew = "/agentidentity.v1.Credentials/Renew";
    private const string Delegate = "/agentidentity.v1.Credentials/Delegate";
    private const string Verify = "/agentidentity.v1.Credentials/Verify";
    private const string Watch = "/agentidentity.v1.Access/Watch";
    private const string Obey = "/agentidentity.v1.Control/Obey";
    private const string Bootstrap = "/agentidentity.v1.Admin/Bootstrap";
    private const string CreateToken = "/agentidentity.v1.Admin/CreateEnrolmentToken";
    private const string ToolPath = "/documents/report";
    private const string Newcomer = "second operator";

    private readonly ILoggerFactory _loggers = loggers ?? NullLoggerFactory.Instance;
    private readonly HttpClient _http = new();
    private readonly List<WebApplication> _tools = [];
    private readonly PrivateKey _breakGlass = PrivateKey.Generate(algorithm);
    private readonly PrivateKey _newKey = PrivateKey.Generate(algorithm);

    // No agent: genuine proofs of a rotation change nobody's key.
    private readonly SubjectId _nobody = SubjectId.New(DateTimeOffset.UnixEpoch);
    private readonly EvidenceEntryPoints _evidence = new();
    private readonly DirectoryInfo _settings = Directory.CreateTempSubdirectory("agentidentity-");
    private MeetingChallenge _asked = null!;
    private TestRegistry _registry = null!;
    private TestRegistry _unfounded = null!;
    private string _secret = "";
    private TestAgent _agent = null!;
    private PrivateKey _issuer = null!;
    private PrivateKey _enforcerKey = null!;
    private PrivateKey _watchingKey = null!;
    private Enforcer _enforcer = null!;

    /// <summary>Where the token is one that the registry has signed.</summary>
    public static IReadOnlyList<string> OfIssuer { get; } =
    [
        "Verify, credential", "Issue, credential beside the proof", "Renew, credential beside the proof", "Renew, credential to renew", "Delegate, credential that is passed on from", "enforcer, credential",
        "tool that decides itself, credential", "tool that asks the registry, credential", "/credentials/verify, credential", "reader of token status lists", "reader of bitstring status lists",
        "friend or foe, credential", "friend or foe, status list", "Enroll, workload token", "Enroll, JWT-SVID", "Enroll, X.509-SVID",
    ];

    /// <summary>Where the token is one that its sender has signed.</summary>
    public static IReadOnlyList<string> OfCallers { get; } =
    [
        "Verify, proof", "Verify, the caller's own proof", "Issue, proof", "Renew, proof", "Delegate, proof", "Enroll, proof", "RotateKey, proof of the new key", "RotateKey, consent of the old key", "an operator's request, proof",
        "Watch, proof", "Watch, acknowledgement", "enforcer, proof", "tool that decides itself, proof", "tool that asks the registry, proof", "Bootstrap, proof", "AddOperator, proof of the newcomer", "SetBreakGlassKey, approval", "Obey, stop order", "friend or foe, proof", "Enroll, vouch",
    ];

    internal Dictionary<string, EntryPoint> All { get; private set; } = [];

    internal TestRegistry Registry => _registry;

    public async Task InitializeAsync()
    {
        _unfounded = await TestRegistry.StartUnfoundedAsync(_loggers, "--dev=false");
        _secret = (await File.ReadAllTextAsync(_unfounded.Host.BootstrapFile)).Trim();
        _registry = await TestRegistry.StartUnfoundedAsync(_loggers, "--evidence=" + _evidence.WriteTo(_settings.FullName));
        await _registry.FoundAsync(algorithm);
        await _evidence.DemandAsync(_registry);
        await SetBreakGlassKeyAsync();
        _agent = await _registry.EnrolAsync(algorithm);
        _asked = MeetingChallenge.Create(_registry.Host.Registry.Settings.Name.AgentDid(_nobody), _agent.Did, "hand over the draft", "a TLS exporter"u8);
        _issuer = ReadKey("credentials-*.json");
        _enforcerKey = await RegisterAsync("gateway");
        // A second stream of one enforcer ends the first.
        _watchingKey = await RegisterAsync("another gateway");
        _enforcer = new Enforcer(new EnforcerOptions
        {
            Registry = new ConnectionOptions { GrpcUrl = _registry.GrpcUrl, PublicUrl = _registry.PublicUrl }, Key = _enforcerKey, Audiences = [TestRegistry.Documents], StateFolder = Path.Combine(_registry.Folder, "enforcer"),
        });
        await _enforcer.WaitUntilReadyAsync().WaitAsync(TimeSpan.FromSeconds(30));
        var (local, remote) = (await StartToolAsync(asks: false), await StartToolAsync(asks: true));
        All = IssuerTable(local, remote).Concat(CallerTable(local, remote)).ToDictionary(StringComparer.Ordinal);
    }

    public async Task DisposeAsync()
    {
        foreach (var tool in _tools)
            await tool.DisposeAsync();
        await _enforcer.DisposeAsync();
        await _registry.DisposeAsync();
        await _unfounded.DisposeAsync();
        _http.Dispose();
        _evidence.Dispose();
        _settings.Delete(recursive: true);
    }

    private IEnumerable<KeyValuePair<string, EntryPoint>> IssuerTable(Uri local, Uri remote) => OfIssuer.Zip<string, EntryPoint, KeyValuePair<string, EntryPoint>>(
        [
            Credential(VerifyCredentialAsync), Beside(Issue, new IssueRequest()), Beside(Renew, new RenewRequest { Credential = _agent.Credential }), Credential(RenewAsync), Beside(Delegate, new DelegateRequest { Agent = _agent.Did }),
            Credential(token => Task.FromResult(AskEnforcer(token, _agent.Presents(token).Proof))), ToolCredential(local), ToolCredential(remote), Credential(VerifyEnvelopedAsync),
            StatusList("/status/0", (reader, token) => reader.ReadTokenList(token, 0, TimeProvider.System.GetUtcNow(), out _)), StatusList("/status/0/bitstring", (reader, token) => reader.ReadBitstring(token, 0, TimeProvider.System.GetUtcNow(), out _)),
            Credential(token => MeetAsync(asked => MeetingAnswer.Create(asked, _agent.Key, token, StatusList()))), new(StatusList, _issuer, Refusal.StatusListInvalid, token => MeetAsync(asked => MeetingAnswer.Create(asked, _agent.Key, _agent.Credential, token))),
            _evidence.WorkloadToken(_registry, EnrolAsync), _evidence.JwtSvid(_registry, EnrolAsync), _evidence.X509Svid(_registry, EnrolAsync),
        ],
        KeyValuePair.Create);

    private IEnumerable<KeyValuePair<string, EntryPoint>> CallerTable(Uri local, Uri remote) => OfCallers.Zip<string, EntryPoint, KeyValuePair<string, EntryPoint>>(
        [
            new(() => _agent.Presents().Proof, _agent.Key, Refusal.ProofInvalid, VerifyProofAsync), Proof(_enforcerKey, _registry.GrpcUrl, Verify, new VerifyRequest { Audience = TestRegistry.Documents }),
            Proof(_agent.Key, _registry.GrpcUrl, Issue, new IssueRequest()), Proof(_agent.Key, _registry.GrpcUrl, Renew, new RenewRequest { Credential = _agent.Credential }), Proof(_agent.Key, _registry.GrpcUrl, Delegate, new DelegateRequest { Agent = _agent.Did }),
            new(EnrolmentProofOf, _agent.Key, Refusal.ProofInvalid, proof => EnrolAsync(new EnrollRequest { Token = "a token", Proof = proof })),
            new(() => RotationProofOf(_newKey, _agent.Key), _newKey, Refusal.ProofInvalid, proof => RotateAsync(proof, RotationProofOf(_agent.Key, _newKey))),
            new(() => RotationProofOf(_agent.Key, _newKey), _agent.Key, Refusal.ProofInvalid, consent => RotateAsync(RotationProofOf(_newKey, _agent.Key), consent)),
            Proof(_registry.Operator, _registry.ControlUrl, CreateToken, new CreateEnrolmentTokenRequest()), Proof(_enforcerKey, _registry.GrpcUrl, Watch, new EnforcerMessage { Begin = new WatchBegin() }),
            new(() => AcknowledgementAsync().GetAwaiter().GetResult(), _watchingKey, Refusal.AcknowledgementInvalid, AcknowledgeAsync),
            new(() => ProofFor(_agent.Credential, TestAgent.ToolUrl, _enforcer.Nonces.Current()), _agent.Key, Refusal.ProofInvalid, proof => Task.FromResult(AskEnforcer(_agent.Credential, proof))), ToolProof(local), ToolProof(remote),
            new(() => _unfounded.First(Newcomer, _newKey, _secret).Proof, _newKey, Refusal.ProofInvalid, FoundAsync),
            new(() => OperatorProof.Create(_newKey, _registry.PublicUrl, Newcomer, TimeProvider.System.GetUtcNow()), _newKey, Refusal.ProofInvalid, AddOperatorAsync),
            new(() => Approval.Create(_registry.Operator, _registry.PublicUrl, ApprovedAction.SetBreakGlassKey(_newKey.PublicKey.KeyId), "no nonce of the registry's", TimeProvider.System.GetUtcNow()), _registry.Operator, Refusal.ApprovalInvalid, ApproveAsync),
            new(OrderOf, _breakGlass, Refusal.OrderInvalid, order => CallAsync(_registry.ControlUrl, Obey, new ObeyRequest { Order = order }, proof: null)),
            new(() => Answer()["proof"]!.GetValue<string>(), _agent.Key, Refusal.ProofInvalid, MeetAsync), _evidence.Vouch(_registry, EnrolAsync, _agent.Key),
        ],
        KeyValuePair.Create);

    private EntryPoint Credential(Func<string, Task<string>> send) => new(() => _agent.Credential, _issuer, Refusal.CredentialInvalid, send);

    private EntryPoint Beside(string method, IMessage message) => new(
        () => _agent.Credential, _issuer, Refusal.CredentialInvalid, token => CallAsync(_registry.GrpcUrl, method, message, ProofOf(_agent.Key, method, message, HashOf(token)), token), IsHeader: true);

    private EntryPoint Proof(PrivateKey key, string url, string method, IMessage message) => new(
        () => ProofOf(key, method, message, credentialHash: null), key, Refusal.ProofInvalid, proof => CallAsync(url, method, message, proof), IsHeader: true);

    private EntryPoint ToolCredential(Uri tool) => Credential(async token => await AskToolAsync(tool, token, ProofFor(token, new Uri(tool, ToolPath).ToString(), await NonceOfAsync(tool)))) with { IsHeader = true };

    private EntryPoint ToolProof(Uri tool) => new(
        () => ProofFor(_agent.Credential, new Uri(tool, ToolPath).ToString(), NonceOfAsync(tool).GetAwaiter().GetResult()), _agent.Key, Refusal.ProofInvalid, proof => AskToolAsync(tool, _agent.Credential, proof), IsHeader: true);

    private EntryPoint StatusList(string path, Func<StatusListReader, string, Refusal> read) => new(
        () => _registry.GetAsync(path).GetAwaiter().GetResult(), _issuer, Refusal.StatusListInvalid,
        token => Task.FromResult(read(new StatusListReader(_registry.Host.Registry.Settings.Name, _registry.Host.Registry.State.IssuerKeys.Find), token).Name()));

    private async Task<string> VerifyCredentialAsync(string token)
    {
        var request = _agent.Presents(token);
        return (await _registry.AsOperator.Credentials.VerifyAsync(request)).Reason;
    }

    private async Task<string> VerifyProofAsync(string proof)
    {
        var request = _agent.Presents();
        request.Proof = proof;
        return (await _registry.AsOperator.Credentials.VerifyAsync(request)).Reason;
    }

    private async Task<string> RenewAsync(string token)
    {
        var request = new RenewRequest { Credential = token };
        return await CallAsync(_registry.GrpcUrl, Renew, request, ProofOf(_agent.Key, Renew, request, credentialHash: null));
    }

    private string EnrolmentProofOf() => EnrolmentProof.Create(
        _agent.Key, _registry.PublicUrl, _registry.Host.Registry.Enrolment.NewChallenge(), Sha256.Hash("a token"u8), TimeProvider.System.GetUtcNow());

    private Task<string> EnrolAsync(EnrollRequest request) => CallAsync(_registry.GrpcUrl, Enroll, request, proof: null);

    private string StatusList() => _registry.GetAsync("/status/0").GetAwaiter().GetResult();

    private JsonObject Answer() => JsonNode.Parse(MeetingAnswer.Create(_asked, _agent.Key, _agent.Credential, StatusList()))!.AsObject();

    private Task<string> MeetAsync(string proof)
    {
        var answer = Answer();
        answer["proof"] = proof;
        return MeetAsync(_ => answer.ToJsonString());
    }

    private Task<string> MeetAsync(Func<MeetingChallenge, string> answer)
    {
        var host = _registry.Host.Registry;
        return Task.FromResult(MeetingAnswer.Verify(answer(_asked), _asked, host.Settings.Name, host.State.IssuerKeys.Find, TimeSpan.FromMinutes(1), TimeProvider.System.GetUtcNow(), out _).Name());
    }

    private string RotationProofOf(PrivateKey key, PrivateKey other) => RotationProof.Create(
        key, _nobody, _registry.PublicUrl, _registry.Host.Registry.Enrolment.NewChallenge(), other.PublicKey.KeyId, TimeProvider.System.GetUtcNow());

    private Task<string> RotateAsync(string proof, string consent) => CallAsync(_registry.GrpcUrl, RotateKey, new RotateKeyRequest { Proof = proof, Consent = consent }, proof: null);

    // Twice the same person, so that a genuine proof founds nothing and the registry stays one to be founded.
    private Task<string> FoundAsync(string proof)
    {
        var person = new FirstOperator { Name = Newcomer, Proof = proof };
        return CallAsync(_unfounded.ControlUrl, Bootstrap, new BootstrapRequest { Secret = _secret, Operators = { person, person } }, proof: null);
    }

    private Task<string> AddOperatorAsync(string proof) => ReasonOfAsync(_registry.AsOperator.Admin.AddOperatorAsync(new AddOperatorRequest { Proof = proof }).ResponseAsync);

    private Task<string> ApproveAsync(string approval) =>
        ReasonOfAsync(_registry.AsOperator.Admin.SetBreakGlassKeyAsync(new SetBreakGlassKeyRequest { Key = new() { Jwk = _newKey.PublicKey.ToJwk() }, Approvals = { approval } }).ResponseAsync);

    private string OrderOf() =>
        new StopOrder(SubjectId.New(TimeProvider.System.GetUtcNow()), new Scope(ScopeKind.Label, "team=nobody"), "nobody is reached", TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()).Sign(_breakGlass, _registry.PublicUrl);

    private async Task SetBreakGlassKeyAsync()
    {
        var begun = await _registry.AsOperator.Admin.BeginApprovalAsync(new BeginApprovalRequest { Action = ApprovedAction.SetBreakGlassKey(_breakGlass.PublicKey.KeyId) });
        var approval = Approval.Create(_registry.Operator, _registry.PublicUrl, begun.Action, begun.Nonce, TimeProvider.System.GetUtcNow());
        await _registry.AsOperator.Admin.SetBreakGlassKeyAsync(new SetBreakGlassKeyRequest { Key = new() { Jwk = _breakGlass.PublicKey.ToJwk() }, Approvals = { approval } });
    }

    private async Task<string> AcknowledgementAsync()
    {
        using var channel = GrpcChannel.ForAddress(_registry.GrpcUrl);
        using var enforcer = await WatchAsync(channel);
        return enforcer.Acknowledgement().Sign(_watchingKey, _registry.PublicUrl, TimeProvider.System.GetUtcNow());
    }

    // What was taken is followed by a heartbeat, since a stream takes one message after the other.
    private async Task<string> AcknowledgeAsync(string token)
    {
        using var channel = GrpcChannel.ForAddress(_registry.GrpcUrl);
        using var enforcer = await WatchAsync(channel);
        await enforcer.SendAsync(new EnforcerMessage { Acknowledgement = new() { Token = token } });
        // Why the stream has ended is in what is read, and not in a write that fails for it.
        _ = enforcer.SendNonceAsync();
        try
        {
            await enforcer.UntilAsync(RegistryMessage.OfOneofCase.Heartbeat);
            return Refusal.None.Name();
        }
        catch (RpcException refused)
        {
            return Refused.NameOf(refused);
        }
    }

    // The nonce that every acknowledgement here is for.
    private async Task<WireEnforcer> WatchAsync(GrpcChannel channel)
    {
        var enforcer = await WireEnforcer.BeginAsync(new Access.AccessClient(channel), _watchingKey, _registry.PublicUrl, [TestRegistry.Documents]);
        await enforcer.HeartbeatAsync(new byte[24]);
        return enforcer;
    }

    private static async Task<string> ReasonOfAsync(Task call)
    {
        try
        {
            await call;
            return Refusal.None.Name();
        }
        catch (RegistryRefusedException refused)
        {
            return refused.Reason;
        }
    }

    private string AskEnforcer(string credential, string proof) => _enforcer.Check(credential, proof, new RequestBinding("GET", TestAgent.ToolUrl)).Refusal.Name();

    private async Task<string> VerifyEnvelopedAsync(string token)
    {
        var credential = new JsonObject { ["@context"] = new JsonArray("https://www.w3.org/ns/credentials/v2"), ["type"] = "EnvelopedVerifiableCredential", ["id"] = "data:application/vc+jwt," + token };
        using var answer = await _http.PostAsJsonAsync(new Uri(_registry.HttpUrl + "/credentials/verify"), new JsonObject { ["verifiableCredential"] = credential });
        var said = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        return answer.IsSuccessStatusCode ? Refusal.None.Name() : ((string)said["detail"]!).Split(' ')[^1].TrimEnd('.');
    }

    private async Task<string> CallAsync(string url, string method, IMessage message, string? proof, string? credential = null)
    {
        using var caller = new RawCaller(url, _registry.PublicUrl);
        var answer = await caller.SendAsync(method, message.ToByteArray(), request =>
        {
            if (proof is not null)
                request.Headers.TryAddWithoutValidation("dpop", proof);
            if (credential is not null)
                request.Headers.TryAddWithoutValidation("authorization", "DPoP " + credential);
        });
        return answer.Reason.Length > 0 ? answer.Reason : $"{answer.Status?.ToString() ?? answer.Http.ToString()}";
    }

    private string ProofOf(PrivateKey key, string method, IMessage message, string? credentialHash) => KeyProof.Create(
        key, new RequestBinding("POST", _registry.PublicUrl + method, _registry.Host.Registry.Nonces.Current(), credentialHash, Sha256.Hash(message.ToByteArray()).ToBase64Url()), TimeProvider.System.GetUtcNow());

    // Proofs of the second in which an enforcer started may be from before.
    private string ProofFor(string credential, string url, string nonce) => KeyProof.Create(_agent.Key, new RequestBinding("GET", url, nonce, HashOf(credential)), TimeProvider.System.GetUtcNow().AddSeconds(2));

    private async Task<string> AskToolAsync(Uri tool, string credential, string proof)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(tool, ToolPath));
        request.Headers.TryAddWithoutValidation("Authorization", "DPoP " + credential);
        request.Headers.TryAddWithoutValidation("DPoP", proof);
        using var answer = await _http.SendAsync(request);
        return answer.IsSuccessStatusCode ? Refusal.None.Name() : (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["reason"]!;
    }

    private async Task<string> NonceOfAsync(Uri tool)
    {
        using var answer = await _http.GetAsync(new Uri(tool, ToolPath));
        return answer.Headers.GetValues("DPoP-Nonce").Single();
    }

    private async Task<Uri> StartToolAsync(bool asks)
    {
        var keyFile = Path.Combine(_registry.Folder, $"tool-{asks}.jwk");
        await File.WriteAllBytesAsync(keyFile, (await RegisterAsync($"tool {asks}")).ToKeyFile(""));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddSingleton(_loggers);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddAgentIdentity(options =>
        {
            (options.RegistryUrl, options.RegistryPublicUrl, options.Audience, options.KeyFile) = (_registry.GrpcUrl, _registry.PublicUrl, TestRegistry.Documents, keyFile);
            (options.AskRegistry, options.Deadline, options.StateFolder) = (asks, TimeSpan.FromSeconds(20), Path.Combine(_registry.Folder, $"tool-{asks}"));
        });
        var tool = builder.Build();
        tool.UseAgentIdentity();
        tool.MapGet(ToolPath, () => "the report").RequireAgent("documents", "read", TestRegistry.Documents + "/report");
        await tool.StartAsync();
        _tools.Add(tool);
        if (!asks)
            await tool.Services.GetRequiredService<Enforcer>().WaitUntilReadyAsync().WaitAsync(TimeSpan.FromSeconds(30));
        return new Uri(tool.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    // Who watches does so for all audiences that it answers for; these have one.
    private async Task<PrivateKey> RegisterAsync(string name)
    {
        var key = PrivateKey.Generate(algorithm);
        await _registry.AsOperator.Admin.RegisterCallerAsync(new RegisterCallerRequest { Role = Role.Enforcer, Name = name, Key = new() { Jwk = key.PublicKey.ToJwk() }, Audiences = { TestRegistry.Documents } });
        return key;
    }

    private PrivateKey ReadKey(string pattern) =>
        PrivateKey.TryReadKeyFile(File.ReadAllBytes(Directory.GetFiles(Path.Combine(_registry.Folder, "keys"), pattern).Single()), "", out var key, out var problem) ? key : throw new InvalidOperationException(problem);

    private static string HashOf(string token) => Sha256.Hash(Encoding.UTF8.GetBytes(token)).ToBase64Url();
}

/// <summary>Around callers with P-256 keys.</summary>
public sealed class ES256EntryPoints() : TokenEntryPoints(KeyAlgorithm.ES256);

/// <summary>Around callers with Ed25519 keys.</summary>
public sealed class Ed25519EntryPoints() : TokenEntryPoints(KeyAlgorithm.Ed25519);
