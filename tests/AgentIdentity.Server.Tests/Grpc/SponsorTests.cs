using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Tests.Fixtures;
using Grpc.Core;
using AgentState = AgentIdentity.Protocol.V1.AgentState;
using Budget = AgentIdentity.Protocol.V1.Budget;
using BudgetUse = AgentIdentity.Protocol.V1.BudgetUse;
using Scope = AgentIdentity.Protocol.V1.Scope;

namespace AgentIdentity.Server.Tests.Grpc;

/// <summary>A sponsor over the wire: it sees its agents and what they pass on, switches one off, and of others it is told no more than if there were none.</summary>
public sealed class SponsorTests : IAsyncLifetime
{
    private const string Deep = """[{"type":"documents","actions":["read","comment/*"],"locations":["https://tools.example/documents/*"],"maxDepth":3}]""";
    private const string PassedOn = """[{"type":"documents","actions":["read"],"locations":["https://tools.example/documents/report"],"maxDepth":1}]""";
    private const string WrongScid = "QmXrEwqsv8iSqN2WKqLWz6GgMTLR3mQD2yAWD3VbLmFef7";

    private TestRegistry _registry = null!;
    private RegistryConnection _sponsor = null!;
    private PrivateKey _key = null!;
    private TestAgent _mine = null!;
    private TestAgent _others = null!;

    public async Task InitializeAsync()
    {
        _registry = await TestRegistry.StartAsync();
        _key = await _registry.RegisterAsync(Role.Sponsor, TestRegistry.Sponsor);
        _sponsor = _registry.Connect(_key);
        _mine = await _registry.EnrolAsync(envelope: Deep);
        _others = await _registry.EnrolAsync(sponsor: "Sales desk", envelope: Deep);
    }

    public async Task DisposeAsync()
    {
        _sponsor.Dispose();
        await _registry.DisposeAsync();
    }

    [Fact]
    public void What_is_open_to_a_sponsor_is_what_narrows_its_answer()
    {
        string[] open =
        [
            "Registry/GetAgent", "Registry/ListAgents", "Ledger/ListTrail", "Ledger/ExportTrail",
            "Control/Stop", "Control/PreviewStop", "Control/Propagation", "Control/WatchPropagation", "Control/ListStops",
            "Questions/WhoIs", "Questions/Descendants", "Questions/Ancestors",
        ];
        Assert.Equal(open, AccessTable.Rows.Where(row => row.Callers.HasFlag(Callers.Sponsors)).Select(row => row.Method["/agentidentity.v1.".Length..]));
    }

    [Fact]
    public async Task A_sponsor_freezes_its_agent_follows_the_stop_and_lifts_nothing()
    {
        using var gateway = _registry.Connect(await _registry.RegisterAsync(Role.Enforcer, "documents"));
        Assert.True((await gateway.Credentials.VerifyAsync(_mine.Presents())).Allowed);
        Assert.Equal([_mine.Did], (await _sponsor.Control.PreviewStopAsync(new PreviewStopRequest { Scope = new Scope { Agent = _mine.Did } })).Agents);
        var theirs = await _registry.StopAgentAsync(_mine.Did, AgentState.Restricted);
        var stopped = await _sponsor.Control.StopAsync(Freeze(new Scope { Agent = _mine.Did }));
        Assert.Equal((StopLevel.Recorded, 1ul), (stopped.Level, stopped.AgentsReached));
        Assert.Equal("AGENT_FROZEN", (await gateway.Credentials.VerifyAsync(_mine.Presents())).Reason);
        Assert.Equal(stopped.LedgerIndex, (await _sponsor.Control.StopAsync(Freeze(new Scope { Agent = _mine.Did }))).LedgerIndex);

        Assert.Equal(stopped.LedgerIndex, Assert.Single((await _sponsor.Control.ListStopsAsync(new ListStopsRequest())).Stops).LedgerIndex);
        Assert.Equal(2, (await _registry.AsOperator.Control.ListStopsAsync(new ListStopsRequest())).Stops.Count);
        var report = await _sponsor.Control.PropagationAsync(new PropagationRequest { Stop = stopped.LedgerIndex });
        var enforcer = Assert.Single(Assert.Single(report.Stops).Enforcers);
        Assert.Equal(("documents", 0, true), (enforcer.Name, enforcer.Audiences.Count, enforcer.Needed));
        Assert.NotEmpty((await _registry.AsOperator.Control.PropagationAsync(new PropagationRequest { Stop = stopped.LedgerIndex })).Stops[0].Enforcers[0].Audiences);
        var alike = await DetailsAsync(
            () => _sponsor.Control.PropagationAsync(new PropagationRequest { Incident = "i-2" }).ResponseAsync,
            () => _sponsor.Control.PropagationAsync(new PropagationRequest { Stop = theirs.LedgerIndex }).ResponseAsync);
        Assert.All(alike, told => Assert.Equal("STOP_UNKNOWN", told.Reason));
        await Refused.BecauseAsync(Refusal.NotPermitted, StatusCode.PermissionDenied, _sponsor.Control.RestoreAsync(new RestoreRequest { Reason = "mine", Stops = { stopped.LedgerIndex } }));
        await Refused.BecauseAsync(Refusal.NotPermitted, StatusCode.PermissionDenied, _sponsor.Control.StopAsync(Freeze(new Scope { Everything = true })));
    }

    [Fact]
    public async Task Another_sponsors_agent_is_answered_like_none_by_whatever_it_is_named()
    {
        var nobody = SubjectId.New(TimeProvider.System.GetUtcNow());
        var did = _registry.Host.Registry.Settings.Name.AgentDid(nobody);
        string Webvh(string of) => of.Replace("did:web:", $"did:webvh:{WrongScid}:", StringComparison.Ordinal);
        string Key(PrivateKey of) => Multikey.Did(of.PublicKey);
        foreach (var (theirs, none) in new[] { (_others.Did, did), (Webvh(_others.Did), Webvh(did)), (Key(_others.Key), Key(PrivateKey.Generate(KeyAlgorithm.ES256))) })
        {
            foreach (var ask in ByName())
                await AssertAlikeAsync(() => ask(theirs), () => ask(none));
        }
        var jti = CredentialOf(_others).ToString();
        await AssertAlikeAsync(() => WhoIsAsync(new Asked { Credential = jti }), () => WhoIsAsync(new Asked { Credential = nobody.ToString() }));
        await AssertAlikeAsync(() => WhoIsAsync(new Asked { Key = _others.Key.PublicKey.KeyId.ToString() }), () => WhoIsAsync(new Asked { Key = PrivateKey.Generate(KeyAlgorithm.ES256).PublicKey.KeyId.ToString() }));
        // Of operators it is told nothing either; entry 0 is genesis, and about no agent.
        await AssertAlikeAsync(() => WhoIsAsync(new Asked { Key = _registry.Operator.PublicKey.KeyId.ToString() }), () => WhoIsAsync(new Asked { Entry = 0 }));
        await AssertAlikeAsync(() => WhoIsAsync(new Asked { Entry = _registry.Host.Registry.State.FindAgent(_others.Enrolled.AgentId)!.EnrolledIndex.Value }), () => WhoIsAsync(new Asked { Entry = 0 }));
        var founding = new Question { AtEntry = 0 };
        await AssertAlikeAsync(
            () => _sponsor.Questions.DescendantsAsync(new LineageRequest { Agent = _others.Did, Question = founding }).ResponseAsync,
            () => _sponsor.Questions.DescendantsAsync(new LineageRequest { Agent = did, Question = founding }).ResponseAsync);
        Assert.Equal(AgentState.Active, (await _registry.AsOperator.Registry.GetAgentAsync(new GetAgentRequest { Agent = _others.Did })).Agent.State);

        foreach (var ask in ByName())
            await ask(Key(_mine.Key));
        Assert.Equal(_mine.Did, Assert.Single((await _sponsor.Questions.WhoIsAsync(new WhoIsRequest { Who = new Asked { Credential = CredentialOf(_mine).ToString() } })).Agents).Agent.Did);
    }

    [Fact]
    public async Task Of_a_delegation_to_another_sponsors_agent_its_name_and_what_was_spent_are_seen_and_each_look_is_on_the_record()
    {
        var behind = await _registry.EnrolAsync(sponsor: "Sales desk");
        var given = await DelegateAsync(_mine, _mine.Credential, _others, new Budget { Unit = "calls", Amount = 5 });
        await DelegateAsync(_others, given, behind, new Budget { Unit = "calls", Amount = 1 });
        using (var others = _others.Connect())
            await others.Ledger.RecordAsync(_others.NextStatement());
        using (var tool = _registry.Connect(await _registry.RegisterAsync(Role.Enforcer, "documents")))
        {
            var spending = _others.Presents(given);
            spending.Spend.Add(new Budget { Unit = "calls", Amount = 2 });
            Assert.True((await tool.Credentials.VerifyAsync(spending)).Allowed);
        }
        var before = _registry.Host.Registry.State.Position;
        var down = await _sponsor.Questions.DescendantsAsync(new LineageRequest { Agent = _mine.Did });
        var up = await _sponsor.Questions.AncestorsAsync(new LineageRequest { Agent = _mine.Did });
        await _sponsor.Questions.WhoIsAsync(new WhoIsRequest { Who = new Asked { Agent = _mine.Did } });
        await _sponsor.Control.ListStopsAsync(new ListStopsRequest());
        Assert.Equal(Enumerable.Repeat(EntryKind.PrivateDataRead, 4), _registry.WrittenSince(before));

        Assert.Equal([1u, 1u], down.ByHops);
        Assert.Equal((TestRegistry.Sponsor, AgentState.Active), (down.Agents[0].Agent.Sponsor, down.Agents[0].Agent.State));
        Assert.Equal(new AgentThen { Did = _others.Did }, down.Agents[1].Agent);
        Assert.Equal((_mine.Did, 0u, new BudgetUse { Unit = "calls", Amount = 5, Spent = 2 }), (down.Agents[1].Via, down.Agents[1].Weight, Assert.Single(down.Agents[1].Budgets)));
        Assert.Single(up.Agents);
        Assert.Equal(3, (await _registry.AsOperator.Questions.DescendantsAsync(new LineageRequest { Agent = _mine.Did })).Agents.Count);
        await Refused.BecauseAsync(Refusal.NotPermitted, StatusCode.PermissionDenied, _sponsor.Control.StopAsync(Freeze(new Scope { AgentWithDelegates = _mine.Did })));
        await Refused.BecauseAsync(Refusal.NotPermitted, StatusCode.PermissionDenied, _sponsor.Control.PreviewStopAsync(new PreviewStopRequest { Scope = new Scope { AgentWithDelegates = _mine.Did } }));
    }

    [Fact]
    public async Task A_sponsor_whose_key_is_stopped_is_answered_no_more_not_even_on_what_it_follows()
    {
        var stopped = await _sponsor.Control.StopAsync(Freeze(new Scope { Agent = _mine.Did }));
        using var watching = _sponsor.Control.WatchPropagation(new PropagationRequest { Stop = stopped.LedgerIndex });
        Assert.True(await watching.ResponseStream.MoveNext(CancellationToken.None));
        await _registry.AsOperator.Control.StopAsync(new StopRequest { Scope = new Scope { Key = _key.PublicKey.KeyId.ToString() }, State = AgentState.Frozen, Reason = "stolen" });
        var ended = await Assert.ThrowsAsync<RegistryRefusedException>(async () =>
        {
            while (await watching.ResponseStream.MoveNext(CancellationToken.None))
            {
            }
        });
        Assert.Equal(Refusal.KeyStopped, ended.Refusal);
        var refused = await Assert.ThrowsAsync<RegistryRefusedException>(() => _sponsor.Control.StopAsync(Freeze(new Scope { Agent = _mine.Did })).ResponseAsync);
        Assert.Equal(Refusal.KeyStopped, refused.Refusal);
    }

    [Fact]
    public async Task What_operators_say_of_a_stop_is_told_to_the_sponsor_of_the_agent_that_it_names_and_to_no_other()
    {
        await DelegateAsync(_others, _others.Credential, _mine, new Budget { Unit = "calls", Amount = 1 });
        async Task<ulong> StopAsync(Scope scope, AgentState state = AgentState.Frozen) =>
            (await _registry.AsOperator.Control.StopAsync(new StopRequest { Scope = scope, State = state, Reason = "the sales desk was bribed", Incident = "i-7" })).LedgerIndex;
        var above = await StopAsync(new Scope { AgentWithDelegates = _others.Did });
        var wide = await StopAsync(new Scope { Label = new Label { Name = "team", Value = "research" } });
        Assert.Equal((above, "", ""), Said((await _sponsor.Registry.ListAgentsAsync(new ListAgentsRequest())).Agents[0].Stop));
        var own = await StopAsync(new Scope { Agent = _mine.Did }, AgentState.Revoked);

        var told = Assert.Single((await _sponsor.Questions.WhoIsAsync(new WhoIsRequest { Who = new Asked { Agent = _mine.Did } })).Agents).Stops.Select(then => then.Stop).ToArray();
        Assert.Equal([(above, "", ""), (wide, "", ""), (own, "the sales desk was bribed", "i-7")], told.Select(Said));
        Assert.Equal([AgentState.Frozen, AgentState.Frozen, AgentState.Revoked], told.Select(stop => stop.State));
        Assert.Null(told[0].Scope);
        Assert.Equal("research", told[1].Scope.Label.Value);
        Assert.Equal((own, "the sales desk was bribed", "i-7"), Said((await _sponsor.Registry.GetAgentAsync(new GetAgentRequest { Agent = _mine.Did })).Agent.Stop));
        Assert.Equal("the sales desk was bribed", (await _registry.AsOperator.Registry.GetAgentAsync(new GetAgentRequest { Agent = _others.Did })).Agent.Stop.Reason);
    }

    [Fact]
    public async Task Pages_of_a_sponsors_agents_end_with_its_own_and_count_no_others()
    {
        var only = await _sponsor.Registry.ListAgentsAsync(new ListAgentsRequest { PageSize = 1 });
        Assert.Equal((_mine.Did, ""), (Assert.Single(only.Agents).Did, only.NextPageToken));
        var second = await _registry.EnrolAsync();
        var first = await _sponsor.Registry.ListAgentsAsync(new ListAgentsRequest { PageSize = 1 });
        Assert.StartsWith("1.", first.NextPageToken, StringComparison.Ordinal);
        var last = await _sponsor.Registry.ListAgentsAsync(new ListAgentsRequest { PageSize = 1, PageToken = first.NextPageToken });
        Assert.Equal((second.Did, ""), (Assert.Single(last.Agents).Did, last.NextPageToken));
    }

    [Fact]
    public async Task A_sponsor_follows_eight_stops_at_once_and_an_operator_as_many_as_it_likes()
    {
        var stopped = await _sponsor.Control.StopAsync(Freeze(new Scope { Agent = _mine.Did }));
        var watches = new List<AsyncServerStreamingCall<PropagationResponse>>();
        async Task WatchAsync(RegistryConnection by)
        {
            watches.Add(by.Control.WatchPropagation(new PropagationRequest { Stop = stopped.LedgerIndex }));
            Assert.True(await watches[^1].ResponseStream.MoveNext(CancellationToken.None));
        }
        for (var i = 0; i < 8; i++)
            await WatchAsync(_sponsor);
        var refused = await Assert.ThrowsAsync<RegistryRefusedException>(() => WatchAsync(_sponsor));
        Assert.Equal(Refusal.QuotaExceeded, refused.Refusal);
        for (var i = 0; i < 9; i++)
            await WatchAsync(_registry.AsOperator);
        watches.ForEach(watch => watch.Dispose());
    }

    private static (ulong, string, string) Said(StopInForce stop) => (stop.LedgerIndex, stop.Reason, stop.Incident);

    private IEnumerable<Func<string, Task>> ByName() =>
    [
        agent => _sponsor.Registry.GetAgentAsync(new GetAgentRequest { Agent = agent }).ResponseAsync,
        agent => _sponsor.Ledger.ListTrailAsync(new ListTrailRequest { Agent = agent }).ResponseAsync,
        agent => _sponsor.Control.PreviewStopAsync(new PreviewStopRequest { Scope = new Scope { Agent = agent } }).ResponseAsync,
        agent => _sponsor.Control.PreviewStopAsync(new PreviewStopRequest { Scope = new Scope { AgentWithDelegates = agent } }).ResponseAsync,
        agent => _sponsor.Questions.DescendantsAsync(new LineageRequest { Agent = agent }).ResponseAsync,
        agent => _sponsor.Questions.AncestorsAsync(new LineageRequest { Agent = agent }).ResponseAsync,
        agent => WhoIsAsync(new Asked { Agent = agent }),
        agent => _sponsor.Control.StopAsync(Freeze(new Scope { Agent = agent })).ResponseAsync,
    ];

    private Task<WhoIsResponse> WhoIsAsync(Asked who) => _sponsor.Questions.WhoIsAsync(new WhoIsRequest { Who = who }).ResponseAsync;

    private static async Task AssertAlikeAsync(Func<Task> theirs, Func<Task> none)
    {
        var told = await DetailsAsync(theirs, none);
        Assert.Equal(told[0], told[1]);
        Assert.Equal("AGENT_UNKNOWN", told[0].Reason);
    }

    private static async Task<(string Reason, StatusCode Status, string Detail)[]> DetailsAsync(params Func<Task>[] asks)
    {
        var told = new List<(string, StatusCode, string)>();
        foreach (var ask in asks)
        {
            var refused = await Assert.ThrowsAsync<RegistryRefusedException>(ask);
            told.Add((refused.Reason, refused.StatusCode, refused.Detail));
        }
        return [.. told];
    }

    private SubjectId CredentialOf(TestAgent agent) => _registry.Host.Registry.State.FindAgent(agent.Enrolled.AgentId)!.Credentials[0].Item.Jti;

    private async Task<string> DelegateAsync(TestAgent from, string credential, TestAgent to, Budget budget)
    {
        using var with = _registry.Connect(from.Key, _ => new(credential));
        var envelope = credential == from.Credential ? PassedOn : PassedOn.Replace(",\"maxDepth\":1", "", StringComparison.Ordinal);
        return (await with.Credentials.DelegateAsync(new DelegateRequest { Agent = to.Did, AuthorizationDetails = envelope, Audience = { TestRegistry.Documents }, Budgets = { budget } })).Credential.Token;
    }

    private static StopRequest Freeze(Scope scope) => new() { Scope = scope, State = AgentState.Frozen, Reason = "odd calls" };
}
