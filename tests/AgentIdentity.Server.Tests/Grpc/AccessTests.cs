using AgentIdentity.Credentials.Keys;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Tests.Fixtures;
using Google.Protobuf;
using Grpc.Core;
using EntryKind = AgentIdentity.Credentials.Entries.EntryKind;

namespace AgentIdentity.Server.Tests.Grpc;

/// <summary>Each method, called by each kind of caller and on each listener: what the access table does not allow does not happen.</summary>
public sealed class AccessTests : IAsyncLifetime
{
    private TestRegistry _registry = null!;
    private Dictionary<Callers, PrivateKey?> _keys = null!;

    public async Task InitializeAsync()
    {
        _registry = await TestRegistry.StartAsync();
        _keys = new Dictionary<Callers, PrivateKey?>
        {
            [Callers.Anyone] = null,
            [Callers.Nobody] = PrivateKey.Generate(KeyAlgorithm.ES256),
            [Callers.Agents] = (await _registry.EnrolAsync()).Key,
            [Callers.Operators] = _registry.Operator,
            [Callers.Auditors] = await _registry.RegisterAsync(Role.Auditor, "auditor"),
            [Callers.Enforcers] = await _registry.RegisterAsync(Role.Enforcer, "documents"),
            [Callers.Sponsors] = await _registry.RegisterAsync(Role.Sponsor, TestRegistry.Sponsor),
        };
    }

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task A_signed_method_answers_to_those_in_the_table_and_to_nobody_else()
    {
        foreach (var row in AccessTable.Rows.Where(row => row.IsSigned))
        {
            foreach (var (who, key) in _keys)
            {
                using var caller = new RawCaller(Url(row), _registry.PublicUrl, key);
                var answer = await caller.SendAsync(row.Method, Message(row));
                var expected = who switch
                {
                    Callers.Anyone => "PROOF_MISSING",
                    Callers.Nobody => "CALLER_UNKNOWN",
                    _ when row.Callers.HasFlag(who) => null,
                    _ => "NOT_PERMITTED",
                };
                if (expected is not null)
                    Assert.Equal((row.Method, who, expected), (row.Method, who, answer.Reason));
                else
                    Assert.False(answer.Reason is "NOT_PERMITTED" or "PROOF_MISSING" or "CALLER_UNKNOWN", $"{row.Method} as {who}: {answer}");
            }
        }
    }

    [Fact]
    public async Task A_method_answers_on_its_own_listeners_only()
    {
        var urls = new Dictionary<Listeners, string>
        {
            [Listeners.Grpc] = _registry.GrpcUrl,
            [Listeners.Control] = _registry.ControlUrl,
        };
        foreach (var row in AccessTable.Rows.Where(row => !row.IsStream))
        {
            foreach (var (listener, url) in urls)
            {
                using var caller = new RawCaller(url, _registry.PublicUrl);
                var answer = await caller.SendAsync(row.Method, []);
                Assert.Equal((row.Method, listener, !row.Listeners.HasFlag(listener)), (row.Method, listener, answer.Status == StatusCode.Unimplemented));
            }
        }
    }

    [Theory]
    [InlineData("/agentidentity.v1.Registry/Enrol")]
    [InlineData("/agentidentity.v1.registry/Enroll")]
    [InlineData("/agentidentity.v1.Registry/Enroll/")]
    [InlineData("/grpc.reflection.v2.ServerReflection/ServerReflectionInfo")]
    public async Task What_is_not_in_the_table_is_not_there(string method)
    {
        using var caller = new RawCaller(_registry.GrpcUrl, _registry.PublicUrl);
        var answer = await caller.SendAsync(method, []);
        Assert.Equal((StatusCode.Unimplemented, "METHOD_UNKNOWN"), (answer.Status, answer.Reason));
    }

    [Fact]
    public async Task Before_the_genesis_entry_only_bootstrap_health_and_reflection_answer()
    {
        await using var unfounded = await TestRegistry.StartUnfoundedAsync();
        foreach (var row in AccessTable.Rows.Where(row => !row.IsStream))
        {
            using var caller = new RawCaller(row.Listeners.HasFlag(Listeners.Control) ? unfounded.ControlUrl : unfounded.GrpcUrl, unfounded.PublicUrl);
            var answer = await caller.SendAsync(row.Method, []);
            Assert.Equal((row.Method, row.BeforeGenesis), (row.Method, answer.Reason != "NOT_BOOTSTRAPPED"));
        }
        Assert.Equal(0UL, unfounded.Host.Registry.State.Position);
    }

    [Fact]
    public async Task An_agent_and_a_sponsor_see_their_own_only_and_each_look_of_another_is_on_the_record()
    {
        var mine = await _registry.EnrolAsync();
        var others = await _registry.EnrolAsync(sponsor: "Sales desk");
        using var agent = mine.Connect();
        using var sponsor = _registry.Connect(_keys[Callers.Sponsors]!);
        using var auditor = _registry.Connect(_keys[Callers.Auditors]!);
        var before = _registry.Host.Registry.State.Position;
        await agent.Registry.GetAgentAsync(new GetAgentRequest { Agent = mine.Did });
        Assert.Empty(_registry.WrittenSince(before));

        await Refused.BecauseAsync(Credentials.Refusal.NotPermitted, StatusCode.PermissionDenied, agent.Registry.GetAgentAsync(new GetAgentRequest { Agent = others.Did }));
        await Refused.BecauseAsync(Credentials.Refusal.AgentUnknown, StatusCode.NotFound, sponsor.Registry.GetAgentAsync(new GetAgentRequest { Agent = others.Did }));
        Assert.All((await sponsor.Registry.ListAgentsAsync(new ListAgentsRequest())).Agents, seen => Assert.Equal(TestRegistry.Sponsor, seen.Sponsor));
        await auditor.Ledger.GetAgentHeadAsync(new GetAgentHeadRequest { Agent = others.Did });
        await auditor.Ledger.ListTrailAsync(new ListTrailRequest { Agent = others.Did });
        await auditor.Registry.GetAgentAsync(new GetAgentRequest { Agent = others.Did });
        await _registry.AsOperator.Admin.ListCallersAsync(new ListCallersRequest());
        Assert.Equal(Enumerable.Repeat(EntryKind.PrivateDataRead, 5), _registry.WrittenSince(before));
    }

    [Fact]
    public async Task An_enforcer_verifies_for_its_own_audiences_only()
    {
        var agent = await _registry.EnrolAsync();
        using var tool = _registry.Connect(_keys[Callers.Enforcers]!);
        var shown = agent.Presents();
        shown.Audience = "https://elsewhere.example";
        await Refused.BecauseAsync(Credentials.Refusal.NotPermitted, StatusCode.PermissionDenied, tool.Credentials.VerifyAsync(shown));
    }

    [Fact]
    public async Task A_credential_beside_the_proof_must_be_the_agents_own()
    {
        var agent = await _registry.EnrolAsync();
        var other = await _registry.EnrolAsync();
        using var with = _registry.Connect(agent.Key, _ => new(agent.Credential));
        await with.Credentials.IssueAsync(new IssueRequest());
        using var stolen = _registry.Connect(agent.Key, _ => new(other.Credential));
        await Refused.BecauseAsync(Credentials.Refusal.ProofKeyMismatch, StatusCode.Unauthenticated, stolen.Credentials.IssueAsync(new IssueRequest()));
        using var forged = _registry.Connect(agent.Key, _ => new(agent.Credential[..^8] + "AAAAAAAA"));
        await Refused.BecauseAsync(Credentials.Refusal.CredentialInvalid, StatusCode.Unauthenticated, forged.Credentials.IssueAsync(new IssueRequest()));
    }

    [Fact]
    public async Task A_proof_serves_once_for_its_method_and_for_its_message()
    {
        const string Method = "/agentidentity.v1.Admin/ListCallers";
        using var caller = new RawCaller(_registry.ControlUrl, _registry.PublicUrl, _registry.Operator);
        var nonce = (await caller.SendAsync(Method, [])).Nonce ?? _registry.Host.Registry.Nonces.Current();
        using var bare = new RawCaller(_registry.ControlUrl, _registry.PublicUrl);
        var proof = caller.Proof(Method, [], nonce);

        Assert.Equal(StatusCode.OK, (await bare.SendAsync(Method, [], request => request.Headers.Add("dpop", proof))).Status);
        Assert.Equal("PROOF_REPLAYED", (await bare.SendAsync(Method, [], request => request.Headers.Add("dpop", proof))).Reason);
        var elsewhere = caller.Proof("/agentidentity.v1.Admin/RotateIssuerKey", [], nonce);
        Assert.Equal("PROOF_REQUEST_MISMATCH", (await bare.SendAsync(Method, [], request => request.Headers.Add("dpop", elsewhere))).Reason);
        var otherBody = caller.Proof(Method, [8, 1], nonce);
        Assert.Equal("BODY_MISMATCH", (await bare.SendAsync(Method, [], request => request.Headers.Add("dpop", otherBody))).Reason);
        var oldNonce = caller.Proof(Method, [], "of-another-instance");
        Assert.Equal("USE_DPOP_NONCE", (await bare.SendAsync(Method, [], request => request.Headers.Add("dpop", oldNonce))).Reason);
    }

    [Fact]
    public async Task A_call_without_a_deadline_and_a_compressed_call_are_refused()
    {
        using var caller = new RawCaller(_registry.GrpcUrl, _registry.PublicUrl);
        const string Method = "/agentidentity.v1.Registry/BeginEnroll";
        Assert.Equal("DEADLINE_MISSING", (await caller.SendAsync(Method, [], request => request.Headers.Remove("grpc-timeout"))).Reason);
        var compressed = await caller.SendAsync(Method, [], request =>
        {
            request.Headers.Add("grpc-encoding", "gzip");
            request.Content = new ByteArrayContent([1, 0, 0, 0, 1, 0]) { Headers = { { "Content-Type", "application/grpc" } } };
        });
        Assert.Equal((StatusCode.Unimplemented, "COMPRESSION_UNSUPPORTED"), (compressed.Status, compressed.Reason));
    }

    [Fact]
    public async Task Refusals_on_the_control_listener_are_on_the_record()
    {
        var before = _registry.Host.Registry.State.Position;
        using var stranger = new RawCaller(_registry.ControlUrl, _registry.PublicUrl, _keys[Callers.Agents]);
        await stranger.SendAsync("/agentidentity.v1.Control/Stop", []);
        await _registry.Host.Registry.Refusals.FlushAsync();
        Assert.True(_registry.Host.Registry.State.Position > before);
    }

    private string Url(AccessRow row) => row.Listeners.HasFlag(Listeners.Control) ? _registry.ControlUrl : _registry.GrpcUrl;

    // Empty, but where an empty message would be refused for what it does not say about the caller.
    private static byte[] Message(AccessRow row) =>
        row.Method.EndsWith("/Verify", StringComparison.Ordinal) ? new VerifyRequest { Audience = TestRegistry.Documents }.ToByteArray() : [];
}
