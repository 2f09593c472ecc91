using System.Net;
using System.Text;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;
using ProtocolPublicKey = AgentIdentity.Protocol.V1.PublicKey;

namespace AgentIdentity.Tests.Wire;

/// <summary>One running registry from the outside: its two gRPC listeners, a good nonce, and proofs for it.</summary>
internal sealed class RegistryWire : IDisposable
{
    public const string PublicUrl = "https://localhost:5000";
    public const string Origin = "localhost:5000";
    public const string Audience = "https://tool.example";
    public const string Envelope = """[{"type":"notes","actions":["read","write"],"locations":["notes/*"]}]""";

    private const string VerifyPath = "/agentidentity.v1.Credentials/Verify";

    // A proof of the second in which a registry started is refused, since an earlier process may have seen it. One a little ahead is within the window.
    private static readonly TimeSpan Ahead = TimeSpan.FromSeconds(2);

    private readonly WireConnection _grpc;
    private readonly WireConnection _control;
    private string _nonce = "none";

    public RegistryWire(IPEndPoint grpc, IPEndPoint control, WireTls? tls = null)
    {
        _grpc = new WireConnection(grpc, tls);
        _control = new WireConnection(control, tls);
    }

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    /// <summary>Redeems the bootstrap secret that the server left in its data folder.</summary>
    public async Task BootstrapAsync(PrivateKey operatorKey, string folder)
    {
        var secret = (await File.ReadAllTextAsync(Path.Combine(folder, "bootstrap-secret"))).Trim();
        var proof = BootstrapProof.Create(operatorKey, PublicUrl, HashOf(secret), "first", Now);
        var request = new BootstrapRequest { Secret = secret, Operators = { new FirstOperator { Name = "first", Proof = proof } } };
        await _control.CallAsync<BootstrapResponse>(WireCall.Of("/agentidentity.v1.Admin/Bootstrap", request));
    }

    /// <summary>Asks for a nonce, as every caller does after a restart. Any signed call tells it.</summary>
    public async Task RefreshNonceAsync(PrivateKey key)
    {
        const string Path = "/agentidentity.v1.Registry/ListAgents";
        _nonce = "none";
        var answer = await _grpc.SendAsync(Signed(key, Path, new ListAgentsRequest()));
        _nonce = answer.Nonce ?? throw new WireRefusedException(answer);
    }

    /// <summary>A call with a proof over its message.</summary>
    public WireCall Signed(PrivateKey key, string path, IMessage message)
    {
        var bytes = message.ToByteArray();
        var binding = new RequestBinding("POST", PublicUrl + path, _nonce, null, Sha256.Hash(bytes).ToBase64Url());
        return new WireCall(path, WireCall.FrameOf(bytes), KeyProof.Create(key, binding, Now + Ahead));
    }

    public async Task<string> CreateTokenAsync(PrivateKey operatorKey, uint uses)
    {
        const string Path = "/agentidentity.v1.Admin/CreateEnrolmentToken";
        var request = new CreateEnrolmentTokenRequest { Sponsor = "team", Blueprint = "bot/1", MaximumEnvelope = Envelope, Audiences = { Audience }, Uses = uses };
        return (await _control.CallAsync<CreateEnrolmentTokenResponse>(Signed(operatorKey, Path, request))).Token;
    }

    public Task<RegisterCallerResponse> RegisterEnforcerAsync(PrivateKey operatorKey, AgentIdentity.Credentials.Keys.PublicKey key, string name = "tool")
    {
        const string Path = "/agentidentity.v1.Admin/RegisterCaller";
        var request = new RegisterCallerRequest { Role = Role.Enforcer, Name = name, Key = new ProtocolPublicKey { Jwk = key.ToJwk() }, Audiences = { Audience } };
        return _control.CallAsync<RegisterCallerResponse>(Signed(operatorKey, Path, request));
    }

    public async Task<string> ChallengeAsync() =>
        (await _grpc.CallAsync<BeginEnrollResponse>(WireCall.Of("/agentidentity.v1.Registry/BeginEnroll", new BeginEnrollRequest()))).Challenge;

    public static WireCall Enrolment(PrivateKey key, string token, string challenge) => WireCall.Of(
        "/agentidentity.v1.Registry/Enroll", new EnrollRequest { Token = token, Proof = EnrolmentProof.Create(key, PublicUrl, challenge, HashOf(token), Now) });

    public async Task<WireAgent> EnrollAsync(PrivateKey key, string token, string challenge)
    {
        var enrolled = await _grpc.CallAsync<EnrollResponse>(Enrolment(key, token, challenge));
        return new WireAgent(key, SubjectId.Read(enrolled.AgentId.Span), enrolled.Credential);
    }

    public WireCall Issuance(WireAgent agent) => Signed(agent.Key, "/agentidentity.v1.Credentials/Issue", new IssueRequest());

    public async Task<IssuedCredential> IssueAsync(WireAgent agent) => (await _grpc.CallAsync<IssueResponse>(Issuance(agent))).Credential;

    public Task<RecordResponse> RecordAsync(PrivateKey key, byte[] statement, AckLevel waitFor = AckLevel.Sequenced) => _grpc.CallAsync<RecordResponse>(Record(key, statement, waitFor));

    public static WireCall Record(PrivateKey key, byte[] statement, AckLevel waitFor = AckLevel.Sequenced) => WireCall.Of("/agentidentity.v1.Ledger/Record", new RecordRequest
    {
        Statement = ByteString.CopyFrom(statement),
        Algorithm = key.PublicKey.Algorithm == KeyAlgorithm.ES256 ? SignatureAlgorithm.Es256 : SignatureAlgorithm.Ed25519,
        Signature = ByteString.CopyFrom(key.Sign(statement)),
        WaitFor = waitFor,
    });

    /// <summary>What a tool asks when an agent has shown it a credential and a proof for one request.</summary>
    public WireCall Verification(PrivateKey enforcer, WireAgent agent, IssuedCredential credential) => Signed(enforcer, VerifyPath, VerificationOf(agent, credential));

    /// <summary>The same from a tool that has shown its key with a client certificate.</summary>
    public static WireCall VerificationByCertificate(WireAgent agent, IssuedCredential credential) => WireCall.Of(VerifyPath, VerificationOf(agent, credential));

    private static VerifyRequest VerificationOf(WireAgent agent, IssuedCredential credential)
    {
        const string Url = "https://tool.example/notes";
        var binding = new RequestBinding("POST", Url, "tool-nonce", HashOf(credential.Token).ToBase64Url());
        return new VerifyRequest
        {
            Credential = credential.Token,
            Proof = KeyProof.Create(agent.Key, binding, Now + Ahead),
            Method = "POST",
            Url = Url,
            Nonce = "tool-nonce",
            Audience = Audience,
            Action = new AgentIdentity.Protocol.V1.Action { Type = "notes", Action_ = "read", Location = "notes/1" },
        };
    }

    public Task<VerifyResponse> VerifyAsync(PrivateKey enforcer, WireAgent agent, IssuedCredential credential) =>
        _grpc.CallAsync<VerifyResponse>(Verification(enforcer, agent, credential));

    public Task<StopResponse> StopAsync(PrivateKey operatorKey, SubjectId agent, AgentState state)
    {
        var request = new StopRequest { Scope = new Scope { Agent = agent.ToString() }, State = state, Reason = "odd calls" };
        return _control.CallAsync<StopResponse>(Signed(operatorKey, "/agentidentity.v1.Control/Stop", request));
    }

    /// <summary>All agents, page by page.</summary>
    public async Task<IReadOnlyList<Agent>> ListAgentsAsync(PrivateKey operatorKey)
    {
        var agents = new List<Agent>();
        var request = new ListAgentsRequest { PageSize = 1000 };
        do
        {
            var page = await _grpc.CallAsync<ListAgentsResponse>(Signed(operatorKey, "/agentidentity.v1.Registry/ListAgents", request));
            agents.AddRange(page.Agents);
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        return agents;
    }

    public void Dispose()
    {
        _grpc.Dispose();
        _control.Dispose();
    }

    private static Hash HashOf(string text) => Sha256.Hash(Encoding.UTF8.GetBytes(text));
}

/// <summary>An enrolled agent, and the credential that it got with its enrolment.</summary>
internal sealed record WireAgent(PrivateKey Key, SubjectId Id, IssuedCredential Credential);
