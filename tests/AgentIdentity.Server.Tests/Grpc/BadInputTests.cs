using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Tests.Fixtures;
using Google.Protobuf;
using Grpc.Core;

namespace AgentIdentity.Server.Tests.Grpc;

/// <summary>What no honest client sends: a clear status with a stable reason, nothing written, and a server that is well afterwards.</summary>
public sealed class BadInputTests : IAsyncLifetime
{
    private const int Seed = 20261121;

    private static readonly string[] WrongIds =
    [
        "", " ", "agent", "did:web:localhost%3A5000", "did:web:localhost%3A5000:agents:", "did:web:elsewhere:agents:0192f0c1-7a00-7def-8123-456789abcdef",
        "0192F0C1-7A00-7DEF-8123-456789ABCDEF", "{0192f0c1-7a00-7def-8123-456789abcdef}", "0192f0c17a007def8123456789abcdef", "../../etc/passwd",
        "0192f0c1-7a00-7def-8123-456789abcdef\0", "did:key:z6Mkf5rGMoatrSj1f4CyvuHBeXJELe9RPdzo2PKGNCKVtZ", new string('a', 10_000),
    ];

    private TestRegistry _registry = null!;
    private TestAgent _agent = null!;
    private PrivateKey _enforcer = null!;

    public async Task InitializeAsync()
    {
        _registry = await TestRegistry.StartAsync();
        _agent = await _registry.EnrolAsync();
        _enforcer = await _registry.RegisterAsync(Role.Enforcer, "documents");
    }

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task A_message_that_is_no_protobuf_is_malformed_and_one_that_is_too_large_is_too_large()
    {
        var before = await PositionAsync();
        foreach (var row in AccessTable.Rows)
        {
            using var caller = Caller(row);
            foreach (var bytes in Malformed())
            {
                var answer = await caller.SendAsync(row.Method, bytes);
                Assert.Equal((row.Method, StatusCode.InvalidArgument, "MESSAGE_MALFORMED"), (row.Method, answer.Status, answer.Reason));
            }
            var oversize = await caller.SendAsync(row.Method, new byte[Limits.MessageBytesMax + 1]);
            // Who opens a stream is looked at before its first message is read, and what is too long has no signature that could be right.
            if (oversize.Reason != "BODY_MISMATCH" || !row.IsStream)
                Assert.Equal((row.Method, StatusCode.ResourceExhausted, "MESSAGE_TOO_LARGE"), (row.Method, oversize.Status, oversize.Reason));
        }
        await AssertNothingWrittenSinceAsync(before);
    }

    [Theory]
    [InlineData("authorization", 16_500)]
    [InlineData("authorization", 70_000)]
    [InlineData("dpop", 16_500)]
    [InlineData("dpop", 70_000)]
    public async Task A_credential_or_a_proof_in_the_metadata_that_is_too_long_is_refused_by_name(string name, int length)
    {
        const string Method = "/agentidentity.v1.Registry/GetAgent";
        using var caller = new RawCaller(_registry.GrpcUrl, _registry.PublicUrl, _agent.Key);
        var answer = await caller.SendAsync(Method, [], request =>
        {
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, $"DPoP {new string('a', length)}");
        });
        Assert.NotEqual("", answer.Reason);
    }

    [Fact]
    public async Task A_frame_that_promises_more_than_it_holds_is_malformed()
    {
        foreach (var row in AccessTable.Rows.Where(row => !row.IsStream))
        {
            using var caller = Caller(row);
            var answer = await caller.SendAsync(row.Method, [], request =>
                request.Content = new ByteArrayContent([0, 0, 0, 0, 9, 1, 2]) { Headers = { { "Content-Type", "application/grpc" } } });
            Assert.Equal((row.Method, "MESSAGE_MALFORMED"), (row.Method, answer.Reason));
        }
    }

    [Fact]
    public async Task An_empty_or_random_message_gets_a_named_refusal_or_a_proper_answer_and_never_a_failure()
    {
        var random = new Random(Seed);
        foreach (var row in AccessTable.Rows.Where(row => !row.IsStream && !row.Method.EndsWith("/RotateIssuerKey", StringComparison.Ordinal)))
        {
            using var caller = Caller(row);
            for (var i = 0; i < 12; i++)
            {
                var bytes = new byte[i == 0 ? 0 : random.Next(1, 400)];
                random.NextBytes(bytes);
                var answer = await caller.SendAsync(row.Method, bytes);
                Assert.True(answer.Status is StatusCode.OK || answer.Reason.Length > 0 || IsHealth(row), $"{row.Method} {Convert.ToHexString(bytes)}: {answer}");
            }
        }
    }

    [Fact]
    public async Task An_id_in_a_wrong_form_is_malformed_and_one_that_nobody_has_is_unknown()
    {
        using var runtime = _agent.Connect();
        foreach (var id in WrongIds)
        {
            await Refused.BecauseAsync(Refusal.MessageMalformed, StatusCode.InvalidArgument, runtime.Registry.GetAgentAsync(new GetAgentRequest { Agent = id }));
            await Refused.BecauseAsync(Refusal.MessageMalformed, StatusCode.InvalidArgument, runtime.Ledger.GetAgentHeadAsync(new GetAgentHeadRequest { Agent = id }));
            await Refused.BecauseAsync(Refusal.MessageMalformed, StatusCode.InvalidArgument, runtime.Ledger.ListTrailAsync(new ListTrailRequest { Agent = id }));
            await Refused.BecauseAsync(
                Refusal.MessageMalformed, StatusCode.InvalidArgument,
                _registry.AsOperator.Control.StopAsync(new StopRequest { Scope = new Protocol.V1.Scope { Agent = id }, State = Protocol.V1.AgentState.Frozen, Reason = "x" }));
        }
        await Refused.BecauseAsync(
            Refusal.AgentUnknown, StatusCode.NotFound, runtime.Registry.GetAgentAsync(new GetAgentRequest { Agent = "0192f0c1-7a00-7def-8123-456789abcdef" }));
        await Refused.BecauseAsync(Refusal.EntryUnknown, StatusCode.NotFound, runtime.Ledger.GetInclusionProofAsync(new GetInclusionProofRequest { LedgerIndex = ulong.MaxValue }));
    }

    [Fact]
    public async Task A_scope_that_reads_as_another_or_can_cover_nobody_is_none_for_stops_and_questions_alike()
    {
        Protocol.V1.Scope[] scopes = [new() { Label = new Label { Name = "a=b", Value = "c" } }, new() { Resource = "a*b" }, new() { Sponsor = "team*" }, new()];
        foreach (var scope in scopes)
        {
            await Refused.BecauseAsync(
                Refusal.ScopeMalformed, StatusCode.InvalidArgument,
                _registry.AsOperator.Control.StopAsync(new StopRequest { Scope = scope, State = Protocol.V1.AgentState.Frozen, Reason = "x" }));
            await Refused.BecauseAsync(Refusal.ScopeMalformed, StatusCode.InvalidArgument, _registry.AsOperator.Control.PreviewStopAsync(new PreviewStopRequest { Scope = scope }));
            await Refused.BecauseAsync(Refusal.ScopeMalformed, StatusCode.InvalidArgument, _registry.AsOperator.Questions.StillAliveAsync(new StillAliveRequest { Scope = scope }));
            await Refused.BecauseAsync(Refusal.ScopeMalformed, StatusCode.InvalidArgument, _registry.AsOperator.Questions.BlastRadiusAsync(new BlastRadiusRequest { Scope = scope }));
        }
    }

    [Fact]
    public async Task A_page_token_of_another_question_is_malformed_and_not_answered_from_its_middle()
    {
        var (other, operators) = (await _registry.EnrolAsync(), _registry.AsOperator);
        var everything = new Protocol.V1.Scope { Everything = true };
        var first = await operators.Questions.BlastRadiusAsync(new BlastRadiusRequest { Scope = everything, Question = new Question { PageSize = 1 } });
        var next = new Question { PageSize = 5, PageToken = first.Answered.NextPageToken };
        var rest = await operators.Questions.BlastRadiusAsync(new BlastRadiusRequest { Scope = everything, Question = next });
        Assert.Equal([_agent.Did, other.Did], first.Agents.Concat(rest.Agents).Select(reached => reached.Agent.Did));
        await RefusedAsync(operators.Questions.BlastRadiusAsync(new BlastRadiusRequest { Scope = new Protocol.V1.Scope { Sponsor = TestRegistry.Sponsor }, Question = next }));
        await RefusedAsync(operators.Questions.BlastRadiusAsync(new BlastRadiusRequest { Scope = everything, HopsMax = 1, Question = next }));
        await RefusedAsync(operators.Questions.StillAliveAsync(new StillAliveRequest { Scope = everything, Question = next }));
        await RefusedAsync(operators.Questions.DescendantsAsync(new LineageRequest { Agent = _agent.Did, Question = next }));

        var page = await operators.Registry.ListAgentsAsync(new ListAgentsRequest { PageSize = 1, Sponsor = TestRegistry.Sponsor });
        Assert.Equal(other.Did, Assert.Single((await operators.Registry.ListAgentsAsync(new ListAgentsRequest { Sponsor = TestRegistry.Sponsor, PageToken = page.NextPageToken })).Agents).Did);
        await RefusedAsync(operators.Registry.ListAgentsAsync(new ListAgentsRequest { PageToken = page.NextPageToken }));
        await RefusedAsync(operators.Registry.ListAgentsAsync(new ListAgentsRequest { Sponsor = TestRegistry.Sponsor, State = Protocol.V1.AgentState.Active, PageToken = page.NextPageToken }));

        static Task RefusedAsync<T>(AsyncUnaryCall<T> call) => Refused.BecauseAsync(Refusal.MessageMalformed, StatusCode.InvalidArgument, call);
    }

    [Fact]
    public async Task What_is_looked_for_and_is_longer_than_anything_is_called_is_malformed_and_stands_in_no_entry()
    {
        var before = await PositionAsync();
        var (name, asks) = (new string('a', 100_000), _registry.AsOperator);
        foreach (var look in new Func<Task>[]
        {
            () => asks.Registry.ListAgentsAsync(new ListAgentsRequest { Blueprint = name }).ResponseAsync,
            () => asks.Control.ListStopsAsync(new ListStopsRequest { Incident = name }).ResponseAsync,
            () => asks.Admin.ListEnrolmentTokensAsync(new ListEnrolmentTokensRequest { Sponsor = name }).ResponseAsync,
        })
            Assert.Equal("MESSAGE_MALFORMED", (await Assert.ThrowsAsync<AgentIdentity.Client.RegistryRefusedException>(look)).Reason);
        await AssertNothingWrittenSinceAsync(before);
    }

    [Fact]
    public async Task A_forged_credential_is_invalid_for_one_outward_reason_whatever_is_wrong_with_it()
    {
        using var tool = _registry.Connect(_enforcer);
        using var runtime = _agent.Connect();
        foreach (var forged in ForgedCredentials())
        {
            var verdict = await tool.Credentials.VerifyAsync(_agent.Presents(forged));
            Assert.Equal((false, "CREDENTIAL_INVALID", null), (verdict.Allowed, verdict.Reason, verdict.Presented));
            await Refused.BecauseAsync(
                Refusal.CredentialInvalid, StatusCode.Unauthenticated, runtime.Credentials.RenewAsync(new RenewRequest { Credential = forged }));
        }
        Assert.True((await tool.Credentials.VerifyAsync(_agent.Presents())).Allowed);
    }

    [Fact]
    public async Task A_proof_shown_twice_or_made_by_another_key_is_refused_by_name()
    {
        using var tool = _registry.Connect(_enforcer);
        var shown = _agent.Presents();
        Assert.Equal("NONE", (await tool.Credentials.VerifyAsync(shown)).Reason);
        Assert.Equal("PROOF_REPLAYED", (await tool.Credentials.VerifyAsync(shown)).Reason);
        using var thief = PrivateKey.Generate(KeyAlgorithm.ES256);
        Assert.Equal("PROOF_KEY_MISMATCH", (await tool.Credentials.VerifyAsync(TestAgent.Presents(_agent.Credential, thief))).Reason);
        var elsewhere = _agent.Presents();
        elsewhere.Audience = TestRegistry.Mail;
        elsewhere.Url = "https://tools.example/mail";
        Assert.Equal("PROOF_REQUEST_MISMATCH", (await tool.Credentials.VerifyAsync(elsewhere)).Reason);
    }

    [Fact]
    public async Task A_wide_envelope_a_foreign_audience_and_a_long_life_are_refused_by_name()
    {
        using var runtime = _agent.Connect();
        var wide = TestRegistry.MaximumEnvelope.Replace("\"read\"", "\"read\",\"delete\"", StringComparison.Ordinal);
        await Refused.BecauseAsync(Refusal.EnvelopeTooWide, StatusCode.PermissionDenied, runtime.Credentials.IssueAsync(new IssueRequest { AuthorizationDetails = wide }));
        await Refused.BecauseAsync(Refusal.EnvelopeMalformed, StatusCode.InvalidArgument, runtime.Credentials.IssueAsync(new IssueRequest { AuthorizationDetails = "{}" }));
        await Refused.BecauseAsync(Refusal.AudienceNotAllowed, StatusCode.PermissionDenied, runtime.Credentials.IssueAsync(new IssueRequest { Audience = { "https://elsewhere.example" } }));
        await Refused.BecauseAsync(Refusal.LifetimeOutOfRange, StatusCode.InvalidArgument, runtime.Credentials.IssueAsync(new IssueRequest { LifetimeSeconds = 901 }));
    }

    private static bool IsHealth(AccessRow row) => row.Method.StartsWith("/grpc.health.", StringComparison.Ordinal);

    // No protobuf: wire types that do not exist, a length without its bytes, a tag cut short, a field number of zero.
    private static IEnumerable<byte[]> Malformed() => [[0x0f, 1, 2, 3], [0x0a, 0x7f, 1], [0x0a], [0xff, 0xff], [0x00], [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]];

    private IEnumerable<string> ForgedCredentials()
    {
        var parts = _agent.Credential.Split('.');
        var header = Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(parts[0]));
        var claims = Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(parts[1]));
        string Signed(string headerText, string claimsText)
        {
            using var other = PrivateKey.Generate(KeyAlgorithm.ES256);
            var input = $"{Text(headerText)}.{Text(claimsText)}";
            return $"{input}.{CanonicalBase64Url.Encode(other.Sign(Encoding.ASCII.GetBytes(input)))}";
        }
        return
        [
            "", "x", "a.b.c", $"{parts[0]}.{parts[1]}.", $"{parts[0]}.{parts[1]}", $"{_agent.Credential}.", $" {_agent.Credential}",
            $"{parts[0]}.{parts[1]}.{parts[2]}.{parts[1]}.{parts[2]}",
            Signed(header.Replace("ES256", "none", StringComparison.Ordinal), claims),
            Signed(header.Replace("ES256", "HS256", StringComparison.Ordinal), claims),
            Signed(header, claims),
            Signed(header, claims.Replace("\"aud\":", "\"aud\":[\"x\"],\"aud\":", StringComparison.Ordinal)),
            Signed(header, claims.Replace("\"exp\":", "\"exp\":\"soon\",\"x\":", StringComparison.Ordinal)),
            $"{Text("""{"alg":"none"}""")}.{parts[1]}.",
            $"{parts[0]}.{Text(claims.Replace("documents", "everything", StringComparison.Ordinal))}.{parts[2]}",
            $"{parts[0]}.{new string('A', 20_000)}.{parts[2]}",
        ];
    }

    private static string Text(string text) => CanonicalBase64Url.Encode(Encoding.UTF8.GetBytes(text));

    private RawCaller Caller(AccessRow row)
    {
        var key = !row.IsSigned ? null
            : row.Callers.HasFlag(Callers.Agents) ? _agent.Key
            : row.Callers.HasFlag(Callers.Operators) ? _registry.Operator
            : _enforcer;
        return new RawCaller(row.Listeners.HasFlag(Listeners.Control) ? _registry.ControlUrl : _registry.GrpcUrl, _registry.PublicUrl, key);
    }

    // Refusals that came before are put on the record first.
    private async Task<ulong> PositionAsync()
    {
        await _registry.Host.Registry.Refusals.FlushAsync();
        return _registry.Host.Registry.State.Position;
    }

    // What the control listener refused is on the record, and nothing else is.
    private async Task AssertNothingWrittenSinceAsync(ulong before)
    {
        await PositionAsync();
        Assert.All(_registry.WrittenSince(before), kind => Assert.Equal(EntryKind.CallsRefused, kind));
    }
}
