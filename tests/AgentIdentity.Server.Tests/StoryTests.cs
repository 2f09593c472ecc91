using System.Text;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using Grpc.Core;
using AgentState = AgentIdentity.Protocol.V1.AgentState;
using EntryClass = AgentIdentity.Protocol.V1.EntryClass;

namespace AgentIdentity.Server.Tests;

/// <summary>The life of agents over the wire, on a real server: enrolled, acting, recorded, stopped, refused.</summary>
public sealed class StoryTests : IAsyncLifetime
{
    private TestRegistry _registry = null!;

    public async Task InitializeAsync() => _registry = await TestRegistry.StartAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Theory]
    [InlineData(KeyAlgorithm.ES256)]
    [InlineData(KeyAlgorithm.Ed25519)]
    public async Task An_agent_that_acts_is_believed_until_it_is_stopped_and_refused_from_then_on(KeyAlgorithm algorithm)
    {
        var agent = await _registry.EnrolAsync(algorithm);
        using var runtime = agent.Connect();
        using var tool = _registry.Connect(await _registry.RegisterAsync(Role.Enforcer, "documents"));

        var believed = await tool.Credentials.VerifyAsync(agent.Presents());
        Assert.Equal(("NONE", true, agent.Did), (believed.Reason, believed.Allowed, believed.Presented.Did));
        Assert.Equal([new Label { Name = "team", Value = "research", Provenance = LabelProvenance.Sponsor }], believed.Presented.Labels);

        var issued = await runtime.Credentials.IssueAsync(new IssueRequest { Audience = { TestRegistry.Documents } });
        Assert.True((await tool.Credentials.VerifyAsync(agent.Presents(issued.Credential.Token))).Allowed);
        var renewed = await runtime.Credentials.RenewAsync(new RenewRequest { Credential = issued.Credential.Token });
        Assert.True((await tool.Credentials.VerifyAsync(agent.Presents(renewed.Credential.Token))).Allowed);

        var recorded = await runtime.Ledger.RecordAsync(agent.NextStatement());
        Assert.Equal(EntryClass.Activity, recorded.EntryClass);

        var stopped = await _registry.StopAgentAsync(agent.Did);
        Assert.Equal(StopLevel.Recorded, stopped.Level);

        var refused = await tool.Credentials.VerifyAsync(agent.Presents(renewed.Credential.Token));
        Assert.Equal((false, "AGENT_FROZEN", 0L), (refused.Allowed, refused.Reason, refused.RelyUntil));
        await Refused.BecauseAsync(Refusal.AgentFrozen, StatusCode.PermissionDenied, runtime.Credentials.IssueAsync(new IssueRequest()));
        await Refused.BecauseAsync(Refusal.AgentFrozen, StatusCode.PermissionDenied, runtime.Credentials.RenewAsync(new RenewRequest { Credential = renewed.Credential.Token }));
        Assert.Equal(EntryClass.Quarantined, (await runtime.Ledger.RecordAsync(agent.NextStatement())).EntryClass);
    }

    [Fact]
    public async Task What_a_tool_that_asks_was_allowed_counts_as_long_as_it_may_be_relied_on()
    {
        var agent = await _registry.EnrolAsync();
        using var tool = _registry.Connect(await _registry.RegisterAsync(Role.Enforcer, "documents"));

        var allowed = await tool.Credentials.VerifyAsync(agent.Presents());
        var stopped = await _registry.StopAgentAsync(agent.Did);
        var report = (await _registry.AsOperator.Control.PropagationAsync(new PropagationRequest { Stop = stopped.LedgerIndex })).Stops.Single();

        // Ten seconds and one for slow clocks; times are cut to milliseconds.
        Assert.InRange(Assert.Single(report.Enforcers).LeaseUntil, Math.Max(allowed.RelyUntil, report.RecordedAt + 10_999), long.MaxValue);
        Assert.True(report.Level < StopLevel.Enforced);
    }

    [Fact]
    public async Task Each_answer_names_its_place_in_the_ledger_and_an_epoch_not_reached_is_refused()
    {
        var agent = await _registry.EnrolAsync();
        using var runtime = agent.Connect();
        var before = (await runtime.Credentials.IssueAsync(new IssueRequest())).At;
        var other = await _registry.EnrolAsync();
        var stopped = (await _registry.StopAgentAsync(other.Did)).At;
        Assert.True(stopped.Epoch > before.Epoch && stopped.Position > before.Position);

        await runtime.Credentials.IssueAsync(new IssueRequest { MinEpoch = stopped.Epoch });
        await Refused.BecauseAsync(Refusal.EpochNotReached, StatusCode.Unavailable, runtime.Credentials.IssueAsync(new IssueRequest { MinEpoch = stopped.Epoch + 1 }));
    }

    [Fact]
    public async Task The_same_token_and_key_enrol_once_and_another_key_finds_the_token_used_up()
    {
        var token = await _registry.CreateTokenAsync();
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        using var connection = _registry.Connect();
        var first = await AgentEnrolment.EnrollAsync(connection, token, key);
        var again = await AgentEnrolment.EnrollAsync(connection, token, key);
        Assert.Equal((first.Did, first.Credential.Jti), (again.Did, again.Credential.Jti));

        var other = await Assert.ThrowsAsync<RegistryRefusedException>(() => AgentEnrolment.EnrollAsync(connection, token, PrivateKey.Generate(KeyAlgorithm.ES256)));
        Assert.Equal(Refusal.TokenUsedUp, other.Refusal);
        var elsewhere = await _registry.CreateTokenAsync();
        var twice = await Assert.ThrowsAsync<RegistryRefusedException>(() => AgentEnrolment.EnrollAsync(connection, elsewhere, key));
        Assert.Equal(Refusal.KeyAlreadyEnrolled, twice.Refusal);
    }

    [Fact]
    public async Task An_identical_statement_again_gets_the_first_answer_and_a_gap_and_a_fork_are_refused_by_name()
    {
        var agent = await _registry.EnrolAsync();
        using var runtime = agent.Connect();
        var statement = agent.NextStatement();
        var first = await runtime.Ledger.RecordAsync(statement);
        Assert.Equal(first.LedgerIndex, (await runtime.Ledger.RecordAsync(statement)).LedgerIndex);

        agent.NextStatement();
        await Refused.BecauseAsync(Refusal.SequenceGap, StatusCode.FailedPrecondition, runtime.Ledger.RecordAsync(agent.NextStatement()));
        var fork = new TestAgent(_registry, agent.Key, agent.Enrolled);
        await Refused.BecauseAsync(Refusal.SequenceFork, StatusCode.AlreadyExists, runtime.Ledger.RecordAsync(fork.NextStatement(commitments: 2)));
        await Refused.BecauseAsync(Refusal.LevelNotConfigured, StatusCode.FailedPrecondition, runtime.Ledger.RecordAsync(With(agent.NextStatement(), AckLevel.Anchored)));
    }

    [Fact]
    public async Task What_is_recorded_is_proven_under_the_checkpoint_that_http_serves()
    {
        var agent = await _registry.EnrolAsync();
        using var runtime = agent.Connect();
        var recorded = await runtime.Ledger.RecordAsync(With(agent.NextStatement(commitments: 3), AckLevel.Integrated));
        Assert.Equal(AckLevel.Integrated, recorded.Level);

        var proof = await runtime.Ledger.GetInclusionProofAsync(new GetInclusionProofRequest { LedgerIndex = recorded.LedgerIndex });
        Assert.True(NoteVerifierKey.TryParse((await _registry.GetAsync("/log-key")).Trim(), out var logKey, out _));
        Assert.True(Checkpoint.TryOpen(Encoding.UTF8.GetBytes(proof.Checkpoint), logKey, out var checkpoint, out _));
        var path = proof.Path.Select(hash => Hash.Read(hash.Span)).ToArray();
        Assert.True(InclusionProof.Verify(new LeafIndex(recorded.LedgerIndex), checkpoint.Size, MerkleHash.Leaf(proof.Leaf.Span), path, checkpoint.Root));
    }

    [Fact]
    public async Task What_no_checkpoint_covers_yet_comes_with_a_promise_that_the_client_checks()
    {
        var agent = await _registry.EnrolAsync();
        using var connection = agent.Connect();
        var folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;
        using var recorder = new ActivityRecorder(connection, agent.Enrolled.State, agent.Key, Path.Combine(folder, "chain"), Path.Combine(folder, "salts"));
        var logKey = await LogKeyAsync();

        var recorded = await recorder.RecordAsync([Encoding.UTF8.GetBytes("one")]);
        Assert.True(recorded.IsOpened);
        Assert.Equal(recorded.RecordedAt.AddSeconds(5), recorded.Promise!.DueBy(logKey));
        using var stranger = Ed25519PrivateKey.Generate();
        Assert.Null(recorded.Promise.DueBy(new NoteVerifierKey(logKey.Name, stranger.PublicKey)));

        var waited = await recorder.RecordAsync([Encoding.UTF8.GetBytes("two")], waitFor: AckLevel.Integrated);
        Assert.Equal(AckLevel.Integrated, waited.Level);
        Assert.Null(waited.Promise);
    }

    [Fact]
    public async Task The_head_of_an_agent_is_proven_under_a_checkpoint()
    {
        var agent = await _registry.EnrolAsync();
        using var runtime = agent.Connect();
        await runtime.Ledger.RecordAsync(With(agent.NextStatement(), AckLevel.Integrated));

        var heads = (await runtime.Ledger.GetAgentHeadAsync(new GetAgentHeadRequest { Agent = agent.Did, WithProof = true })).Heads;

        Assert.True(InclusionVerifier.Verify(heads.Inclusion, new LeafIndex(heads.Inclusion.LedgerIndex), await LogKeyAsync()).IsIncluded);
        Assert.True(Leaf.TryDecode(heads.Inclusion.Leaf.Span, out var leaf));
        Assert.Equal(Leaf.Commit(heads.Salt.Span, heads.Entry.Span), leaf.Commitment);
        Assert.True(Entry.TryDecode(heads.Entry.ToByteArray(), out var entry));
        var answer = HeadMapProof.Verify(heads.MapProof.Span, ((Heads)entry.Body).Root, Hash.Read(heads.Label.Span), out var head);
        // Enrolled, a credential, a statement; the look at it comes after.
        Assert.Equal((HeadMapAnswer.Present, 3ul), (answer, head.Count));
    }

    [Fact]
    public async Task Everything_is_still_there_after_a_restart()
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;
        TestAgent agent;
        await using (var first = await TestRegistry.StartInAsync(folder))
        {
            await first.FoundAsync();
            agent = await first.EnrolAsync();
            await first.StopAgentAsync(agent.Did, AgentState.Revoked);
            Assert.False(File.Exists(first.Host.BootstrapFile));
        }

        await using var second = await TestRegistry.StartInAsync(folder);
        using var runtime = second.Connect(agent.Key);
        await Refused.BecauseAsync(Refusal.AgentRevoked, StatusCode.PermissionDenied, runtime.Credentials.IssueAsync(new IssueRequest()));
        Assert.Equal(AgentState.Revoked, (await runtime.Registry.GetAgentAsync(new GetAgentRequest { Agent = agent.Did })).Agent.State);
        Assert.False(File.Exists(second.Host.BootstrapFile));
    }

    private async Task<NoteVerifierKey> LogKeyAsync() =>
        NoteVerifierKey.TryParse((await _registry.GetAsync("/log-key")).Trim(), out var key, out var refusal) ? key : throw new InvalidDataException(refusal.ToString());

    private static RecordRequest With(RecordRequest request, AckLevel level)
    {
        request.WaitFor = level;
        return request;
    }
}
