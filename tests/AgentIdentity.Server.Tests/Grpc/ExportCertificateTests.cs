using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Certificates;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Tests.Wire;
using Grpc.Core;
using Grpc.Net.Client;
using AgentState = AgentIdentity.Protocol.V1.AgentState;
using EnforcerProgress = AgentIdentity.Credentials.Watching.EnforcerProgress;
using StopLevel = AgentIdentity.Credentials.Watching.StopLevel;

namespace AgentIdentity.Server.Tests.Grpc;

/// <summary>A containment certificate over the wire: what enforcers sign is in it, and what it proves is what they signed.</summary>
public sealed class ExportCertificateTests : IAsyncLifetime
{
    private const string Incident = "i-7";
    private static readonly string[] Both = [TestRegistry.Documents, TestRegistry.Mail];

    private TestRegistry _registry = null!;
    private GrpcChannel _channel = null!;

    public async Task InitializeAsync()
    {
        _registry = await TestRegistry.StartAsync();
        _channel = GrpcChannel.ForAddress(_registry.GrpcUrl);
    }

    public async Task DisposeAsync()
    {
        _channel.Dispose();
        await _registry.DisposeAsync();
    }

    [Fact]
    public async Task Enforcers_that_have_signed_prove_that_a_stop_is_enforced()
    {
        using var first = await WatchAsync("first gateway");
        using var second = await WatchAsync("second gateway");
        await StopAsync("i-6");
        await SignAsync(first, second);
        var stopped = await StopAsync(Incident);
        await SignAsync(first, second);
        await UntilAsync(report => report.Level >= Protocol.V1.StopLevel.Enforced);

        var verdict = await AuditAsync(_registry.AsOperator, new PropagationRequest { Incident = Incident });

        var stop = Assert.Single(verdict.Stops);
        Assert.Equal((StopLevel.Enforced, stopped.LedgerIndex), (verdict.Level, stop.Denial.Index.Value));
        Assert.Equal([("first gateway", true), ("second gateway", true)], stop.Enforcers.Select(enforcer => (enforcer.Name, enforcer.SignedAt >= stop.At)));
        Assert.Equal(Both, stop.Exposed.Select(exposed => exposed.Audience));
        Assert.True(stop.Proven.ExhaustedAt > verdict.MadeAt);
        Assert.Contains("first gateway, second gateway", verdict[CertificateProperty.OneHistory].Words, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_is_silent_is_named_and_the_stop_is_not_enforced()
    {
        using var first = await WatchAsync("first gateway");
        await _registry.RegisterAsync(Role.Enforcer, "silent gateway");
        await StopAsync(Incident);
        await SignAsync(first);
        await UntilAsync(report => report.Stops[0].Enforcers.Any(enforcer => enforcer.Progress == Protocol.V1.EnforcerProgress.Acknowledged));

        var verdict = await AuditAsync(_registry.AsOperator, new PropagationRequest { Incident = Incident });

        var missing = Assert.Single(Assert.Single(verdict.Stops).Missing);
        Assert.Equal((StopLevel.Nodes, "silent gateway"), (verdict.Level, missing.Name));
        Assert.True(missing.Word is { Progress: EnforcerProgress.Silent, LeaseUntil: > 0 } or { Progress: EnforcerProgress.LeaseOver });
    }

    [Fact]
    public async Task One_that_only_observes_is_named_by_its_own_signature()
    {
        using var first = await WatchAsync("first gateway", observes: true);
        await StopAsync(Incident);
        await SignAsync(first);

        // What only observes shows in no report when it has signed: each export is under a later checkpoint.
        CertificateVerdict verdict;
        do
            verdict = await AuditAsync(_registry.AsOperator, new PropagationRequest { Incident = Incident });
        while (!verdict.Stops[0].Enforcers[0].IsObserving);

        var missing = Assert.Single(Assert.Single(verdict.Stops).Missing);
        Assert.Equal((StopLevel.Nodes, true, EnforcerProgress.Observing), (verdict.Level, missing.IsObserving, missing.Word?.Progress));
        Assert.All(verdict.Stops[0].Exposed, exposed => Assert.True(exposed.IsUnproven));
    }

    [Fact]
    public async Task An_auditor_gets_it_by_one_stop_with_the_others_of_its_incident_and_the_look_is_on_the_record()
    {
        using var auditor = _registry.Connect(await _registry.RegisterAsync(Role.Auditor, "auditor"));
        var one = await StopAsync(Incident);
        var other = await StopAsync(Incident);
        var alone = await StopAsync("");

        Assert.Equal([one.LedgerIndex, other.LedgerIndex], (await AuditAsync(auditor, new PropagationRequest { Stop = other.LedgerIndex })).Stops.Select(stop => stop.Denial.Index.Value));
        Assert.Equal([alone.LedgerIndex], (await AuditAsync(auditor, new PropagationRequest { Stop = alone.LedgerIndex })).Stops.Select(stop => stop.Denial.Index.Value));

        Assert.Equal(2, await LooksAsync());
    }

    [Fact]
    public async Task Whoever_asks_how_far_a_stop_has_come_leaves_one_look_however_many_reports_follow()
    {
        using var enforcer = await WatchAsync("gateway");
        var stopped = await StopAsync(Incident);
        await _registry.AsOperator.Control.PropagationAsync(new PropagationRequest { Stop = stopped.LedgerIndex });
        Assert.Equal(1, await LooksAsync());

        using var watching = _registry.AsOperator.Control.WatchPropagation(new PropagationRequest { Incident = Incident });
        Assert.True(await watching.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(3, await LooksAsync());
        await SignAsync(enforcer);
        while (watching.ResponseStream.Current.Level < Protocol.V1.StopLevel.Enforced)
            Assert.True(await watching.ResponseStream.MoveNext(CancellationToken.None));
        await Assert.ThrowsAsync<RegistryRefusedException>(async () => await _registry.AsOperator.Control.PropagationAsync(new PropagationRequest { Incident = "i-8" }));
        // The look of each list is behind its answer: what is new is the list before.
        Assert.Equal(4, await LooksAsync());
    }

    private async Task<int> LooksAsync()
    {
        var entries = await _registry.AsOperator.Ledger.ListEntriesAsync(new ListEntriesRequest { PageSize = 1000 });
        return entries.Entries.Count(entry => entry.Kind == (uint)Credentials.Entries.EntryKind.PrivateDataRead);
    }

    [Fact]
    public async Task What_is_no_incident_and_who_is_no_responder_gets_nothing()
    {
        var stopped = await StopAsync(Incident);
        using var enforcer = _registry.Connect(await _registry.RegisterAsync(Role.Enforcer, "gateway"));

        Assert.Equal(Refusal.StopUnknown, await RefusalAsync(_registry.AsOperator, new PropagationRequest { Incident = "i-8" }));
        Assert.Equal(Refusal.StopUnknown, await RefusalAsync(_registry.AsOperator, new PropagationRequest { Stop = stopped.LedgerIndex - 1 }));
        Assert.Equal(Refusal.MessageMalformed, await RefusalAsync(_registry.AsOperator, new PropagationRequest()));
        Assert.Equal(Refusal.NotPermitted, await RefusalAsync(enforcer, new PropagationRequest { Incident = Incident }));
    }

    private static async Task<Refusal?> RefusalAsync(RegistryConnection reader, PropagationRequest request) =>
        (await Assert.ThrowsAsync<RegistryRefusedException>(() => ExportAsync(reader, request))).Refusal;

    private async Task<WireEnforcer> WatchAsync(string name, bool observes = false)
    {
        var key = await _registry.RegisterAsync(Role.Enforcer, name);
        var enforcer = await WireEnforcer.BeginAsync(new Access.AccessClient(_channel), key, _registry.PublicUrl, Both, new WatchBegin { ObserveOnly = observes });
        await enforcer.HeartbeatAsync();
        return enforcer;
    }

    private async Task<StopResponse> StopAsync(string incident)
    {
        var agent = await _registry.EnrolAsync();
        return await _registry.AsOperator.Control.StopAsync(new StopRequest { Scope = new Scope { Agent = agent.Did }, State = AgentState.Frozen, Reason = "odd calls", Incident = incident });
    }

    private static async Task SignAsync(params WireEnforcer[] enforcers)
    {
        foreach (var enforcer in enforcers)
        {
            await enforcer.UntilAsync(RegistryMessage.OfOneofCase.Delta);
            await enforcer.SignAsync();
        }
    }


    private async Task UntilAsync(Func<PropagationResponse, bool> isSo)
    {
        using var watching = _registry.AsOperator.Control.WatchPropagation(new PropagationRequest { Incident = Incident });
        do
            Assert.True(await watching.ResponseStream.MoveNext(CancellationToken.None));
        while (!isSo(watching.ResponseStream.Current));
    }

    private async Task<CertificateVerdict> AuditAsync(RegistryConnection reader, PropagationRequest request)
    {
        using var http = new HttpClient();
        var bytes = await ExportAsync(reader, request);
        Assert.True(NoteVerifierKey.TryParse((await http.GetStringAsync($"{_registry.HttpUrl}/log-key")).Trim(), out var key, out _));
        var verdict = CertificateVerifier.Verify(bytes, TlogPolicy.LogAlone(key));
        Assert.Equal([], verdict.Findings.Where(finding => finding.Result != TrailResult.Passed).Select(finding => $"{finding.Property}: {finding.Words}"));
        return verdict;
    }

    private static async Task<byte[]> ExportAsync(RegistryConnection reader, PropagationRequest request)
    {
        using var call = reader.Control.ExportCertificate(request);
        var bytes = new List<byte>();
        await foreach (var piece in call.ResponseStream.ReadAllAsync())
            bytes.AddRange(piece.Piece);
        return [.. bytes];
    }
}
