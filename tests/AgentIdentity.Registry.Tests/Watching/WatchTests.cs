using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Questions;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Registry.Watching;

namespace AgentIdentity.Registry.Tests.Watching;

/// <summary>What enforcers are told, and what they may answer.</summary>
public sealed class WatchTests
{
    [Fact]
    public async Task A_stop_reaches_the_enforcer_with_its_proof_and_is_enforced_when_the_enforcer_has_signed()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.HeartbeatAsync();

        var stopped = TestNode.Good(await registry.StopAsync(agent));
        await enforcer.UntilAsync<Delta>();
        Assert.Equal(stopped.Index, Assert.Single(enforcer.Denials).Index);
        Assert.Equal(StopLevel.Nodes, Report(registry, stopped.Index).Level);

        TestNode.Good(await enforcer.SignAsync());
        var report = Report(registry, stopped.Index).Stops[0];
        Assert.Equal(StopLevel.Enforced, report.Level);
        Assert.Equal(EnforcerProgress.Acknowledged, Assert.Single(report.Enforcers).Progress);

        registry.Clock.Advance(TimeSpan.FromSeconds(2));
        var proof = await enforcer.UntilAsync<EntryProof>();
        Assert.Equal(stopped.Index, proof.Index);
        Assert.True(Leads(registry, proof));
    }

    [Fact]
    public async Task A_registry_that_cannot_tell_enforcers_of_a_stop_grants_them_no_lease_and_ends()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.HeartbeatAsync();
        registry.Keys.FailNextWatch();
        await registry.StopAsync(agent);

        Assert.Equal("The token answers CKR_DEVICE_ERROR.", (await registry.Node.Halted.WaitAsync(TestNode.Patience)).Message);
        Assert.Equal(Refusal.RegistryHalted, (await registry.Node.Watch.AnswerAsync(enforcer.Stream, new byte[24], default)).Refusal);
        Assert.Equal(Refusal.RegistryHalted, (await ScriptedEnforcer.TryBeginAsync(registry, enforcer.Key)).Refusal);
    }

    [Fact]
    public async Task While_the_disk_keeps_a_stop_waiting_no_lease_is_renewed()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.HeartbeatAsync();
        var leases = registry.Node.Watch.Leases;
        var granted = leases.EndOf(enforcer.Stream.Enforcer.Id);
        registry.Clock.Advance(TimeSpan.FromSeconds(3));
        var held = registry.Store.HoldAppends();
        var stopping = registry.StopAsync(agent);
        await held;

        var beat = enforcer.HeartbeatAsync();
        Assert.False(beat.IsCompleted);
        Assert.Equal(granted, leases.EndOf(enforcer.Stream.Enforcer.Id));

        registry.Store.LetAppendsGo();
        TestNode.Good(await stopping);
        await beat;
        Assert.True(leases.EndOf(enforcer.Stream.Enforcer.Id) > granted);
    }

    [Fact]
    public async Task A_lease_is_counted_before_the_enforcer_can_hear_of_it()
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        registry.Clock.Advance(TimeSpan.FromMinutes(1));
        var leases = registry.Node.Watch.Leases;
        var left = TimeSpan.MinValue;
        registry.Keys.BeforeWatchSigns = () => left = leases.EndOf(enforcer.Stream.Enforcer.Id) - leases.Now;
        await enforcer.HeartbeatAsync();
        Assert.True(left >= TimeSpan.FromSeconds(10), $"{left} was left when the answer was signed.");
    }

    [Fact]
    public async Task A_stop_is_told_while_a_heartbeat_is_signed_and_before_it()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        using var told = new ManualResetEventSlim();
        var signing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        registry.Keys.BeforeWatchSigns = () =>
        {
            if (signing.TrySetResult())
                told.Wait(TestNode.Patience);
        };
        var heartbeat = Task.Run(() => enforcer.HeartbeatAsync());
        await signing.Task.WaitAsync(TestNode.Patience);
        var stopped = TestNode.Good(await registry.StopAsync(agent));
        await registry.Node.Watch.Watches.WhenToldAsync(registry.Node.State.Epoch, CancellationToken.None).WaitAsync(TestNode.Patience);
        told.Set();

        await heartbeat;
        Assert.Equal(stopped.Index, Assert.Single(enforcer.Denials).Index);
    }

    [Fact]
    public async Task A_heartbeat_that_is_overtaken_time_and_again_is_signed_behind_what_was_told()
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        var (node, view) = (registry.Node, enforcer.Stream.View);
        var key = new NoteSignerKey(WatchNotes.KeyName(node.State.Log.Origin), registry.Keys.Watch(node.State.WatchKeys[^1].KeyId));
        var epochs = new List<ulong>();
        view.Answer(enforcer.Stream, (epoch, count, digest) =>
        {
            epochs.Add(epoch);
            if (epochs.Count < 4)
                view.Advance(new Change(epoch + 1, default, DeltaKind.None, [], [], null), key);
            return new Heartbeat(new HeartbeatNote(view.Id, "nonce", epoch, count, digest, 0, default, default).Sign(key), "", []);
        });
        var first = node.State.Epoch;
        Assert.Equal([first, first + 1, first + 2, first + 3], epochs);
        using var patience = new CancellationTokenSource(TestNode.Patience);
        Assert.True(await enforcer.Stream.ReadAllAsync(patience.Token).AnyAsync(message => message is Heartbeat));
    }

    [Fact]
    public async Task What_a_view_shows_at_an_epoch_is_signed_once_for_all_who_come()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var first = await ScriptedEnforcer.NewAsync(registry);
        var signed = 0;
        registry.Keys.BeforeWatchSigns = () => Interlocked.Increment(ref signed);
        using var second = await ScriptedEnforcer.NewAsync(registry, "second");
        Assert.Equal(0, signed);

        await registry.StopAsync(agent);
        await second.UntilAsync<Delta>();
        using var third = await ScriptedEnforcer.NewAsync(registry, "third");
        Assert.Equal(2, signed);
        Assert.Single(third.Denials);
    }

    [Fact]
    public async Task An_enforcer_whose_snapshot_could_not_be_signed_does_not_watch()
    {
        await using var registry = await TestNode.FoundAsync();
        using var first = await ScriptedEnforcer.NewAsync(registry);
        using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var other = await ScriptedEnforcer.RegisterAsync(registry, key, "other", "https://other.example");
        registry.Keys.FailNextWatch();
        await Assert.ThrowsAsync<KeysRefusedException>(() => ScriptedEnforcer.TryBeginAsync(registry, key));
        Assert.Null(registry.Node.Watch.Watches.Find(other.Id));
    }

    [Fact]
    public async Task What_is_to_be_proven_to_an_enforcer_that_has_gone_is_waited_for_no_more()
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        // Of an entry that no checkpoint covers: without its witnesses a registry may sign none for hours.
        var proving = registry.Node.Watch.Watches.ProveAsync(new LeafIndex(1_000_000), _ => Assert.Fail("It has gone."), enforcer.Stream.Ended);
        registry.Node.Watch.End(enforcer.Stream);
        await proving.WaitAsync(TestNode.Patience);
    }

    [Fact]
    public async Task Who_enforces_for_an_agent_is_greeted_anew_when_it_has_another_key_and_before_that_one_is_stopped()
    {
        await using var registry = await TestNode.FoundAsync();
        var (agent, other) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        using var enforcer = await ScriptedEnforcer.NewAsync(registry, audiences: [registry.Node.Settings.Name.AgentDid(agent.Id)]);
        using var elsewhere = await ScriptedEnforcer.NewAsync(registry, "elsewhere", audiences: [registry.Node.Settings.Name.AgentDid(other.Id)]);
        Assert.Equal([agent.Id], enforcer.Callees);
        using var next = PrivateKey.Generate(KeyAlgorithm.ES256);
        await agent.RotateAsync(next);
        TestNode.Good(await registry.StopAsync(Scope.Key(next.PublicKey.KeyId)));
        await elsewhere.UntilAsync<Delta>();

        Assert.Equal(Refusal.WatchOutdated, enforcer.Stream.Refused?.Refusal);
        using var again = await ScriptedEnforcer.BeginAsync(registry, enforcer.Key);
        Assert.Equal(Scope.Key(next.PublicKey.KeyId), Assert.Single(again.Denials).Scope);
    }

    [Fact]
    public async Task Who_enforces_for_an_agent_that_is_stopped_is_named_until_it_refuses_those_who_call_it()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry, "before the agent", audiences: [registry.Node.Settings.Name.AgentDid(agent.Id)]);
        using var elsewhere = await ScriptedEnforcer.NewAsync(registry, "elsewhere", audiences: ["https://elsewhere.example"]);
        await enforcer.HeartbeatAsync();
        Scope[] scopes = [Scope.Agent(agent.Id), Scope.Key(agent.KeyId), new(ScopeKind.Blueprint, "bot/1"), new(ScopeKind.Sponsor, "team")];
        var last = default(LeafIndex);
        foreach (var scope in scopes)
        {
            last = TestNode.Good(await registry.StopAsync(scope)).Index;
            var report = Report(registry, last).Stops[0];
            var named = Assert.Single(report.Enforcers);
            Assert.Equal(("before the agent", true, false), (named.Enforcer.Name, named.IsOfCallee, named.IsNeeded));
            Assert.Contains(report.Residual, words => words.StartsWith("before the agent answers for an agent in scope", StringComparison.Ordinal));
            await enforcer.UntilAsync<Delta>();
        }
        TestNode.Good(await enforcer.SignAsync());
        Assert.Equal(EnforcerProgress.Acknowledged, Assert.Single(Report(registry, last).Stops[0].Enforcers).Progress);
        Assert.DoesNotContain(Report(registry, last).Stops[0].Residual, words => words.Contains("before the agent", StringComparison.Ordinal));
        Assert.Empty(Report(registry, TestNode.Good(await registry.StopAsync(new Scope(ScopeKind.Sponsor, "others"))).Index).Stops[0].Enforcers);
    }

    [Fact]
    public async Task A_stop_is_exhausted_when_the_last_credential_in_its_scope_has_expired()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.HeartbeatAsync();
        var stopped = TestNode.Good(await registry.StopAsync(agent));
        await enforcer.UntilAsync<Delta>();
        TestNode.Good(await enforcer.SignAsync());

        Assert.Equal(agent.Claims.ExpiresAt * 1000, registry.Node.State.Stops.Find(stopped.Index)!.Exposure.Until);
        Assert.Contains(Report(registry, stopped.Index).Stops[0].Residual, words => words.Contains("checks signatures", StringComparison.Ordinal));
        registry.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(agent.Claims.ExpiresAt * 1000, Report(registry, stopped.Index).Stops[0].ExhaustedAt);
        Assert.Empty(Report(registry, stopped.Index).Stops[0].Residual);
    }

    [Fact]
    public async Task A_stop_is_not_exhausted_before_the_last_credential_has_expired_where_the_clock_was_ahead_at_the_start()
    {
        var (folder, clock) = (TestNode.NewFolder(), new ManualClock());
        await (await TestNode.FoundAsync(folder, clock)).DisposeAsync();
        clock.SetForward(TimeSpan.FromHours(1));
        await using var registry = TestNode.Open(folder, clock);
        clock.SetBack(TimeSpan.FromHours(1));
        var stopped = TestNode.Good(await registry.StopAsync(await registry.EnrollAsync()));
        Assert.Equal(StopLevel.Enforced, Report(registry, stopped.Index).Stops[0].Level);
        clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(StopLevel.Exhausted, Report(registry, stopped.Index).Stops[0].Level);
    }

    [Fact]
    public async Task A_stop_after_a_clock_that_was_ahead_waits_for_those_who_may_let_in_what_counts_as_expired()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.HeartbeatAsync();
        registry.Clock.SetForward(TimeSpan.FromHours(1));
        await registry.EnrollAsync();
        registry.Clock.SetBack(TimeSpan.FromHours(1));
        var stopped = TestNode.Good(await registry.StopAsync(agent));
        Assert.Equal(StopLevel.Nodes, Report(registry, stopped.Index).Stops[0].Level);
        await enforcer.UntilAsync<Delta>();
        TestNode.Good(await enforcer.SignAsync());
        Assert.Equal(StopLevel.Enforced, Report(registry, stopped.Index).Stops[0].Level);
        Assert.Contains(Report(registry, stopped.Index).Stops[0].Residual, words => words.StartsWith("The clock was ahead", StringComparison.Ordinal));
        registry.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(StopLevel.Exhausted, Report(registry, stopped.Index).Stops[0].Level);
    }

    [Fact]
    public async Task A_silent_enforcer_is_named_and_counts_when_its_lease_is_over()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var enforcer = await ScriptedEnforcer.NewAsync(registry, "quiet");
        await enforcer.HeartbeatAsync();
        enforcer.Dispose();
        var stopped = await StopAsync(registry, agent);

        var before = Report(registry, stopped.Index).Stops[0];
        Assert.Equal((EnforcerProgress.Silent, "quiet"), (before.Enforcers[0].Progress, before.Enforcers[0].Enforcer.Name));
        Assert.Contains(before.Residual, words => words.StartsWith("quiet is not connected", StringComparison.Ordinal));
        Assert.Null(before.EnforcedAt);

        registry.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(Report(registry, stopped.Index).Stops[0].EnforcedAt);
        registry.Clock.Advance(TimeSpan.FromSeconds(2));
        var after = Report(registry, stopped.Index).Stops[0];
        Assert.Equal(EnforcerProgress.LeaseOver, after.Enforcers[0].Progress);
        Assert.Equal(after.Enforcers[0].LeaseUntil, after.EnforcedAt);
    }

    [Fact]
    public async Task What_an_enforcer_that_asks_was_allowed_before_a_stop_is_waited_for_and_nothing_that_it_asks_after_it()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var asks = await ScriptedEnforcer.RegisterAsync(registry, key, "asks");
        registry.Clock.Advance(TimeSpan.FromMinutes(1));
        registry.Node.Watch.Asks(asks);
        registry.Clock.Advance(TimeSpan.FromSeconds(9));
        var stopped = await StopAsync(registry, agent);
        EnforcerReport Enforcer() => Report(registry, stopped.Index).Stops[0].Enforcers.Single();

        var end = Enforcer().LeaseUntil;
        Assert.Equal(stopped.At + 11_000, end);
        for (var second = 0; second < 11; second++)
        {
            Assert.Equal(EnforcerProgress.Silent, Enforcer().Progress);
            registry.Clock.Advance(TimeSpan.FromSeconds(1));
            registry.Node.Watch.Asks(asks);
        }
        Assert.Equal((EnforcerProgress.LeaseOver, end, end), (Enforcer().Progress, Enforcer().At, Enforcer().LeaseUntil));
        Assert.Equal(end, Report(registry, stopped.Index).Stops[0].EnforcedAt);
    }

    [Fact]
    public async Task An_enforcer_that_asks_behind_a_stop_alone_does_not_hold_it_up()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var asks = await ScriptedEnforcer.RegisterAsync(registry, key, "asks");
        registry.Node.Watch.Asks(asks);
        registry.Clock.Advance(TimeSpan.FromMinutes(1));
        var stopped = await StopAsync(registry, agent);

        var enforced = Report(registry, stopped.Index).Stops[0].EnforcedAt;
        Assert.Equal(stopped.At, enforced);
        registry.Clock.Advance(TimeSpan.FromSeconds(1));
        registry.Node.Watch.Asks(asks);

        Assert.Equal(enforced, Report(registry, stopped.Index).Stops[0].EnforcedAt);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_signed_or_over_when_a_stop_was_lifted_does_not_make_it_enforced(bool isSigned)
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.HeartbeatAsync();
        var stop = TestNode.Good(await registry.StopAsync(agent)).Index;
        await enforcer.UntilAsync<Delta>();
        TestNode.Good(await registry.RestoreAsync(stop));
        await enforcer.UntilAsync<Delta>();
        if (isSigned)
            TestNode.Good(await enforcer.SignAsync());
        registry.Clock.Advance(TimeSpan.FromMinutes(20));

        var report = Report(registry, stop).Stops[0];
        Assert.Equal((StopLevel.Nodes, false), (report.Level, Assert.Single(report.Enforcers).IsDone));
    }

    [Fact]
    public async Task A_lease_that_ran_on_when_a_stop_was_lifted_does_not_make_it_enforced_where_a_slow_clock_was_set_forward()
    {
        var clock = new ManualClock();
        await using var registry = await TestNode.FoundAsync(clock: clock);
        clock.SetForward(TimeSpan.FromHours(1));
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.HeartbeatAsync();
        var stop = TestNode.Good(await registry.StopAsync(agent)).Index;
        await enforcer.UntilAsync<Delta>();
        clock.Advance(TimeSpan.FromSeconds(5));
        TestNode.Good(await registry.RestoreAsync(stop));
        await enforcer.UntilAsync<Delta>();
        clock.Advance(TimeSpan.FromMinutes(20));

        var report = Report(registry, stop).Stops[0];
        Assert.Equal((StopLevel.Nodes, EnforcerProgress.Lagging), (report.Level, Assert.Single(report.Enforcers).Progress));
    }

    [Fact]
    public async Task An_enforcer_that_comes_back_after_its_lease_was_over_does_not_undo_what_was_enforced()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        await ScriptedEnforcer.RegisterAsync(registry, key);
        var stopped = await StopAsync(registry, agent);
        registry.Clock.Advance(TimeSpan.FromSeconds(30));
        var enforced = Report(registry, stopped.Index).Stops[0].EnforcedAt;
        Assert.NotNull(enforced);

        using var enforcer = await ScriptedEnforcer.BeginAsync(registry, key);
        await enforcer.HeartbeatAsync();
        Assert.Equal(stopped.Index, Assert.Single(enforcer.Denials).Index);
        Assert.Equal(enforced, Report(registry, stopped.Index).Stops[0].EnforcedAt);
    }

    [Fact]
    public async Task An_enforcer_that_watches_and_does_not_sign_is_lagging_and_keeps_its_lease()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.HeartbeatAsync();
        var stopped = TestNode.Good(await registry.StopAsync(agent));
        await enforcer.UntilAsync<Delta>();
        for (var beat = 0; beat < 6; beat++)
        {
            registry.Clock.Advance(TimeSpan.FromSeconds(3));
            await enforcer.HeartbeatAsync();
        }
        var report = Report(registry, stopped.Index).Stops[0];
        Assert.Equal(EnforcerProgress.Lagging, report.Enforcers[0].Progress);
        Assert.Null(report.EnforcedAt);
    }

    [Fact]
    public async Task An_enforcer_that_only_observes_is_said_to_and_enforces_nothing()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry, "observer", isObserving: true);
        await enforcer.HeartbeatAsync();
        var stopped = TestNode.Good(await registry.StopAsync(agent));
        await enforcer.UntilAsync<Delta>();
        TestNode.Good(await enforcer.SignAsync());
        registry.Clock.Advance(TimeSpan.FromMinutes(1));
        var report = Report(registry, stopped.Index).Stops[0];
        Assert.Equal(EnforcerProgress.Observing, report.Enforcers[0].Progress);
        Assert.Null(report.EnforcedAt);
        Assert.Equal(TestNode.Audience, Assert.Single(report.Unproven).Audience);
    }

    [Fact]
    public async Task Who_is_registered_after_a_stop_is_listed_and_not_waited_for()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var stopped = TestNode.Good(await registry.StopAsync(agent));
        using var enforcer = await ScriptedEnforcer.NewAsync(registry, "latecomer");
        await enforcer.HeartbeatAsync();
        var report = Report(registry, stopped.Index).Stops[0];
        Assert.False(Assert.Single(report.Enforcers).IsNeeded);
        Assert.Equal(StopLevel.Enforced, report.Level);
        // And nobody refused for the audience when it was stopped.
        Assert.Equal(TestNode.Audience, Assert.Single(report.Unproven).Audience);
    }

    [Fact]
    public async Task A_digest_that_the_view_did_not_have_is_refused_by_name_and_put_on_the_record()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        await enforcer.HeartbeatAsync();
        var stopped = TestNode.Good(await registry.StopAsync(agent));
        await enforcer.UntilAsync<Delta>();
        Assert.Equal(Refusal.AcknowledgementInvalid, (await enforcer.SignAsync(enforcer.Acknowledgement() with { Digest = MerkleHash.Empty })).Refusal);
        Assert.Null(Report(registry, stopped.Index).Stops[0].EnforcedAt);

        await registry.Node.Refusals.FlushAsync();
        var refused = Assert.Single(Assert.Single(registry.Bodies().OfType<CallsRefused>()).Refused);
        Assert.Equal(("/agentidentity.v1.Access/Watch", "ACKNOWLEDGEMENT_INVALID", enforcer.Key.PublicKey.KeyId), (refused.Method, refused.Reason, refused.KeyId));
    }

    [Fact]
    public async Task What_is_not_signed_by_the_key_that_watches_for_what_it_was_told_on_this_stream_is_refused()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        using var other = await ScriptedEnforcer.NewAsync(registry, "another");
        await enforcer.HeartbeatAsync();
        await other.HeartbeatAsync();
        TestNode.Good(await registry.StopAsync(agent));
        await enforcer.UntilAsync<Delta>();
        var good = enforcer.Acknowledgement();
        Acknowledgement[] bad =
        [
            good with { Epoch = good.Epoch + 1 }, good with { Nonce = other.Acknowledgement().Nonce }, good with { Nonce = "" }, good with { View = MerkleHash.Empty },
            good with { Origin = "elsewhere.example" }, good with { IsObserving = true }, good with { Root = MerkleHash.Empty }, good with { Size = new TreeSize(good.Size.Value + 1000) },
        ];
        foreach (var wrong in bad)
            Assert.Equal(Refusal.AcknowledgementInvalid, (await enforcer.SignAsync(wrong)).Refusal);
        var another = await enforcer.SignAsync(good, other.Key);
        var elsewhere = await registry.Node.Watch.AcknowledgeAsync(enforcer.Stream, good.Sign(enforcer.Key, "https://other.example", registry.Clock.GetUtcNow()));
        Assert.Equal((Refusal.AcknowledgementInvalid, Refusal.AcknowledgementInvalid), (another.Refusal, elsewhere.Refusal));
        // Whoever writes an enforcer is told which of the two it is.
        Assert.Contains("the key that watches here", another.Detail, StringComparison.Ordinal);
        Assert.Contains("its aud", elsewhere.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain(registry.Bodies(), body => body is EnforcersAcknowledged);
        TestNode.Good(await enforcer.SignAsync(good));
    }

    [Theory]
    [InlineData(15)]
    [InlineData(33)]
    public async Task A_nonce_that_is_too_short_or_too_long_is_refused(int length)
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        Assert.Equal(Refusal.MessageMalformed, (await registry.Node.Watch.AnswerAsync(enforcer.Stream, new byte[length], default)).Refusal);
    }

    [Fact]
    public async Task A_nonce_serves_once()
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        var nonce = new byte[16];
        await enforcer.HeartbeatAsync(nonce);
        Assert.Equal(Refusal.MessageMalformed, (await registry.Node.Watch.AnswerAsync(enforcer.Stream, nonce, default)).Refusal);
    }

    [Fact]
    public async Task What_only_says_again_what_is_on_the_record_is_not_written_down()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        TestNode.Good(await registry.StopAsync(agent));
        await enforcer.UntilAsync<Delta>();
        for (var beat = 0; beat < 5; beat++)
        {
            await enforcer.HeartbeatAsync();
            TestNode.Good(await enforcer.SignAsync());
        }
        Assert.Single(registry.Bodies().OfType<EnforcersAcknowledged>());
    }

    [Fact]
    public async Task A_view_is_told_of_what_concerns_it_and_of_every_epoch()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var concerned = await ScriptedEnforcer.NewAsync(registry);
        using var other = await ScriptedEnforcer.NewAsync(registry, "elsewhere", false, "https://elsewhere.example");
        TestNode.Good(await registry.StopAsync(agent));
        await concerned.UntilAsync<Delta>();
        await other.UntilAsync<Delta>();
        Assert.Single(concerned.Denials);
        Assert.Empty(other.Denials);
        TestNode.Good(await registry.StopAsync(new Scope(ScopeKind.Audience, "https://elsewhere.example")));
        await concerned.UntilAsync<Delta>();
        await other.UntilAsync<Delta>();
        Assert.Single(concerned.Denials);
        Assert.Single(other.Denials);
        // The restricted may be given credentials for another audience tomorrow.
        TestNode.Good(await registry.StopAsync(agent, StandingState.Restricted));
        await other.UntilAsync<Delta>();
        Assert.Equal(2, other.Denials.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_lift_is_shown_again_to_who_missed_it_and_may_have_heard_of_the_stop_over_a_gap_only(bool hasStopsNote)
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        await ScriptedEnforcer.RegisterAsync(registry, key);
        var enforcer = await ScriptedEnforcer.BeginAsync(registry, key);
        var stopped = TestNode.Good(await registry.StopAsync(agent));
        if (hasStopsNote)
            await enforcer.UntilAsync<Delta>();
        registry.Node.Watch.End(enforcer.Stream);

        var lifted = TestNode.Good(await registry.RestoreAsync(stopped.Index));
        await registry.WhenSignedAsync(lifted.Index);
        var stream = TestNode.Good(await ScriptedEnforcer.TryBeginAsync(registry, key, enforcer.LastNote, enforcer.LastPayload));
        await using var messages = stream.ReadAllAsync(stream.Ended).GetAsyncEnumerator();
        Assert.True(await messages.MoveNextAsync());
        Assert.IsType<Greeting>(messages.Current);
        Assert.True(await messages.MoveNextAsync());
        Assert.Equal(lifted.Index, Assert.IsType<EntryProof>(messages.Current).Index);
        Assert.True(await messages.MoveNextAsync());
        Assert.Empty(Assert.IsType<Snapshot>(messages.Current).Denials);
    }

    [Fact]
    public async Task While_the_logs_key_is_held_who_comes_back_after_a_lift_hears_of_stops_at_once_and_is_shown_the_lift_when_it_is_signed()
    {
        await using var registry = await TestNode.FoundAsync();
        var (first, second) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        await ScriptedEnforcer.RegisterAsync(registry, key);
        var enforcer = await ScriptedEnforcer.BeginAsync(registry, key);
        var stopped = TestNode.Good(await registry.StopAsync(first));
        await enforcer.UntilAsync<Delta>();
        registry.Node.Watch.End(enforcer.Stream);
        registry.Node.Checkpoints.Hold(SigningHold.Chain);
        var lifted = TestNode.Good(await registry.RestoreAsync(stopped.Index));

        var again = await ScriptedEnforcer.BeginAsync(registry, key, enforcer.LastNote, enforcer.LastPayload);
        var later = TestNode.Good(await registry.StopAsync(second));
        await again.UntilAsync<Delta>();

        Assert.Equal([later.Index], again.Denials.Select(denial => denial.Index));
        Assert.Equal(0, again.ProofsSeen);
        registry.Node.Checkpoints.Release(SigningHold.Chain);
        LeafIndex[] proven = [(await registry.WhileTimePassesAsync(again.UntilAsync<EntryProof>())).Index, (await registry.WhileTimePassesAsync(again.UntilAsync<EntryProof>())).Index];
        Assert.Equal([lifted.Index, later.Index], proven.OrderBy(index => index.Value));
    }

    [Fact]
    public async Task Who_was_away_while_operators_came_is_shown_their_entries_and_a_newcomer_is_not()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        await ScriptedEnforcer.RegisterAsync(registry, key);
        var enforcer = await ScriptedEnforcer.BeginAsync(registry, key);
        TestNode.Good(await registry.StopAsync(await registry.EnrollAsync()));
        await enforcer.UntilAsync<Delta>();
        registry.Node.Watch.End(enforcer.Stream);

        using var added = PrivateKey.Generate(KeyAlgorithm.ES256);
        var proof = OperatorProof.Create(added, TestNode.Url, "third", registry.Clock.GetUtcNow());
        var made = TestNode.Good(await registry.Node.People.AddOperatorAsync(registry.Operator, proof, registry.ApprovalsOf(ApprovedAction.AddOperator(added.PublicKey.KeyId, "third"))));
        registry.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal([made.Index], await ProvenAtFirstAsync(registry, key, enforcer.LastNote, enforcer.LastPayload));
        Assert.Empty(await ProvenAtFirstAsync(registry, key, "", []));
    }

    private static async Task<LeafIndex[]> ProvenAtFirstAsync(TestNode registry, PrivateKey key, string note, byte[] payload)
    {
        var stream = TestNode.Good(await ScriptedEnforcer.TryBeginAsync(registry, key, note, payload));
        var proven = new List<LeafIndex>();
        await foreach (var message in stream.ReadAllAsync(stream.Ended))
        {
            if (message is Snapshot)
                break;
            if (message is EntryProof proof)
                proven.Add(proof.Index);
        }
        registry.Node.Watch.End(stream);
        return [.. proven];
    }

    [Fact]
    public async Task Who_does_not_read_is_cut_off_and_told_why()
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        for (var i = 0; i <= WatchStream.QueueMax && !enforcer.Stream.Ended.IsCancellationRequested; i++)
            TestNode.Good(await registry.StopAsync(new Scope(ScopeKind.Sponsor, $"sponsor {i}")));
        await registry.Node.Watch.Watches.WhenToldAsync(registry.Node.State.Epoch, CancellationToken.None);
        Assert.Equal(Refusal.Overloaded, enforcer.Stream.Refused?.Refusal);
        Assert.True(enforcer.Stream.Ended.WaitHandle.WaitOne(TestNode.Patience));
    }

    [Fact]
    public async Task A_second_stream_under_one_key_ends_the_first()
    {
        await using var registry = await TestNode.FoundAsync();
        using var first = await ScriptedEnforcer.NewAsync(registry);
        var second = TestNode.Good(await ScriptedEnforcer.TryBeginAsync(registry, first.Key));
        Assert.NotNull(first.Stream.Refused);
        Assert.Null(second.Refused);
    }

    [Fact]
    public async Task A_stop_of_an_enforcers_key_ends_its_stream_and_no_other_begins()
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        using var other = await ScriptedEnforcer.NewAsync(registry, "another");
        TestNode.Good(await registry.StopAsync(Scope.Key(enforcer.Key.PublicKey.KeyId)));
        Assert.True(enforcer.Stream.Ended.WaitHandle.WaitOne(TestNode.Patience));
        Assert.Equal(Refusal.KeyStopped, enforcer.Stream.Refused?.Refusal);
        Assert.Null(other.Stream.Refused);
        Assert.Equal(Refusal.KeyStopped, (await ScriptedEnforcer.TryBeginAsync(registry, enforcer.Key)).Refusal);
    }

    [Fact]
    public async Task An_unlogged_credential_is_answered_and_put_on_the_record_and_a_logged_one_is_not()
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        var before = await registry.EnrollAsync();
        TestNode.Good(await registry.Node.Watch.AcceptedAsync(enforcer.Stream, [ItemOf(before)], []));
        var after = await registry.EnrollAsync();
        var forged = ItemOf(after, item => item with { ExpiresAt = item.ExpiresAt + 1 });
        TestNode.Good(await registry.Node.Watch.AcceptedAsync(enforcer.Stream, [ItemOf(after), forged, ItemOf(before)], []));
        Assert.Equal([forged], (await enforcer.UntilAsync<Unlogged>()).Items);
        Assert.Equal([forged], Assert.Single(registry.Bodies().OfType<CredentialsUnlogged>()).Items);
        Assert.Equal(1UL, registry.Node.State.Enforcers.Find(enforcer.Stream.Enforcer.Id).Unlogged);
    }

    [Fact]
    public async Task What_an_enforcer_tells_while_there_is_no_room_is_counted_and_what_it_tells_again_is_written_down()
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        var forged = ItemOf(await registry.EnrollAsync(), item => item with { ExpiresAt = item.ExpiresAt + 1 });
        registry.Store.OnAppend = Fault.Full;
        TestNode.Good(await registry.Node.Watch.AcceptedAsync(enforcer.Stream, [forged], []));
        TestNode.Good(await registry.Node.Watch.AlarmedAsync(enforcer.Stream, "CREDENTIAL_UNLOGGED", "it was let in", 1));
        registry.Store.OnAppend = Fault.None;

        await registry.Node.Refusals.FlushAsync();
        var counted = Assert.Single(registry.Bodies().OfType<CallsRefused>()).Refused;
        Assert.Equal([("ALARM_NOT_RECORDED", 1u), ("CREDENTIAL_UNLOGGED", 1u)], counted.Select(calls => (calls.Reason, calls.Count)));
        TestNode.Good(await registry.Node.Watch.AcceptedAsync(enforcer.Stream, [forged], []));
        Assert.Equal([forged], Assert.Single(registry.Bodies().OfType<CredentialsUnlogged>()).Items);
    }

    [Fact]
    public async Task An_alarm_stands_on_the_record_and_in_the_report_also_after_a_restart()
    {
        var folder = TestNode.NewFolder();
        LeafIndex stop;
        await using (var registry = await TestNode.FoundAsync(folder))
        {
            using var enforcer = await ScriptedEnforcer.NewAsync(registry);
            TestNode.Good(await registry.Node.Watch.AlarmedAsync(enforcer.Stream, "LEASE_ENDED", "long ago", 7));
            registry.Clock.Advance(TimeSpan.FromMilliseconds(1));
            stop = TestNode.Good(await registry.StopAsync(await registry.EnrollAsync())).Index;
            TestNode.Good(await registry.Node.Watch.AlarmedAsync(enforcer.Stream, "DENY_STATE_SHRUNK", "1 is gone", 8));
            Assert.Equal(["LEASE_ENDED", "DENY_STATE_SHRUNK"], registry.Bodies().OfType<EnforcerAlarmed>().Select(alarm => alarm.Name));
        }
        await using var again = TestNode.Open(folder);
        var raised = Assert.Single(Report(again, stop).Stops[0].Enforcers.Single().Alarms);
        Assert.Equal(("DENY_STATE_SHRUNK", "1 is gone", 8L), (raised.Name, raised.Detail, raised.RaisedAt));
    }

    [Fact]
    public async Task An_enforcer_that_floods_with_alarms_is_counted_and_written_down_no_oftener_than_people_can_read()
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        foreach (var name in Enumerable.Range(0, 30).Select(number => new string('A', 1 + (number / 2))))
            TestNode.Good(await registry.Node.Watch.AlarmedAsync(enforcer.Stream, name, "again", 1));
        for (var more = 0; more < 5; more++)
            TestNode.Good(await registry.Node.Watch.AlarmedAsync(enforcer.Stream, new string('B', 1 + more), "again", 1));
        Assert.Equal(16, registry.Bodies().OfType<EnforcerAlarmed>().Count());
        await registry.Node.Refusals.FlushAsync();
        Assert.Equal(19, Assert.Single(registry.Bodies().OfType<CallsRefused>()).Refused.Sum(calls => calls.Count));

        registry.Clock.Advance(TimeSpan.FromMinutes(1));
        TestNode.Good(await registry.Node.Watch.AlarmedAsync(enforcer.Stream, "A", "still", 1));
        Assert.Equal(17, registry.Bodies().OfType<EnforcerAlarmed>().Count());
    }

    [Theory]
    [InlineData("", "no name")]
    [InlineData("lower", "no name of ours")]
    [InlineData("NAME", "two\nlines")]
    public async Task An_alarm_that_is_not_well_formed_is_refused(string name, string detail)
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        Assert.Equal(Refusal.MessageMalformed, (await registry.Node.Watch.AlarmedAsync(enforcer.Stream, name, detail, 1)).Refusal);
        Assert.Equal(Refusal.MessageMalformed, (await registry.Node.Watch.AlarmedAsync(enforcer.Stream, "NAME", new string('d', EnforcerAlarmed.DetailMax + 1), 1)).Refusal);
        Assert.Empty(registry.Bodies().OfType<EnforcerAlarmed>());
    }

    [Fact]
    public async Task While_the_disk_is_full_enforcers_are_told_of_the_leases_that_are_on_the_record_and_of_the_new_ones_when_there_is_room()
    {
        var (folder, clock, key) = (TestNode.NewFolder(), new ManualClock(), PrivateKey.Generate(KeyAlgorithm.Ed25519));
        await using (var first = await TestNode.FoundAsync(folder, clock))
        {
            await ScriptedEnforcer.RegisterAsync(first, key);
            using var enforcer = await ScriptedEnforcer.BeginAsync(first, key);
        }
        await using var changed = TestNode.Open(folder, clock, with: settings => settings with { ClassLeases = new Dictionary<string, TimeSpan> { ["reads"] = TimeSpan.FromSeconds(60) } });
        changed.Store.OnAppend = Fault.Full;
        using var older = await ScriptedEnforcer.BeginAsync(changed, key);
        await older.HeartbeatAsync();
        Assert.Empty(older.Classes);

        changed.Store.OnAppend = Fault.None;
        Assert.Equal(Refusal.WatchOutdated, (await changed.Node.Watch.AnswerAsync(older.Stream, new byte[24], default)).Refusal);
        using var newer = await ScriptedEnforcer.BeginAsync(changed, key);
        await newer.HeartbeatAsync();
        Assert.Equal([new ClassLease("reads", 60_000)], newer.Classes);
        Assert.Single(changed.Bodies().OfType<LeasesGranted>());
    }

    [Fact]
    public async Task A_lease_of_a_class_is_on_the_record_before_it_is_granted_and_counts_after_a_start_without_it()
    {
        var (folder, clock, key) = (TestNode.NewFolder(), new ManualClock(), PrivateKey.Generate(KeyAlgorithm.Ed25519));
        await using (var first = await TestNode.FoundAsync(folder, clock))
            await ScriptedEnforcer.RegisterAsync(first, key);
        await using (var granting = TestNode.Open(folder, clock, with: settings => settings with { ClassLeases = new Dictionary<string, TimeSpan> { ["reads"] = TimeSpan.FromSeconds(60) } }))
        {
            using var enforcer = await ScriptedEnforcer.BeginAsync(granting, key);
            using var again = await ScriptedEnforcer.BeginAsync(granting, key);
            await again.HeartbeatAsync();
            Assert.Equal([new ClassLease("reads", 60_000)], Assert.Single(granting.Bodies().OfType<LeasesGranted>()).Classes);
        }
        await using var without = TestNode.Open(folder, clock);
        var stopped = await StopAsync(without, await without.EnrollAsync());
        clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(EnforcerProgress.Silent, Report(without, stopped.Index).Stops[0].Enforcers.Single().Progress);
        using var last = await ScriptedEnforcer.BeginAsync(without, key);
        await last.HeartbeatAsync();
        Assert.Empty(without.Bodies().OfType<LeasesGranted>().Last().Classes);
        last.Dispose();
        clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(EnforcerProgress.Silent, Report(without, stopped.Index).Stops[0].Enforcers.Single().Progress);
        clock.Advance(TimeSpan.FromSeconds(12));
        Assert.Equal(EnforcerProgress.LeaseOver, Report(without, stopped.Index).Stops[0].Enforcers.Single().Progress);
    }

    [Fact]
    public async Task Leases_of_more_classes_than_an_entry_holds_are_refused_at_the_start()
    {
        var (folder, clock) = (TestNode.NewFolder(), new ManualClock());
        Dictionary<string, TimeSpan> Leases(int count) => Enumerable.Range(0, count).ToDictionary(number => $"class-{number:00}", _ => TimeSpan.FromSeconds(60));
        await using (var registry = await TestNode.FoundAsync(folder, clock, with: settings => settings with { ClassLeases = Leases(LeasesGranted.ClassesMax) }))
        {
            using var enforcer = await ScriptedEnforcer.NewAsync(registry);
            Assert.Equal(LeasesGranted.ClassesMax, enforcer.Stream.Classes.Count);
        }
        File.Delete(Path.Combine(folder, "snapshot"));
        await using (TestNode.Open(folder, clock))
        {
        }
        Assert.Throws<ArgumentException>(() => TestNode.Open(folder, clock, with: settings => settings with { ClassLeases = Leases(LeasesGranted.ClassesMax + 1) }));
    }

    [Fact]
    public async Task A_logged_credential_that_has_just_expired_is_not_told_as_unlogged_in_the_first_report_after_a_start()
    {
        await using var before = await TestNode.FoundAsync();
        var agent = await before.EnrollAsync();
        var (expired, forged) = (ItemOf(agent), ItemOf(agent, item => item with { ExpiresAt = item.ExpiresAt + 1 }));
        before.Clock.Advance(DateTimeOffset.FromUnixTimeSeconds(agent.Claims.ExpiresAt) - before.Clock.GetUtcNow() + TimeSpan.FromSeconds(1));
        // Now the state forgets the first one.
        TestNode.Good(await before.Node.Issuing.IssueAsync(agent.Record, "", [], 0));
        await before.DisposeAsync();

        await using var after = TestNode.Open(before.Folder, before.Clock);
        using var enforcer = await ScriptedEnforcer.NewAsync(after);
        TestNode.Good(await after.Node.Watch.AcceptedAsync(enforcer.Stream, [expired], []));
        Assert.Empty(after.Bodies().OfType<CredentialsUnlogged>());
        TestNode.Good(await after.Node.Watch.AcceptedAsync(enforcer.Stream, [forged, expired], []));
        Assert.Equal([forged], Assert.Single(after.Bodies().OfType<CredentialsUnlogged>()).Items);
    }

    [Fact]
    public async Task A_clock_that_was_ahead_for_a_moment_has_no_logged_credential_told_as_unlogged()
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        TestNode.Good(await registry.Node.Watch.AcceptedAsync(enforcer.Stream, [ItemOf(await registry.EnrollAsync())], []));
        var agent = await registry.EnrollAsync();
        registry.Clock.SetForward(TimeSpan.FromHours(1));
        TestNode.Good(await registry.Node.Watch.AcceptedAsync(enforcer.Stream, [ItemOf(await registry.EnrollAsync())], []));
        registry.Clock.SetBack(TimeSpan.FromHours(1));

        TestNode.Good(await registry.Node.Watch.AcceptedAsync(enforcer.Stream, [ItemOf(agent)], []));
        Assert.Empty(registry.Bodies().OfType<CredentialsUnlogged>());
    }

    [Fact]
    public async Task What_an_enforcer_counts_adds_up_over_reports_that_come_twice_and_over_its_restart()
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        using var other = await ScriptedEnforcer.NewAsync(registry, "other");
        var (agent, quiet) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        foreach (var count in (uint[])[1, 5, 5, 2])
            TestNode.Good(await registry.Node.Watch.AcceptedAsync(enforcer.Stream, [ItemOf(agent)], [count]));
        TestNode.Good(await registry.Node.Watch.AcceptedAsync(other.Stream, [ItemOf(agent), ItemOf(quiet, item => item with { ExpiresAt = item.ExpiresAt + 1 })], [3, 9]));

        var admissions = registry.Node.Watch.Admissions;
        Assert.Equal(7UL, admissions.Of(agent.Id).Single(one => one.Enforcer == enforcer.Stream.Enforcer.Id).Times);
        Assert.Equal(3UL, admissions.Of(agent.Id).Single(one => one.Enforcer == other.Stream.Enforcer.Id).Times);
        Assert.Empty(admissions.Of(quiet.Id));
        Assert.Equal(Refusal.MessageMalformed, (await registry.Node.Watch.AcceptedAsync(enforcer.Stream, [ItemOf(agent)], [1, 2])).Refusal);
    }

    [Fact]
    public async Task A_stop_is_tried_on_what_enforcers_say_that_they_let_in()
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        using var silent = await ScriptedEnforcer.NewAsync(registry, "other");
        var (agent, other) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        TestNode.Good(await registry.Node.Watch.AcceptedAsync(enforcer.Stream, [ItemOf(agent), ItemOf(other)], [5, 2]));
        var id = enforcer.Stream.Enforcer.Id;

        var frozen = Try(Scope.Agent(agent.Id), StandingState.Frozen);
        Assert.Equal((7UL, 5UL, 0UL, 2, 1), (frozen.Admitted, frozen.Refused, frozen.Unsure, frozen.Enforcers, frozen.Reporting));
        Assert.Equal(new TurnedAdmissions(agent.Id, id, 5, IsUnsure: false), Assert.Single(frozen.Turned));
        Assert.Equal(7UL, Try(new Scope(ScopeKind.Audience, TestNode.Audience), StandingState.Frozen).Refused);
        Assert.Equal(2UL, Try(Scope.Credential(other.Claims.Jti), StandingState.Frozen).Refused);
        // Enforcers do not say what was asked for.
        Assert.Equal((0UL, 5UL), Sums(Try(Scope.Agent(agent.Id), StandingState.Restricted)));
        Assert.Equal((0UL, 7UL), Sums(Try(new Scope(ScopeKind.Resource, "notes/*"), StandingState.Frozen)));
        Assert.Equal((0UL, 0UL), Sums(Try(new Scope(ScopeKind.Resource, "elsewhere"), StandingState.Frozen)));
        Assert.Equal((0UL, 0UL), Sums(Try(new Scope(ScopeKind.Sponsor, "others"), StandingState.Frozen)));
        Assert.Empty(registry.Node.State.Stops.InForce);
        registry.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(0UL, Try(Scope.Agent(agent.Id), StandingState.Frozen).Admitted);

        AdmissionTrial Try(Scope scope, StandingState state) =>
            registry.Node.Responding.StopTrials.WhatIfAtEnforcers(scope, state, registry.Node.Responding.Now(), registry.Node.Watch.Admissions.Recent())!;

        static (ulong Refused, ulong Unsure) Sums(AdmissionTrial trial) => (trial.Refused, trial.Unsure);
    }

    [Fact]
    public async Task What_became_of_revokers_is_put_on_the_record_once_and_stands_in_the_report()
    {
        var folder = TestNode.NewFolder();
        LeafIndex stop;
        await using (var registry = await TestNode.FoundAsync(folder))
        {
            using var enforcer = await ScriptedEnforcer.NewAsync(registry);
            stop = TestNode.Good(await registry.StopAsync(await registry.EnrollAsync())).Index;
            await enforcer.UntilAsync<Delta>();
            await enforcer.HeartbeatAsync();
            Assert.True(TestNode.Good(await enforcer.SignAsync()));
            Assert.Null(Report(registry, stop).Stops[0].Enforcers.Single().Revokers);
            var revoked = new RevokerOutcome(stop, 1, 1);
            for (var time = 0; time < 3; time++)
                Assert.True(TestNode.Good(await enforcer.SignAsync(enforcer.Acknowledgement() with { Revokers = [revoked, new RevokerOutcome(new LeafIndex(stop.Value + 1000), 1, 0)] })));
            Assert.Equal(2, registry.Bodies().OfType<EnforcersAcknowledged>().Count());
            Assert.Equal(revoked, Report(registry, stop).Stops[0].Enforcers.Single().Revokers);
            Assert.True(TestNode.Good(await enforcer.SignAsync(enforcer.Acknowledgement() with { Revokers = [revoked with { Done = 2, Failed = 0 }] })));
        }
        await using var again = TestNode.Open(folder);
        Assert.Equal(new RevokerOutcome(stop, 2, 0), Report(again, stop).Stops[0].Enforcers.Single().Revokers);
        Assert.Equal(EnforcerProgress.Acknowledged, Report(again, stop).Stops[0].Enforcers.Single().Progress);
    }

    [Fact]
    public async Task Whom_a_credential_may_still_be_shown_to_is_told_with_what_each_enforcer_has_signed()
    {
        await using var registry = await TestNode.FoundAsync();
        using var watching = await ScriptedEnforcer.NewAsync(registry);
        await ScriptedEnforcer.RegisterAsync(registry, PrivateKey.Generate(KeyAlgorithm.Ed25519), "silent");
        await ScriptedEnforcer.RegisterAsync(registry, PrivateKey.Generate(KeyAlgorithm.Ed25519), "elsewhere", "https://elsewhere.example");
        TestNode.Good(await registry.StopAsync(await registry.EnrollAsync()));
        await watching.UntilAsync<Delta>();
        await watching.HeartbeatAsync();
        TestNode.Good(await watching.SignAsync());

        var doors = registry.Node.Doors.For(new HashSet<string> { TestNode.Audience });
        Assert.Equal([("gateway", true, watching.Epoch), ("silent", false, 0UL)], doors.Select(door => (door.Enforcer.Name, door.IsWatching, door.SignedEpoch)));
        Assert.All(doors, door => Assert.True(door.LeaseUntil > 0));
    }

    [Fact]
    public async Task A_logged_item_with_another_sponsor_blueprint_label_or_place_is_not_logged()
    {
        await using var registry = await TestNode.FoundAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        var agent = await registry.EnrollAsync();
        Hash[] forged =
        [
            ItemOf(agent, changeTerms: terms => terms with { Sponsor = "somebody else" }),
            ItemOf(agent, changeTerms: terms => terms with { Blueprint = "bot/2" }),
            ItemOf(agent, changeTerms: terms => terms with { Labels = [KeyValuePair.Create("team", "research")] }),
            ItemOf(agent, later: 1),
            ItemOf(agent, further: 1),
        ];
        TestNode.Good(await registry.Node.Watch.AcceptedAsync(enforcer.Stream, [ItemOf(agent), .. forged], []));
        Assert.Equal(forged.Order(), (await enforcer.UntilAsync<Unlogged>()).Items);
    }

    [Fact]
    public async Task A_thousand_enforcers_are_told_once_signed_and_all_acknowledge()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var enforcers = (await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => ScriptedEnforcer.NewAsync(registry, $"gateway {i}")))).ToList();
        await Task.WhenAll(enforcers.Select(enforcer => enforcer.HeartbeatAsync()));

        var stopped = TestNode.Good(await registry.StopAsync(agent));
        await Task.WhenAll(enforcers.Select(async enforcer =>
        {
            await enforcer.UntilAsync<Delta>();
            TestNode.Good(await enforcer.SignAsync());
        }));
        Assert.Equal(StopLevel.Enforced, Report(registry, stopped.Index).Level);
        Assert.Equal(1000U, registry.Bodies().OfType<EnforcersAcknowledged>().Aggregate(0U, (sum, entry) => sum + entry.Count));
        enforcers.ForEach(enforcer => enforcer.Dispose());
    }

    // Told as well, and not only recorded: from then on leases count.
    private static async Task<Stopped> StopAsync(TestNode registry, TestAgent agent)
    {
        var stopped = TestNode.Good(await registry.StopAsync(agent));
        await registry.Node.Watch.Watches.WhenToldAsync(stopped.Epoch, CancellationToken.None).WaitAsync(TestNode.Patience);
        return stopped;
    }

    private static PropagationReport Report(TestNode registry, LeafIndex stop) => TestNode.Good(registry.Node.Propagation.Of(stop));

    private static Hash ItemOf(TestAgent agent, Func<IssuanceItem, IssuanceItem>? change = null, Func<Grant, Grant>? changeTerms = null, ulong later = 0, uint further = 0)
    {
        var (item, terms) = (agent.Record.Credential(agent.Claims.Jti)!.Value.Item, agent.Record.Grant.Terms);
        return AcceptedItem.HashOf(
            change?.Invoke(item) ?? item, changeTerms?.Invoke(terms) ?? terms, new LeafIndex(agent.Claims.LedgerIndex + later), agent.Claims.LedgerPosition + further);
    }

    private static bool Leads(TestNode registry, EntryProof proof)
    {
        Assert.True(TlogProof.TryParse(System.Text.Encoding.UTF8.GetBytes(proof.Receipt), out var receipt, out _));
        var leaf = registry.Store.ReadLeaves(proof.Index, 1)[0];
        Assert.True(Leaf.TryDecode(leaf, out var opened) && opened.Commitment == Leaf.Commit(proof.Salt.ToArray(), proof.Entry));
        Assert.True(Checkpoint.TryOpen(receipt.Note.ToArray(), registry.Node.Checkpoints.Verifier, out var checkpoint, out _));
        return InclusionProof.Verify(proof.Index, checkpoint.Size, MerkleHash.Leaf(leaf), receipt.Path, checkpoint.Root);
    }
}
