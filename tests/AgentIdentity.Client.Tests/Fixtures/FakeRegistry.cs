using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Delegation;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;
using PublicKey = AgentIdentity.Credentials.Keys.PublicKey;

namespace AgentIdentity.Client.Tests.Fixtures;

/// <summary>A registry of one agent over real gRPC: it keeps the contract of nonces, proofs, credentials and chains, and has switches for what may go wrong.</summary>
internal sealed class FakeRegistry : IAsyncDisposable
{
    public const string PublicUrl = "http://localhost:5000";
    public const string Audience = "https://tool.example";
    public const string Token = "aie_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    public static readonly RegistryName Name = NameOf(PublicUrl);

    private readonly PrivateKey _issuer = PrivateKey.Generate(KeyAlgorithm.ES256);
    private readonly X509Certificate2? _certificate;
    private WebApplication? _app;
    private Uri? _address;

    // Of one boot: a restart forgets them.
    private string _nonce = "";
    private ReplayStore _replays = null!;

    private FakeRegistry(TimeProvider clock, X509Certificate2? certificate)
    {
        Clock = clock;
        _certificate = certificate;
        AgentId = SubjectId.New(clock.GetUtcNow());
    }

    public TimeProvider Clock { get; }

    public SubjectId AgentId { get; }

    public string AgentDid => Name.AgentDid(AgentId);

    public string GrpcUrl => _address!.GetLeftPart(UriPartial.Authority);

    public string Challenge => _nonce;

    /// <summary>The one agent's key, from its enrolment on.</summary>
    public PublicKey? AgentKey { get; set; }

    /// <summary>The key of the tool that may call Verify.</summary>
    public PublicKey? EnforcerKey { get; set; }

    /// <summary>What the agent is refused with, when it is stopped.</summary>
    public Refusal Standing { get; set; }

    /// <summary>What agents have brought when they enrolled.</summary>
    public HashSet<string> UsedEvidence { get; } = [];

    /// <summary>What it shows of its log; nothing while this is null.</summary>
    public Func<V1.GetConsistencyRequest, V1.GetConsistencyResponse>? Log { get; set; }

    /// <summary>Refuses all authenticated calls with this.</summary>
    public RpcException? Trouble { get; set; }

    /// <summary>Whether the next statement is answered with the leaf of something else.</summary>
    public bool ShowsAnotherLeaf { get; set; }

    /// <summary>What each statement is refused with before it is looked at.</summary>
    public Refusal RecordRefusal { get; set; }

    public bool RefusesEveryNonce { get; set; }

    public string ClaimedUrl { get; set; } = PublicUrl;

    /// <summary>Records the next statement, and answers as if it had not been able to.</summary>
    public bool LosesNextAnswer { get; set; }

    /// <summary>Statements that were recorded, in their order.</summary>
    public List<SignedStatement> Statements { get; } = [];

    /// <summary>Every call that arrived, as METHOD or METHOD REFUSAL.</summary>
    public ConcurrentQueue<string> Calls { get; } = new();

    /// <summary>The proof of the last call that was let in.</summary>
    public PresentedProof? LastProof { get; private set; }

    /// <summary>Credentials as they are given out.</summary>
    public Channel<string> Issued { get; } = Channel.CreateUnbounded<string>();

    public static async Task<FakeRegistry> StartAsync(TimeProvider clock, X509Certificate2? certificate = null)
    {
        var registry = new FakeRegistry(clock, certificate);
        await registry.StartAsync();
        return registry;
    }

    /// <summary>Starts, at the address of the last time if there was one.</summary>
    public async Task StartAsync()
    {
        _nonce = CanonicalBase64Url.Encode(RandomNumberGenerator.GetBytes(16));
        // Its own clock stands still in the past, so that it takes every proof once and forgets none; the real store has tests of its own.
        _replays = new ReplayStore(10_000, new ManualTime(DateTimeOffset.UnixEpoch));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, _address?.Port ?? 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            if (_certificate is not null)
                listen.UseHttps(_certificate);
        }));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(this);
        _app = builder.Build();
        _app.MapGrpcService<FakeRegistryService>();
        _app.MapGrpcService<FakeCredentialsService>();
        _app.MapGrpcService<FakeLedgerService>();
        await _app.StartAsync();
        _address = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    public async Task StopAsync()
    {
        await _app!.DisposeAsync();
        _app = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await StopAsync();
        _issuer.Dispose();
    }

    public ConnectionOptions Options() => new() { GrpcUrl = GrpcUrl, PublicUrl = PublicUrl, Clock = Clock };

    public RegistryConnection Connect(PrivateKey? key = null, CredentialSource? credentials = null) => new(Options(), key, credentials);

    /// <summary>Who calls, by the proof that came with the message. docs/formats.md, "Key proof".</summary>
    public void Authenticate(IMessage request, ServerCallContext context, PublicKey? expected)
    {
        Note(context);
        if (context.Deadline == DateTime.MaxValue)
            throw Refuse(StatusCode.InvalidArgument, Refusal.DeadlineMissing);
        if (Trouble is not null)
            throw Trouble;
        var refusal = KeyProof.Read(context.RequestHeaders.GetValue("dpop"), Clock.GetUtcNow(), out var proof);
        if (refusal == Refusal.None && (proof!.Nonce != _nonce || RefusesEveryNonce))
            refusal = Refusal.UseDpopNonce;
        if (refusal == Refusal.None)
            refusal = proof!.Matches(Binding(request, context));
        if (refusal == Refusal.None && proof!.Key.KeyId != expected?.KeyId)
            refusal = Refusal.CallerUnknown;
        if (refusal == Refusal.None)
            refusal = _replays.Burn(proof!);
        if (refusal != Refusal.None)
            throw Refuse(StatusCode.Unauthenticated, refusal);
        LastProof = proof;
    }

    public void Note(ServerCallContext context) => Calls.Enqueue(context.Method.Split('/')[^1]);

    /// <summary>What it says of every agent.</summary>
    public static V1.Label[] Labels { get; } =
    [
        new() { Name = "image", Value = "sha256:1", Provenance = V1.LabelProvenance.Attested },
        new() { Name = "team", Value = "research", Provenance = V1.LabelProvenance.Sponsor },
        new() { Name = "mood", Value = "good", Provenance = V1.LabelProvenance.Self },
    ];

    /// <summary>What came beside the proof of the last delegation.</summary>
    public string? ShownCredential { get; set; }

    public string Issue(long lifetimeSeconds = 600, params IReadOnlyList<SubjectId> chain)
    {
        var now = Clock.GetUtcNow().ToUnixTimeSeconds();
        Assert.True(Envelope.TryParse($$"""[{"type":"tool","actions":["read"],"locations":["{{Audience}}/*"]}]""", out var envelope));
        var claims = new CredentialClaims(
            SubjectId.New(Clock.GetUtcNow()), AgentId, AgentKey!.KeyId, "Research desk", "summariser/2.1", [], [Audience], envelope, ChainOfCommand.Write(chain, Name, "Operations"), now, now, now + lifetimeSeconds, 4, 0, 5);
        var token = CredentialWriter.Sign(claims, Name, _issuer);
        Issued.Writer.TryWrite(token);
        return token;
    }

    /// <summary>docs/formats.md, "Verifying a credential".</summary>
    public Refusal Judge(V1.VerifyRequest request, out CredentialClaims? claims)
    {
        claims = null;
        var refusal = PresentedCredential.Read(request.Credential, Name, id => id == _issuer.PublicKey.KeyId ? _issuer.PublicKey : null, out var credential);
        if (refusal != Refusal.None)
            return refusal;
        claims = credential!.Claims;
        var now = Clock.GetUtcNow();
        Refusal[] found =
        [
            PresentedCredential.CheckTimes(claims, now),
            PresentedCredential.CheckAudience(claims, request.Audience),
            JudgeProof(request, credential, now),
            Standing,
            claims.Envelope.Covers(request.Action.Type, request.Action.Action_, request.Action.Location, now.ToUnixTimeSeconds())
                ? Refusal.None
                : Refusal.EnvelopeExceeded,
        ];
        return found.FirstOrDefault(refused => refused != Refusal.None);
    }

    public RpcException Refuse(StatusCode code, Refusal refusal, string detail = "No.", TimeSpan? retryAfter = null) =>
        RefusedCalls.Make(code, refusal.Name(), detail, retryAfter, refusal == Refusal.UseDpopNonce ? _nonce : null);

    private Refusal JudgeProof(V1.VerifyRequest request, PresentedCredential credential, DateTimeOffset now)
    {
        var refusal = KeyProof.Read(request.Proof, now, out var proof);
        if (refusal != Refusal.None)
            return refusal;
        if (proof!.Key.KeyId != credential.Claims.Jkt)
            return Refusal.ProofKeyMismatch;
        refusal = proof.Matches(new RequestBinding(request.Method, request.Url, request.Nonce, credential.TokenHash.ToBase64Url()));
        return refusal == Refusal.None ? _replays.Burn(proof) : refusal;
    }

    private static RequestBinding Binding(IMessage request, ServerCallContext context)
    {
        var credential = context.RequestHeaders.GetValue("authorization")?["DPoP ".Length..];
        var credentialHash = credential is null ? null : Sha256.Hash(System.Text.Encoding.ASCII.GetBytes(credential)).ToBase64Url();
        return new RequestBinding("POST", PublicUrl + context.Method, null, credentialHash, Sha256.Hash(request.ToByteArray()).ToBase64Url());
    }

    private static RegistryName NameOf(string url)
    {
        Assert.True(RegistryName.TryParse(url, out var name, out var problem), problem);
        return name;
    }
}
