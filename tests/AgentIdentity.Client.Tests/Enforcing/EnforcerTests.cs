using AgentIdentity.Client.Enforcing;
using AgentIdentity.Client.Tests.Fixtures;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Tests.Watch;
using Grpc.Core;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;
using RefusedCalls = AgentIdentity.Client.Tests.Fixtures.RefusedCalls;
using Scope = AgentIdentity.Credentials.Entries.Scope;

namespace AgentIdentity.Client.Tests.Enforcing;

/// <summary>A whole enforcer against a scripted registry over real gRPC.</summary>
public sealed class EnforcerTests : IAsyncLifetime
{
    private const string Url = "https://tool.example/weather";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly AskedAction Read = new("tool", "read", $"{ScriptedRegistry.Audience}/weather");
    private static readonly AskedAction Write = new("tool", "write", $"{ScriptedRegistry.Audience}/notes");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("agentidentity-enforcer-");
    private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.ES256);
    private readonly PrivateKey _agentKey = PrivateKey.Generate(KeyAlgorithm.ES256);
    private readonly SubjectId _agent = ScriptedRegistry.Id(100);
    private readonly ScriptedRegistry _registry = new(TimeProvider.System);
    private readonly System.Collections.Concurrent.ConcurrentQueue<EnforcerAlarm> _alarms = new();
    private readonly ManualBootClock _boot = new();
    private WatchHost _host = null!;
    private Enforcer _enforcer = null!;
    private string _credential = "";

    public async Task InitializeAsync()
    {
        _host = await WatchHost.StartAsync(_registry);
        _enforcer = await StartAsync();
        _credential = _registry.Issue(_agentKey.PublicKey, _agent);
    }

    public async Task DisposeAsync()
    {
        await _enforcer.DisposeAsync();
        await _host.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public void A_good_credential_with_a_fresh_proof_is_let_in_until_the_lease_ends()
    {
        var decision = Check(Proof());
        Assert.True(decision.IsAllowed, decision.Refusal.Name());
        Assert.Equal(_registry.Epoch, decision.Epoch);
        Assert.Equal(_agent, decision.Presented!.Claims.AgentId);
        Assert.InRange(decision.RelyUntil - TimeProvider.System.GetUtcNow(), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_stopped_agent_is_refused_by_name_and_the_stop_is_acknowledged()
    {
        _host.Send(registry => registry.Stop(Scope.Agent(_agent)).Delta);
        var acknowledged = await AcknowledgedAsync(_registry.Epoch);
        Assert.Equal(_registry.Denials.Digest, acknowledged.Digest);
        Assert.False(acknowledged.IsObserving);
        Assert.Equal(Refusal.AgentFrozen, Check(Proof()).Refusal);
    }

    public static TheoryData<string, Refusal> Stops => new()
    {
        { "key:JKT", Refusal.KeyStopped },
        { $"blueprint:{ScriptedRegistry.Blueprint}", Refusal.AgentFrozen },
        { "sponsor:Research desk", Refusal.AgentFrozen },
        { "credential:JTI", Refusal.CredentialStopped },
        { $"audience:{ScriptedRegistry.Audience}", Refusal.AudienceStopped },
        { $"resource:{ScriptedRegistry.Audience}/*", Refusal.ResourceStopped },
        { "issuer-key:ISSUER@0", Refusal.IssuerKeyStopped },
        { "everything", Refusal.AgentFrozen },
        { "agent:ABOVE", Refusal.ChainStopped },
    };

    [Theory]
    [MemberData(nameof(Stops))]
    public async Task A_stop_of_each_scope_is_refused_by_its_name(string scope, Refusal expected)
    {
        var above = ScriptedRegistry.Id(55);
        var jti = SubjectId.New(TimeProvider.System.GetUtcNow());
        _credential = _registry.Issue(_agentKey.PublicKey, _agent, claims => claims with { Jti = jti, LedgerIndex = 1, Act = $$"""{"sub":"{{ScriptedRegistry.Name.AgentDid(above)}}"}""" });
        Assert.True(Check(Proof()).IsAllowed);
        var text = scope.Replace("JKT", _agentKey.PublicKey.KeyId.ToString(), StringComparison.Ordinal).Replace("JTI", jti.ToString(), StringComparison.Ordinal)
            .Replace("ISSUER", _registry.Issuer.PublicKey.KeyId.ToString(), StringComparison.Ordinal).Replace("ABOVE", above.ToString(), StringComparison.Ordinal);
        Assert.True(Scope.TryParse(text, out var parsed));
        _host.Send(registry => registry.Stop(parsed).Delta);
        await AcknowledgedAsync(_registry.Epoch);
        Assert.Equal(expected, Check(Proof()).Refusal);
    }

    [Fact]
    public async Task A_probe_that_a_stop_names_is_decided_about_before_and_after_it_and_the_acknowledgement_says_so()
    {
        var probe = SubjectId.New(TimeProvider.System.GetUtcNow());
        Show(_registry.Issue(_key.PublicKey, ScriptedRegistry.Id(99), claims => claims with { Jti = probe }));
        _host.Send(registry => registry.Stop(Scope.Agent(_agent), probes: [probe]).Delta);
        var acknowledged = await AcknowledgedAsync(_registry.Epoch);
        Assert.Equal(new ProbeOutcome(probe, Refusal.None, Refusal.CredentialStopped), acknowledged.Probe);
        Assert.Equal(0UL, acknowledged.Decisions);

        // It is said until the next one, since the acknowledgement that says it first may be lost.
        _host.Send(registry => registry.Stop(Scope.Agent(ScriptedRegistry.Id(7))).Delta);
        Assert.Equal(probe, (await AcknowledgedAsync(_registry.Epoch)).Probe!.Jti);
    }

    [Fact]
    public async Task A_probe_that_cannot_be_let_in_is_said_to_be_refused_before_or_not_spoken_of()
    {
        var (stopped, foreign) = (SubjectId.New(TimeProvider.System.GetUtcNow()), SubjectId.New(TimeProvider.System.GetUtcNow()));
        Show(_registry.Issue(_key.PublicKey, ScriptedRegistry.Id(98), claims => claims with { Jti = foreign, Audience = ["https://another.example"] }));
        Show(_registry.Issue(_key.PublicKey, ScriptedRegistry.Id(99), claims => claims with { Jti = stopped }));
        _host.Send(registry => registry.Stop(Scope.Agent(ScriptedRegistry.Id(99))).Delta);
        _host.Send(registry => registry.Stop(Scope.Agent(_agent), probes: [foreign]).Delta);
        Assert.Null((await AcknowledgedAsync(_registry.Epoch)).Probe);
        _host.Send(registry => registry.Stop(Scope.Agent(_agent), probes: [stopped]).Delta);
        Assert.Equal(Refusal.AgentFrozen, (await AcknowledgedAsync(_registry.Epoch)).Probe!.Before);
    }

    [Fact]
    public async Task An_enforcer_that_only_observes_says_that_it_lets_the_probe_in()
    {
        await _enforcer.DisposeAsync();
        _enforcer = await StartAsync(options => options with { ObserveOnly = true });
        var probe = SubjectId.New(TimeProvider.System.GetUtcNow());
        Show(_registry.Issue(_key.PublicKey, ScriptedRegistry.Id(99), claims => claims with { Jti = probe }));
        _host.Send(registry => registry.Stop(Scope.Agent(_agent), probes: [probe]).Delta);
        Assert.Equal(new ProbeOutcome(probe, Refusal.None, Refusal.None), (await AcknowledgedAsync(_registry.Epoch)).Probe);
    }

    public static TheoryData<string> ScopesOfTheCallee => new("agent", "key", "blueprint", "sponsor", "label");

    [Theory]
    [MemberData(nameof(ScopesOfTheCallee))]
    public async Task Nobody_may_call_an_agent_that_a_stop_covers_by_whatever_name(string word)
    {
        _registry.Callees = [Callee];
        await RestartAsync();
        Assert.Equal(Refusal.None, Call());
        _host.Send(registry => registry.Stop(Of(word)).Delta);
        await AcknowledgedAsync(_registry.Epoch);
        Assert.Equal(Refusal.AudienceStopped, Call());
        Assert.Empty(_alarms);
    }

    [Theory]
    [MemberData(nameof(ScopesOfTheCallee))]
    public async Task Nobody_may_call_an_agent_that_was_stopped_before_the_enforcer_watched(string word)
    {
        _registry.Callees = [Callee];
        _host.Send(registry => registry.Stop(Of(word)).Delta);
        await RestartAsync();
        Assert.Equal(Refusal.AudienceStopped, Call());
    }

    [Fact]
    public async Task A_registry_that_says_nothing_of_the_agents_among_the_audiences_can_stop_them_by_their_ids()
    {
        Assert.Equal(Refusal.None, Call());
        _host.Send(registry => registry.Stop(Of("agent")).Delta);
        await AcknowledgedAsync(_registry.Epoch);
        Assert.Equal(Refusal.AudienceStopped, Call());
    }

    [Fact]
    public async Task Which_key_an_agent_has_is_what_the_registry_greeted_with_last_and_a_connection_ends_when_that_one_is_stopped()
    {
        _registry.Callees = [Callee];
        _host.Send(registry => registry.Stop(Of("key")).Delta);
        await RestartAsync();
        Assert.Equal(Refusal.AudienceStopped, Call());

        using var next = PrivateKey.Generate(KeyAlgorithm.ES256);
        _registry.Callees = [Callee with { Key = next.PublicKey.KeyId }];
        await _host.RestartAsync();
        await UntilAsync(() => Call() == Refusal.None);
        _enforcer.Open(_credential, Proof(), new RequestBinding("GET", Url), Read, CalleeDid, out var session);
        var ended = new TaskCompletionSource<Refusal>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var live = _enforcer.Register(session!, Read, ended.SetResult);
        _registry.Callees = [Callee];
        await _host.RestartAsync();
        Assert.Equal(Refusal.AudienceStopped, await ended.Task.WaitAsync(Patience));
    }

    [Fact]
    public async Task The_sponsor_and_the_blueprint_of_an_agent_stay_those_that_were_said_first_and_what_is_not_said_again_stays()
    {
        _registry.Callees = [Callee];
        _host.Send(registry => registry.Stop(Of("sponsor")).Delta);
        await RestartAsync();
        _registry.Callees = [Callee with { Sponsor = "other team" }];
        await _host.RestartAsync();
        await AlarmAsync(EnforcerAlarmKind.NoteForged);
        Assert.Equal(Refusal.AudienceStopped, Call());
        _registry.Callees = [];
        await _host.RestartAsync();
        _host.Send(registry => registry.Stop(Scope.Agent(ScriptedRegistry.Id(67))).Delta);
        await AcknowledgedAsync(_registry.Epoch);
        Assert.Equal(Refusal.AudienceStopped, Call());
    }

    [Fact]
    public async Task A_restricted_agent_goes_on_with_what_its_blueprint_lists_as_reads()
    {
        _host.Send(registry => registry.Stop(Scope.Agent(_agent), StandingState.Restricted).Delta);
        await AcknowledgedAsync(_registry.Epoch);
        Assert.True(Check(Proof(), Read).IsAllowed);
        Assert.Equal(Refusal.AgentRestricted, Check(Proof(), Write).Refusal);
    }

    [Fact]
    public void What_is_wrong_with_credential_proof_or_action_is_refused_by_name()
    {
        using var thief = PrivateKey.Generate(KeyAlgorithm.ES256);
        using var otherIssuer = PrivateKey.Generate(KeyAlgorithm.ES256);
        Assert.Equal(Refusal.CredentialInvalid, _enforcer.Check("nonsense", Proof(), new RequestBinding("GET", Url)).Refusal);
        Assert.Equal(Refusal.CredentialInvalid, _enforcer.Check(new ScriptedRegistry(TimeProvider.System).Issue(_agentKey.PublicKey, _agent), Proof(), new RequestBinding("GET", Url)).Refusal);
        Assert.Equal(Refusal.ProofInvalid, Check("nonsense").Refusal);
        Assert.Equal(Refusal.ProofMissing, Check("").Refusal);
        Assert.Equal(Refusal.ProofKeyMismatch, Check(Proof(key: thief)).Refusal);
        Assert.Equal(Refusal.ProofRequestMismatch, Check(Proof(url: Url + "/other")).Refusal);
        Assert.Equal(Refusal.UseDpopNonce, Check(Proof(nonce: "guessed")).Refusal);
        Assert.Equal(Refusal.UseDpopNonce, Check(Proof(nonce: new NonceIssuer(TimeProvider.System).Current())).Refusal);
        Assert.Equal(Refusal.EnvelopeExceeded, Check(Proof(), new AskedAction("tool", "delete", Read.Location)).Refusal);
        _credential = _registry.Issue(_agentKey.PublicKey, _agent, claims => claims with { Audience = ["https://other.example"] });
        Assert.Equal(Refusal.AudienceMismatch, Check(Proof()).Refusal);
        _credential = _registry.Issue(_agentKey.PublicKey, _agent, claims => claims with { NotBefore = claims.NotBefore - 700, ExpiresAt = claims.NotBefore });
        Assert.Equal(Refusal.CredentialExpired, Check(Proof()).Refusal);
        Assert.Empty(_alarms);
    }

    [Fact]
    public async Task Of_32_threads_that_show_one_proof_exactly_one_is_let_in()
    {
        for (var race = 0; race < 200; race++)
        {
            var proof = Proof();
            using var start = new Barrier(32);
            var allowed = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait();
                    return Check(proof);
                },
                TaskCreationOptions.LongRunning)));
            Assert.Single(allowed, decision => decision.IsAllowed);
            Assert.Equal(31, allowed.Count(decision => decision.Refusal == Refusal.ProofReplayed));
        }
    }

    [Fact]
    public async Task A_proof_from_before_a_restart_is_refused_used_or_not()
    {
        var (used, unused) = (Proof(), Proof());
        Assert.True(Check(used).IsAllowed);
        await _enforcer.DisposeAsync();
        _enforcer = await StartAsync();
        Assert.True(Check(Proof()).IsAllowed);
        Assert.Equal(Refusal.UseDpopNonce, Check(used).Refusal);
        Assert.Equal(Refusal.UseDpopNonce, Check(unused).Refusal);
    }

    [Fact]
    public async Task A_bound_session_asks_stops_lease_and_envelope_anew_each_time()
    {
        Assert.True(Open(out var session).IsAllowed);
        Assert.True(_enforcer.CheckBound(session!, Read).IsAllowed);
        Assert.Equal(Refusal.EnvelopeExceeded, _enforcer.CheckBound(session!, new AskedAction("tool", "delete", Read.Location)).Refusal);
        _host.Send(registry => registry.Stop(Scope.Agent(_agent)).Delta);
        await AcknowledgedAsync(_registry.Epoch);
        Assert.Equal(Refusal.AgentFrozen, _enforcer.CheckBound(session!, Read).Refusal);
        _host.IsSilent = true;
        _boot.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(Refusal.LeaseOver, _enforcer.CheckBound(session!, Read).Refusal);
    }

    [Fact]
    public void A_session_by_tls_is_for_the_key_that_the_connection_has_proven()
    {
        using var other = PrivateKey.Generate(KeyAlgorithm.ES256);
        Assert.True(_enforcer.Open(_credential, _agentKey.PublicKey, Read, null, out var session).IsAllowed);
        Assert.True(_enforcer.CheckBound(session!, Read).IsAllowed);
        Assert.Equal(Refusal.ProofKeyMismatch, _enforcer.Open(_credential, other.PublicKey, Read, null, out session).Refusal);
        Assert.Null(session);
    }

    [Fact]
    public void A_bound_decision_allocates_nothing()
    {
        Open(out var session);
        _enforcer.CheckBound(session!, Read);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            _enforcer.CheckBound(session!, Read);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public async Task Without_word_from_the_registry_everything_is_refused_when_the_lease_ends()
    {
        _host.IsSilent = true;
        _boot.Advance(TimeSpan.FromSeconds(9.7));
        Assert.True(Check(Proof()).IsAllowed);
        _boot.Advance(TimeSpan.FromSeconds(0.2));
        Assert.Equal(Refusal.LeaseOver, Check(Proof()).Refusal);
        await AlarmAsync(EnforcerAlarmKind.LeaseEnded);
        _host.IsSilent = false;
        _boot.Advance(TimeSpan.FromSeconds(4));
        await UntilAsync(() => Check(Proof()).IsAllowed);
    }

    [Fact]
    public async Task A_stream_that_has_said_nothing_for_a_lease_is_given_up_for_another()
    {
        _host.IsSilent = true;
        _boot.Advance(TimeSpan.FromSeconds(9));
        await Task.Delay(TimeSpan.FromSeconds(1));
        Assert.Single(_host.Begins);
        _host.IsSilent = false;
        _boot.Advance(TimeSpan.FromSeconds(2));
        using var patience = new CancellationTokenSource(Patience);
        while (_host.Begins.Count < 2 || !Check(Proof()).IsAllowed)
            await Task.Delay(10, patience.Token);
    }

    [Fact]
    public async Task Before_the_registry_was_heard_everything_is_refused_and_no_credential_is_blamed()
    {
        await using var alone = new Enforcer(Options(Path.Combine(_folder.FullName, "alone")) with { Registry = Options("").Registry with { GrpcUrl = "http://127.0.0.1:9" } });
        Assert.Equal(Refusal.LeaseOver, alone.Check(_credential, Proof(), new RequestBinding("GET", Url)).Refusal);
        Assert.Equal(TimeSpan.Zero, alone.LeaseRemaining);
    }

    [Fact]
    public async Task A_class_of_actions_goes_by_its_own_lease_and_by_no_longer_one_than_was_granted()
    {
        _registry.LeaseMilliseconds = 60_000;
        await _enforcer.DisposeAsync();
        _enforcer = await StartAsync(options => options with
        {
            ResourceClasses = [new ResourceClass("reads", TimeSpan.FromSeconds(30), action => action.Action == "read"), new ResourceClass("notes", TimeSpan.FromDays(1), action => action.Location.EndsWith("/notes", StringComparison.Ordinal))],
        });
        _host.IsSilent = true;
        Open(out var session);
        _boot.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(Refusal.LeaseOver, _enforcer.CheckBound(session!, Write with { Location = Read.Location }).Refusal);
        Assert.True(_enforcer.CheckBound(session!, Read).IsAllowed);
        Assert.True(_enforcer.CheckBound(session!, Write).IsAllowed);
        _boot.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(Refusal.LeaseOver, _enforcer.CheckBound(session!, Read).Refusal);
        _boot.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(Refusal.LeaseOver, _enforcer.CheckBound(session!, Write).Refusal);
    }

    [Fact]
    public async Task A_class_that_the_registry_grants_more_outlives_the_lease_and_no_other_class_does()
    {
        _registry.ClassLeases = new Dictionary<string, uint> { ["reads"] = 60_000 };
        await _enforcer.DisposeAsync();
        _enforcer = await StartAsync(options => options with
        {
            ResourceClasses = [new ResourceClass("reads", TimeSpan.FromSeconds(30), action => action.Action == "read"), new ResourceClass("writes", TimeSpan.FromSeconds(30), action => action.Action == "write")],
        });
        _host.IsSilent = true;
        Open(out var session);
        using var reading = new CancellationTokenSource();
        using var read = _enforcer.Register(session!, Read, reading);
        _boot.Advance(TimeSpan.FromSeconds(15));
        await AlarmAsync(EnforcerAlarmKind.LeaseEnded);
        Assert.Equal(Refusal.LeaseOver, _enforcer.CheckBound(session!, Write).Refusal);
        Assert.True(_enforcer.CheckBound(session!, Read).IsAllowed);
        Assert.False(reading.IsCancellationRequested);
        _boot.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(Refusal.LeaseOver, _enforcer.CheckBound(session!, Read).Refusal);
        await UntilAsync(() => reading.IsCancellationRequested);
    }

    [Fact]
    public async Task An_alarm_is_told_on_the_stream_and_one_that_ended_it_on_the_next()
    {
        _host.Send(_ => new Protocol.V1.RegistryMessage());
        await AlarmAsync(EnforcerAlarmKind.NoteForged);
        await UntilAsync(() => !_host.Alarms.IsEmpty);
        Assert.Equal("NOTE_FORGED", Assert.Single(_host.Alarms).Name);
        Assert.Equal(2, _host.Begins.Count);
    }

    [Fact]
    public async Task An_enforcer_that_observes_names_what_it_would_refuse_and_lets_it_in()
    {
        await _enforcer.DisposeAsync();
        _enforcer = await StartAsync(options => options with { ObserveOnly = true });
        _host.Send(registry => registry.Stop(Scope.Agent(_agent)).Delta);
        Assert.True((await AcknowledgedAsync(_registry.Epoch)).IsObserving);
        var decision = Check(Proof());
        Assert.True(decision.IsAllowed);
        Assert.Equal(Refusal.AgentFrozen, decision.Refusal);
        Assert.False(Check("nonsense").IsAllowed);
        _host.IsSilent = true;
        _boot.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((true, Refusal.LeaseOver), (Check(Proof()).IsAllowed, Check(Proof()).Refusal));
        Assert.True(_host.Begins.Last().ObserveOnly);
    }

    [Fact]
    public async Task What_is_open_is_ended_when_a_stop_covers_it_and_what_it_does_not_cover_goes_on()
    {
        Open(out var session);
        _credential = _registry.Issue(_agentKey.PublicKey, ScriptedRegistry.Id(101));
        Open(out var other);
        var ended = new TaskCompletionSource<Refusal>();
        using var goesOn = new CancellationTokenSource();
        using var open = _enforcer.Register(session!, Read, ended.SetResult);
        using var otherOpen = _enforcer.Register(other!, Read, goesOn);
        _host.Send(registry => registry.Stop(Scope.Agent(_agent)).Delta);
        Assert.Equal(Refusal.AgentFrozen, await ended.Task.WaitAsync(Patience));
        Assert.False(goesOn.IsCancellationRequested);
    }

    [Fact]
    public async Task What_is_opened_under_a_stop_ends_at_once_and_what_is_open_ends_with_the_lease()
    {
        Open(out var session);
        using var late = new CancellationTokenSource();
        using var open = _enforcer.Register(session!, Read, late);
        _host.IsSilent = true;
        _boot.Advance(TimeSpan.FromMinutes(1));
        await UntilAsync(() => late.IsCancellationRequested);
        using var tooLate = new CancellationTokenSource();
        using var refused = _enforcer.Register(session!, Read, tooLate);
        await UntilAsync(() => tooLate.IsCancellationRequested);
    }

    [Fact]
    public async Task What_is_open_ends_with_its_enforcer_since_nobody_watches_over_it_any_more()
    {
        Open(out var session);
        using var open = new CancellationTokenSource();
        using var registered = _enforcer.Register(session!, Read, open);
        await _enforcer.DisposeAsync();
        await UntilAsync(() => open.IsCancellationRequested);
        Assert.Equal(Refusal.LeaseOver, _enforcer.CheckBound(session!, Read).Refusal);
    }

    [Fact]
    public async Task Code_that_fails_at_ending_what_is_open_is_an_alarm_and_what_has_ended_by_itself_is_none()
    {
        Open(out var session);
        _host.Send(registry => registry.Stop(Scope.Agent(_agent)).Delta);
        await AcknowledgedAsync(_registry.Epoch);
        var over = new CancellationTokenSource();
        over.Dispose();
        using var ended = _enforcer.Register(session!, Read, over);
        using var failing = _enforcer.Register(session!, Read, _ => throw new IOException("the socket is gone"));
        await AlarmAsync(EnforcerAlarmKind.RevokerFailed);
        Assert.Contains("the socket is gone", Assert.Single(_alarms, alarm => alarm.Kind == EnforcerAlarmKind.RevokerFailed).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_that_dies_without_a_word_is_given_up_and_the_lease_comes_back_on_another()
    {
        using var relay = new Relay(_host.GrpcUrl);
        await _enforcer.DisposeAsync();
        _enforcer = await StartAsync(options => options with { Registry = options.Registry with { GrpcUrl = relay.Url } });
        relay.Freeze();
        _boot.Advance(TimeSpan.FromMinutes(1));
        await UntilAsync(() =>
        {
            _boot.Advance(TimeSpan.FromMilliseconds(100));
            return _enforcer.LeaseRemaining > TimeSpan.Zero;
        });
    }

    [Fact]
    public async Task An_alarm_that_its_owner_fails_at_ends_neither_what_the_lease_ends_nor_the_watch()
    {
        await _enforcer.DisposeAsync();
        _enforcer = await StartAsync(options => options with { Alarmed = _ => throw new InvalidOperationException("The pager cannot be reached.") });
        Open(out var session);
        var ended = new TaskCompletionSource<Refusal>();
        using var open = _enforcer.Register(session!, Read, ended.SetResult);
        _host.IsSilent = true;
        _boot.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(Refusal.LeaseOver, await ended.Task.WaitAsync(Patience));

        _host.IsSilent = false;
        await UntilAsync(() =>
        {
            _boot.Advance(TimeSpan.FromMilliseconds(100));
            return _enforcer.LeaseRemaining > TimeSpan.Zero;
        });
    }

    [Fact]
    public async Task Revokers_are_called_for_each_denial_and_their_failure_is_an_alarm()
    {
        var revoked = new TaskCompletionSource<Scope>();
        await _enforcer.DisposeAsync();
        _enforcer = await StartAsync(options => options with
        {
            Revokers = [(denial, _) => { revoked.TrySetResult(denial.Scope); return ValueTask.FromResult(true); }, (_, _) => throw new IOException("the session store is away")],
        });
        _host.Send(registry => registry.Stop(Scope.Agent(_agent)).Delta);
        Assert.Equal(Scope.Agent(_agent), await revoked.Task.WaitAsync(Patience));
        await AlarmAsync(EnforcerAlarmKind.RevokerFailed);
        var stop = _registry.Denials.Denials.Last().Index;
        Acknowledgement signed;
        do
            signed = await _host.Acknowledged.Reader.ReadAsync().AsTask().WaitAsync(Patience);
        while (signed.Revokers.Count == 0);
        Assert.Equal([new RevokerOutcome(stop, 1, 1)], signed.Revokers);
        await UntilAsync(() => _host.Alarms.Any(alarm => alarm.Name == "REVOKER_FAILED"));
        Assert.Single(_host.Begins.Skip(1));
    }

    [Fact]
    public async Task How_often_a_credential_was_let_in_is_reported_bound_or_not()
    {
        Assert.True(Check(Proof()).IsAllowed);
        Open(out var session);
        for (var i = 0; i < 5; i++)
            Assert.True(_enforcer.CheckBound(session!, Read).IsAllowed);
        Assert.False(_enforcer.CheckBound(session!, new AskedAction("tool", "delete", $"{ScriptedRegistry.Audience}/weather")).IsAllowed);
        _boot.Advance(TimeSpan.FromSeconds(4));
        await UntilAsync(() => _host.Counted.Values.SingleOrDefault() == 7);
    }

    [Fact]
    public async Task A_credential_that_the_ledger_does_not_hold_is_found_out_and_refused()
    {
        _host.IsUnlogged = static _ => true;
        Assert.True(Check(Proof()).IsAllowed);
        await AlarmAsync(EnforcerAlarmKind.CredentialUnlogged);
        Assert.Equal(Refusal.CredentialUnlogged, Check(Proof()).Refusal);
    }

    [Fact]
    public async Task A_registry_that_comes_back_is_watched_again_and_shown_what_was_seen()
    {
        _host.Send(registry => registry.Stop(Scope.Agent(_agent)).Delta);
        await AcknowledgedAsync(_registry.Epoch);
        await _host.RestartAsync();
        await UntilAsync(() => _host.Begins.Count >= 2);
        Assert.NotEmpty(_host.Begins.Last().LastNote);
        Assert.NotEmpty(_host.Begins.Last().KnownCheckpoint);
        Assert.Equal(Refusal.AgentFrozen, Check(Proof()).Refusal);
    }

    [Fact]
    public async Task A_restarted_enforcer_refuses_whom_it_refused_even_if_the_registry_has_forgotten()
    {
        _host.Send(registry => registry.Stop(Scope.Agent(_agent)).Delta);
        await AcknowledgedAsync(_registry.Epoch);
        await _enforcer.DisposeAsync();
        _registry.Forget(_registry.Denials.Denials.Single());
        _registry.Epoch++;
        _enforcer = new Enforcer(Options(_folder.FullName));
        await UntilAsync(() => _enforcer.Epoch == _registry.Epoch);
        Assert.Equal(Refusal.LeaseOver, Check(Proof()).Refusal);
        Assert.Equal(TimeSpan.Zero, _enforcer.LeaseRemaining);
        _boot.Advance(TimeSpan.FromSeconds(6));
        await AlarmAsync(EnforcerAlarmKind.DenyStateShrunk);
    }

    [Fact]
    public async Task An_order_in_the_folder_is_obeyed_and_the_registry_is_told()
    {
        var orders = _folder.CreateSubdirectory("orders").FullName;
        await _enforcer.DisposeAsync();
        _enforcer = await StartAsync(options => options with { OrdersFolder = orders });
        var token = new StopOrder(ScriptedRegistry.Id(77), Scope.Agent(_agent), "nobody answers", 1).Sign(_registry.BreakGlass, ScriptedRegistry.PublicUrl);
        await File.WriteAllTextAsync(Path.Combine(orders, "order"), token + "\n");
        await AlarmAsync(EnforcerAlarmKind.OrderObeyed);
        Assert.Equal(Refusal.AgentFrozen, Check(Proof()).Refusal);
        await UntilAsync(() => _host.Begins.Last().Orders.Contains(token));
    }

    [Fact]
    public async Task An_order_that_came_before_the_news_of_its_key_is_obeyed_when_that_is_heard()
    {
        var orders = _folder.CreateSubdirectory("orders").FullName;
        await _enforcer.DisposeAsync();
        _enforcer = await StartAsync(options => options with { OrdersFolder = orders });
        using var next = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        await File.WriteAllTextAsync(Path.Combine(orders, "order"), new StopOrder(ScriptedRegistry.Id(77), Scope.Agent(_agent), "nobody answers", 1).Sign(next, ScriptedRegistry.PublicUrl));
        await AlarmAsync(EnforcerAlarmKind.OrderRefused);

        var set = new BreakGlassKeySet(next.PublicKey, _registry.Approve(ApprovedAction.SetBreakGlassKey(next.PublicKey.KeyId), _registry.Founders), _registry.Epoch + 1);
        var index = default(LeafIndex);
        _host.Send(registry =>
        {
            (index, var delta) = registry.Other(set, ScriptedRegistry.Id(1));
            return delta;
        });
        _host.Send(registry => registry.Proof(index));
        await AlarmAsync(EnforcerAlarmKind.OrderObeyed);
        Assert.Equal(Refusal.AgentFrozen, Check(Proof()).Refusal);
    }

    [Fact]
    public async Task The_watch_is_signed_with_the_registrys_nonce()
    {
        PresentedProof? shown = null;
        _host.Authenticate = (context, first) =>
        {
            Assert.Equal(Refusal.None, KeyProof.Read(context.RequestHeaders.GetValue("dpop"), TimeProvider.System.GetUtcNow(), out var proof));
            if (proof!.Nonce != "the registry's")
                throw RefusedCalls.Make(StatusCode.Unauthenticated, Refusal.UseDpopNonce.Name(), "Another nonce.", null, "the registry's");
            var body = Sha256.Hash(Google.Protobuf.MessageExtensions.ToByteArray(first)).ToBase64Url();
            Assert.Equal(Refusal.None, proof.Matches(new RequestBinding("POST", ScriptedRegistry.PublicUrl + context.Method, "the registry's", null, body)));
            shown = proof;
        };
        await _enforcer.DisposeAsync();
        _enforcer = await StartAsync();
        Assert.Equal(_key.PublicKey, shown!.Key);
    }

    [Fact]
    public async Task A_refused_watch_is_an_alarm()
    {
        _host.Authenticate = (_, _) => throw RefusedCalls.Make(StatusCode.PermissionDenied, Refusal.RolledBack.Name(), "The ledger was put back.", null, null);
        await _host.RestartAsync();
        await AlarmAsync(EnforcerAlarmKind.RegistryRolledBack);
    }

    [Fact]
    public async Task What_could_not_be_written_down_is_when_there_is_room_again()
    {
        await _enforcer.DisposeAsync();
        var file = Path.Combine(_folder.CreateSubdirectory("full").FullName, "enforcer");
        // What is written first has no place.
        Directory.CreateDirectory(file + ".next");
        _enforcer = await StartAsync(options => options with { StateFolder = Path.GetDirectoryName(file)! });
        _host.Send(registry => registry.Stop(Scope.Agent(_agent)).Delta);
        await AcknowledgedAsync(_registry.Epoch);
        await AlarmAsync(EnforcerAlarmKind.StateNotSaved);
        // So that the last attempt has been made as well; after this nothing happens that would bring another.
        await Task.Delay(TimeSpan.FromSeconds(0.5));
        Directory.Delete(file + ".next");
        await UntilAsync(() => File.Exists(file));
        Assert.Contains($"\"epoch\": {_registry.Epoch}", await File.ReadAllTextAsync(file), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_enforcers_do_not_share_a_folder() => Assert.Throws<IOException>(() => new Enforcer(Options(_folder.FullName)));

    [Fact]
    public async Task A_damaged_state_does_not_start()
    {
        await _enforcer.DisposeAsync();
        string[] lists = ["successions", "denials", "held", "lifted_orders", "operators", "used_nonces", "orders", "waiting", "unlogged"];
        foreach (var content in lists.Select(list => $$"""{"{{list}}":[null]}""").Concat(["{}x", "null"]))
        {
            await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "enforcer"), content);
            Assert.Throws<InvalidDataException>(() => new Enforcer(Options(_folder.FullName)));
        }
        File.Delete(Path.Combine(_folder.FullName, "enforcer"));
        _enforcer = await StartAsync();
    }

    [Fact]
    public async Task Decisions_are_counted_and_chained()
    {
        Check(Proof());
        Check("nonsense");
        _boot.Advance(TimeSpan.FromSeconds(4));
        while (true)
        {
            var acknowledged = await _host.Acknowledged.Reader.ReadAsync().AsTask().WaitAsync(Patience);
            if (acknowledged.Decisions == 0)
                continue;
            Assert.Equal(2ul, acknowledged.Decisions);
            Assert.NotEqual(default, acknowledged.Chain);
            return;
        }
    }

    private EnforcerOptions Options(string folder) => new()
    {
        Registry = new ConnectionOptions { GrpcUrl = _host.GrpcUrl, PublicUrl = ScriptedRegistry.PublicUrl },
        Key = _key,
        Audiences = [ScriptedRegistry.Audience],
        StateFolder = folder,
        Alarmed = _alarms.Enqueue,
        BootClock = _boot,
    };

    private async Task<Enforcer> StartAsync(Func<EnforcerOptions, EnforcerOptions>? change = null)
    {
        var options = Options(_folder.FullName);
        var enforcer = new Enforcer(change?.Invoke(options) ?? options);
        await enforcer.WaitUntilReadyAsync().WaitAsync(Patience);
        return enforcer;
    }

    private static Actor Callee { get; } = new(ScriptedRegistry.Id(66), KeyId.Read(Enumerable.Range(1, KeyId.Size).Select(at => (byte)at).ToArray()), "first team", "first/1", [new("jurisdiction", "eu")]);

    private static string CalleeDid { get; } = ScriptedRegistry.Name.AgentDid(Callee.Agent);

    private static Scope Of(string word) => word switch
    {
        "agent" => Scope.Agent(Callee.Agent),
        "key" => Scope.Key(Callee.Key),
        "blueprint" => new Scope(ScopeKind.Blueprint, Callee.Blueprint),
        "sponsor" => new Scope(ScopeKind.Sponsor, Callee.Sponsor),
        _ => Scope.Label("jurisdiction", "eu"),
    };

    private async Task RestartAsync()
    {
        await _enforcer.DisposeAsync();
        _enforcer = await StartAsync();
    }

    private Refusal Call()
    {
        _credential = _registry.Issue(_agentKey.PublicKey, _agent, claims => claims with { Audience = [CalleeDid] });
        return _enforcer.Check(_credential, Proof(), new RequestBinding("GET", Url), Read, CalleeDid).Refusal;
    }

    private void Show(string probe) => _host.Send(_ => new Protocol.V1.RegistryMessage { Probe = new() { Credential = probe } });

    private Decision Check(string proof, AskedAction? action = null) => _enforcer.Check(_credential, proof, new RequestBinding("GET", Url), action ?? Read);

    private Decision Open(out BoundSession? session) => _enforcer.Open(_credential, Proof(), new RequestBinding("GET", Url), Read, null, out session);

    private string Proof(PrivateKey? key = null, string url = Url, string? nonce = null)
    {
        var request = new RequestBinding("GET", url, nonce ?? _enforcer.Nonces.Current(), Sha256.Hash(System.Text.Encoding.ASCII.GetBytes(_credential)).ToBase64Url());
        return KeyProof.Create(key ?? _agentKey, request, TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(1));
    }

    private async Task<Acknowledgement> AcknowledgedAsync(ulong epoch)
    {
        while (true)
        {
            var acknowledged = await _host.Acknowledged.Reader.ReadAsync().AsTask().WaitAsync(Patience);
            if (acknowledged.Epoch == epoch)
                return acknowledged;
        }
    }

    private Task AlarmAsync(EnforcerAlarmKind kind) => UntilAsync(() => _alarms.Any(alarm => alarm.Kind == kind));

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition())
            await Task.Delay(10, patience.Token);
    }
}
