using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using Grpc.Core;
using CallsRefused = AgentIdentity.Credentials.Entries.CallsRefused;
using Entry = AgentIdentity.Credentials.Entries.Entry;
using RefusedCalls = AgentIdentity.Credentials.Entries.RefusedCalls;

namespace AgentIdentity.Server.Tests;

/// <summary>Delegation over the wire, with the client library: passed on, used, counted, refused by name, and over with whoever passed it on.</summary>
public sealed class DelegationTests : IAsyncLifetime
{
    private const string Deep = """[{"type":"documents","actions":["read","comment/*"],"locations":["https://tools.example/documents/*"],"maxDepth":3}]""";
    private const string PassedOn = """[{"type":"documents","actions":["read"],"locations":["https://tools.example/documents/report"],"maxDepth":1}]""";

    private TestRegistry _registry = null!;
    private TestAgent _above = null!;
    private TestAgent _below = null!;

    public async Task InitializeAsync()
    {
        _registry = await TestRegistry.StartAsync();
        _above = await _registry.EnrolAsync(envelope: Deep);
        _below = await _registry.EnrolAsync(KeyAlgorithm.Ed25519, sponsor: "Sales desk");
    }

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task The_agent_that_receives_shows_what_it_was_given_with_its_own_key_and_the_chain_is_seen()
    {
        using var tool = _registry.Connect(await _registry.RegisterAsync(Role.Enforcer, "documents"));
        var passedOn = await DelegateAsync(_above, _above.Credential, _below, new Budget { Unit = "calls", Amount = 3 });

        var believed = await tool.Credentials.VerifyAsync(_below.Presents(passedOn.Token));
        Assert.Equal(("NONE", _below.Did, "Sales desk"), (believed.Reason, believed.Presented.Did, believed.Presented.Sponsor));
        Assert.Equal([(_above.Did, TestRegistry.Sponsor)], believed.Presented.Chain.Select(above => (above.Did, above.Sponsor)));
        Assert.Equal($$"""{"sponsor":"{{TestRegistry.Sponsor}}","sub":"{{_above.Did}}"}""", believed.Presented.Act);
        Assert.Equal("PROOF_KEY_MISMATCH", (await tool.Credentials.VerifyAsync(_above.Presents(passedOn.Token))).Reason);

        Assert.Equal([new Budget { Unit = "calls", Amount = 1 }], (await tool.Credentials.VerifyAsync(Spending(passedOn.Token, 2))).Left);
        var exceeded = await tool.Credentials.VerifyAsync(Spending(passedOn.Token, 2));
        Assert.Equal((false, "BUDGET_EXCEEDED", 0L), (exceeded.Allowed, exceeded.Reason, exceeded.RelyUntil));
        Assert.Equal("NO_BUDGET", (await tool.Credentials.VerifyAsync(Spending(_below.Credential, 1))).Reason);

        await _registry.StopAgentAsync(_above.Did);
        var stopped = await tool.Credentials.VerifyAsync(_below.Presents(passedOn.Token));
        Assert.Equal((false, "CHAIN_STOPPED"), (stopped.Allowed, stopped.Reason));
        Assert.True((await tool.Credentials.VerifyAsync(_below.Presents())).Allowed);
    }

    [Fact]
    public async Task What_was_received_is_passed_on_and_not_renewed()
    {
        var last = await _registry.EnrolAsync();
        var passedOn = await DelegateAsync(_above, _above.Credential, _below);
        using var with = _registry.Connect(_below.Key, passedOn.Source);
        var further = await AgentDelegation.DelegateAsync(with, Request(last.Did, PassedOn.Replace(",\"maxDepth\":1", "", StringComparison.Ordinal)));
        using var tool = _registry.Connect(await _registry.RegisterAsync(Role.Enforcer, "documents"));
        var chain = (await tool.Credentials.VerifyAsync(last.Presents(further.Token))).Presented.Chain;
        Assert.Equal([_below.Did, _above.Did], chain.Select(above => above.Did));
        await Refused.BecauseAsync(Refusal.DelegationNotRenewable, StatusCode.FailedPrecondition, with.Credentials.RenewAsync(new RenewRequest { Credential = passedOn.Token }));
        using var end = _registry.Connect(last.Key, further.Source);
        await Refused.BecauseAsync(
            Refusal.DelegationTooDeep, StatusCode.PermissionDenied,
            end.Credentials.DelegateAsync(Request((await _registry.EnrolAsync()).Did, PassedOn.Replace(",\"maxDepth\":1", "", StringComparison.Ordinal))));
    }

    [Fact]
    public async Task What_an_agent_was_refused_to_delegate_is_on_the_record_by_name_and_what_a_stranger_was_is_not()
    {
        using var own = _registry.Connect(_above.Key, _ => new(_above.Credential));
        await Refused.BecauseAsync(Refusal.DelegationCycle, StatusCode.InvalidArgument, own.Credentials.DelegateAsync(Request(_above.Did, PassedOn)));
        using var stolen = _registry.Connect(_below.Key, _ => new(_above.Credential));
        await Refused.BecauseAsync(Refusal.ProofKeyMismatch, StatusCode.Unauthenticated, stolen.Credentials.DelegateAsync(Request(_below.Did, PassedOn)));
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        using var stranger = _registry.Connect(key, _ => new(_above.Credential));
        await Refused.BecauseAsync(Refusal.CallerUnknown, StatusCode.Unauthenticated, stranger.Credentials.DelegateAsync(Request(_below.Did, PassedOn)));

        var registry = _registry.Host.Registry;
        await registry.Refusals.FlushAsync();
        var trail = registry.Reading.ListTrail(registry.State.Founding!.RegistryId, 0, 1000).Entries;
        var refused = trail.Select(row => Entry.TryDecode(row.Entry, out var entry) ? entry.Body : null).OfType<CallsRefused>().SelectMany(calls => calls.Refused);
        const string Delegate = "/agentidentity.v1.Credentials/Delegate";
        Assert.Equal(
            [new RefusedCalls(Delegate, "DELEGATION_CYCLE", _above.Key.PublicKey.KeyId, 1), new(Delegate, "PROOF_KEY_MISMATCH", _below.Key.PublicKey.KeyId, 1)],
            refused.Where(calls => calls.Method == Delegate).OrderBy(calls => calls.Reason, StringComparer.Ordinal));
    }

    [Fact]
    public async Task Without_the_credential_that_is_passed_on_from_or_with_anothers_nothing_is_passed_on()
    {
        using var bare = _above.Connect();
        await Refused.BecauseAsync(Refusal.CredentialInvalid, StatusCode.Unauthenticated, bare.Credentials.DelegateAsync(Request(_below.Did, PassedOn)));
        using var stolen = _registry.Connect(_below.Key, _ => new(_above.Credential));
        await Refused.BecauseAsync(Refusal.ProofKeyMismatch, StatusCode.Unauthenticated, stolen.Credentials.DelegateAsync(Request(_below.Did, PassedOn)));
    }

    [Fact]
    public async Task Each_bad_request_has_its_name_and_writes_nothing()
    {
        using var with = _registry.Connect(_above.Key, _ => new(_above.Credential));
        var before = _registry.Host.Registry.State.Position;
        var budget = new Budget { Unit = "calls", Amount = 1 };
        foreach (var (request, refusal, status) in new[]
        {
            (Request("nobody", PassedOn), Refusal.MessageMalformed, StatusCode.InvalidArgument),
            (Request("did:web:elsewhere:agents:0192f0c1-7a00-7def-8123-456789abcdef", PassedOn), Refusal.MessageMalformed, StatusCode.InvalidArgument),
            (Request("0192f0c1-7a00-7def-8123-456789abcdef", PassedOn), Refusal.AgentUnknown, StatusCode.NotFound),
            (Request(_above.Did, PassedOn), Refusal.DelegationCycle, StatusCode.InvalidArgument),
            (Request(_below.Did, ""), Refusal.EnvelopeMalformed, StatusCode.InvalidArgument),
            (Request(_below.Did, Deep), Refusal.DelegationTooDeep, StatusCode.PermissionDenied),
            (Request(_below.Did, PassedOn.Replace("read", "delete", StringComparison.Ordinal)), Refusal.EnvelopeTooWide, StatusCode.PermissionDenied),
            (With(request => request.Audience.Add("https://elsewhere.example")), Refusal.AudienceNotAllowed, StatusCode.PermissionDenied),
            (With(request => request.LifetimeSeconds = 901), Refusal.LifetimeOutOfRange, StatusCode.InvalidArgument),
            (With(request => request.Budgets.Add([budget, budget])), Refusal.BudgetMalformed, StatusCode.InvalidArgument),
            (With(request => request.Budgets.Add(new Budget { Unit = "calls" })), Refusal.BudgetMalformed, StatusCode.InvalidArgument),
            (With(request => request.Budgets.Add(Enumerable.Range(0, 17).Select(unit => new Budget { Unit = $"{unit}", Amount = 1 }))), Refusal.BudgetMalformed, StatusCode.InvalidArgument),
            (With(request => request.MinEpoch = ulong.MaxValue), Refusal.EpochNotReached, StatusCode.Unavailable),
        })
            await Refused.BecauseAsync(refusal, status, with.Credentials.DelegateAsync(request));
        Assert.Empty(_registry.Host.Registry.State.Lineage.From(_above.Enrolled.AgentId));
        Assert.Empty(_registry.WrittenSince(before));

        await _registry.StopAgentAsync(_below.Did);
        await Refused.BecauseAsync(Refusal.DelegateStopped, StatusCode.PermissionDenied, with.Credentials.DelegateAsync(Request(_below.Did, PassedOn)));
        await _registry.StopAgentAsync(_above.Did);
        await Refused.BecauseAsync(Refusal.AgentFrozen, StatusCode.PermissionDenied, with.Credentials.DelegateAsync(Request(_below.Did, PassedOn)));
    }

    [Fact]
    public async Task A_spend_that_is_none_is_malformed()
    {
        using var tool = _registry.Connect(await _registry.RegisterAsync(Role.Enforcer, "documents"));
        foreach (var unit in new[] { "", "a b", new string('a', 65) })
        {
            var request = Spending(_below.Credential, 1);
            request.Spend[0].Unit = unit;
            await Refused.BecauseAsync(Refusal.BudgetMalformed, StatusCode.InvalidArgument, tool.Credentials.VerifyAsync(request));
        }
        await Refused.BecauseAsync(Refusal.BudgetMalformed, StatusCode.InvalidArgument, tool.Credentials.VerifyAsync(Spending(_below.Credential, 0)));
    }

    private async Task<HeldCredential> DelegateAsync(TestAgent from, string credential, TestAgent to, params Budget[] budgets)
    {
        using var connection = _registry.Connect(from.Key, _ => new(credential));
        var request = Request(to.Did, PassedOn);
        request.Budgets.Add(budgets);
        return await AgentDelegation.DelegateAsync(connection, request);
    }

    private DelegateRequest With(Action<DelegateRequest> change)
    {
        var request = Request(_below.Did, PassedOn);
        change(request);
        return request;
    }

    private static DelegateRequest Request(string agent, string envelope) => new() { Agent = agent, AuthorizationDetails = envelope };

    private VerifyRequest Spending(string credential, ulong calls)
    {
        var request = _below.Presents(credential);
        request.Spend.Add(new Budget { Unit = "calls", Amount = calls });
        return request;
    }
}
