using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Issuing;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Registry.Watching;
using AgentIdentity.Tests;

namespace AgentIdentity.Registry.Tests.Watching;

/// <summary>What the watch knows after a restart, and what enforcers bring back to a registry that has lost something.</summary>
public sealed class WatchRestartTests
{
    [Theory]
    [InlineData(50_000)]
    [InlineData(1)]
    public async Task What_was_acknowledged_is_known_after_a_restart_and_who_was_not_heard_of_is_given_one_lease(int snapshotEntries)
    {
        var folder = TestNode.NewFolder();
        LeafIndex stop;
        long? enforcedAt;
        await using (var registry = await TestNode.FoundAsync(folder, snapshotEntries: (ulong)snapshotEntries))
        {
            var agent = await registry.EnrollAsync();
            using var enforcer = await ScriptedEnforcer.NewAsync(registry);
            await enforcer.HeartbeatAsync();
            stop = TestNode.Good(await registry.StopAsync(agent)).Index;
            await enforcer.UntilAsync<Delta>();
            TestNode.Good(await enforcer.SignAsync());
            enforcedAt = Report(registry, stop).EnforcedAt;
        }

        await using var again = TestNode.Open(folder, snapshotEntries: (ulong)snapshotEntries);
        Assert.NotNull(enforcedAt);
        Assert.Equal((enforcedAt, EnforcerProgress.Acknowledged), (Report(again, stop).EnforcedAt, Report(again, stop).Enforcers[0].Progress));
        using var other = await ScriptedEnforcer.NewAsync(again, "another");
        var second = TestNode.Good(await again.StopAsync(new Scope(ScopeKind.Sponsor, "team"))).Index;
        // The first may still hold a lease of before the restart, whatever this process knows.
        Assert.Equal(EnforcerProgress.Silent, Report(again, second).Enforcers.Single(enforcer => enforcer.Enforcer.Name == "gateway").Progress);
    }

    [Fact]
    public async Task A_lease_of_before_a_restart_counts_as_running_for_its_whole_length()
    {
        var folder = TestNode.NewFolder();
        var clock = new ManualClock();
        LeafIndex stop;
        await using (var registry = await TestNode.FoundAsync(folder, clock))
        {
            var agent = await registry.EnrollAsync();
            using var enforcer = await ScriptedEnforcer.NewAsync(registry);
            await enforcer.HeartbeatAsync();
            stop = TestNode.Good(await registry.StopAsync(agent)).Index;
        }
        await using var again = TestNode.Open(folder, clock);
        Assert.Equal(EnforcerProgress.Silent, Report(again, stop).Enforcers[0].Progress);
        clock.Advance(TimeSpan.FromSeconds(12));
        Assert.Equal(EnforcerProgress.LeaseOver, Report(again, stop).Enforcers[0].Progress);
    }

    [Fact]
    public async Task What_was_signed_and_lifted_before_a_restart_is_enforced_and_never_exhausted()
    {
        var folder = TestNode.NewFolder();
        var clock = new ManualClock();
        LeafIndex stop;
        await using (var registry = await TestNode.FoundAsync(folder, clock))
        {
            var agent = await registry.EnrollAsync();
            using var enforcer = await ScriptedEnforcer.NewAsync(registry);
            await enforcer.HeartbeatAsync();
            stop = TestNode.Good(await registry.StopAsync(agent)).Index;
            await enforcer.UntilAsync<Delta>();
            TestNode.Good(await enforcer.SignAsync());
            TestNode.Good(await registry.RestoreAsync(stop));
        }
        clock.Advance(TimeSpan.FromMinutes(20));
        await using var again = TestNode.Open(folder, clock);
        Assert.Equal(StopLevel.Enforced, Report(again, stop).Level);
    }

    [Theory]
    [InlineData(50_000)]
    [InlineData(1)]
    public async Task What_was_exhausted_before_it_was_lifted_is_so_after_a_restart(int snapshotEntries)
    {
        var folder = TestNode.NewFolder();
        var clock = new ManualClock();
        LeafIndex stop;
        await using (var registry = await TestNode.FoundAsync(folder, clock, (ulong)snapshotEntries))
        {
            var agent = await registry.EnrollAsync();
            stop = TestNode.Good(await registry.StopAsync(agent)).Index;
            clock.Advance(TimeSpan.FromMinutes(20));
            Assert.Equal(StopLevel.Exhausted, Report(registry, stop).Level);
            TestNode.Good(await registry.RestoreAsync(stop));
            Assert.Equal(StopLevel.Exhausted, Report(registry, stop).Level);
        }
        await using var again = TestNode.Open(folder, clock);
        Assert.Equal(StopLevel.Exhausted, Report(again, stop).Level);
    }

    [Fact]
    public async Task A_denial_that_two_enforcers_bring_back_at_once_is_one_stop()
    {
        var (folder, older) = (TestNode.NewFolder(), TestNode.NewFolder());
        var clock = new ManualClock();
        PrivateKey[] keys = [PrivateKey.Generate(KeyAlgorithm.Ed25519), PrivateKey.Generate(KeyAlgorithm.Ed25519)];
        var presented = new List<(string Note, byte[] Payload)>();
        TestAgent agent;
        await using (var registry = await TestNode.FoundAsync(folder, clock))
        {
            agent = await registry.EnrollAsync();
            for (var i = 0; i < keys.Length; i++)
                await ScriptedEnforcer.RegisterAsync(registry, keys[i], $"gateway-{i}");
            registry.Node.Watch.End(TestNode.Good(await ScriptedEnforcer.TryBeginAsync(registry, keys[0])));
        }
        Folders.Copy(folder, older);
        await using (var registry = TestNode.Open(folder, clock))
        {
            using var first = await ScriptedEnforcer.BeginAsync(registry, PrivateKeyOf(keys[0]));
            using var second = await ScriptedEnforcer.BeginAsync(registry, PrivateKeyOf(keys[1]));
            TestNode.Good(await registry.StopAsync(agent.At(registry)));
            foreach (var enforcer in new[] { first, second })
            {
                await enforcer.UntilAsync<Delta>();
                presented.Add((enforcer.LastNote, enforcer.LastPayload));
            }
        }

        await using var restored = TestNode.Open(older, clock);
        // Something is being written, so that what both bring is decided in one group.
        var held = restored.Store.HoldAppends();
        var recorded = agent.At(restored).RecordAsync();
        await held;
        var begun = keys.Zip(presented, (key, last) => ScriptedEnforcer.TryBeginAsync(restored, PrivateKeyOf(key), last.Note, last.Payload)).ToArray();
        restored.Store.LetAppendsGo();
        await recorded;
        foreach (var stream in await Task.WhenAll(begun))
            restored.Node.Watch.End(TestNode.Good(stream));
        Assert.Single(restored.Bodies().OfType<Stop>());
        Assert.Equal(Refusal.AgentFrozen, restored.Verify(agent.At(restored).Use()));
    }

    [Fact]
    public async Task A_denial_that_the_registry_has_lost_comes_back_as_a_stop_above_every_epoch_presented()
    {
        var (folder, older) = (TestNode.NewFolder(), TestNode.NewFolder());
        var clock = new ManualClock();
        var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var (note, payload, agent) = ("", Array.Empty<byte>(), default(TestAgent)!);
        await using (var registry = await TestNode.FoundAsync(folder, clock))
        {
            agent = await registry.EnrollAsync();
            await ScriptedEnforcer.RegisterAsync(registry, key);
            registry.Node.Watch.End(TestNode.Good(await ScriptedEnforcer.TryBeginAsync(registry, key)));
        }
        Folders.Copy(folder, older);
        ulong epoch;
        await using (var registry = TestNode.Open(folder, clock))
        {
            TestNode.Good(await registry.StopAsync(new Scope(ScopeKind.Sponsor, "others")));
            using var enforcer = await ScriptedEnforcer.BeginAsync(registry, PrivateKeyOf(key));
            TestNode.Good(await registry.StopAsync(agent.At(registry)));
            await enforcer.UntilAsync<Delta>();
            (note, payload, epoch) = (enforcer.LastNote, enforcer.LastPayload, enforcer.Epoch);
        }

        await using var restored = TestNode.Open(older, clock);
        Assert.Equal(Refusal.None, restored.Verify(agent.At(restored).Use()));
        using var back = await ScriptedEnforcer.BeginAsync(restored, PrivateKeyOf(key), note, payload);
        Assert.Equal(Refusal.AgentFrozen, restored.Verify(agent.At(restored).Use(nonce: "n2")));
        Assert.True(back.Epoch > epoch);
        var stop = Assert.Single(restored.Bodies().OfType<Stop>());
        Assert.Equal((Scope.Agent(agent.Id), StandingState.Frozen, note), (stop.Scope, stop.State, stop.Order));
        Assert.Single(back.Denials);

        // Presented again, it is there.
        restored.Node.Watch.End(back.Stream);
        using var again = await ScriptedEnforcer.BeginAsync(restored, PrivateKeyOf(key), note, payload);
        Assert.Single(restored.Bodies().OfType<Stop>());
    }

    [Fact]
    public async Task A_denial_that_is_brought_back_is_not_left_by_a_rotation_in_its_group()
    {
        var (agent, beginAsync) = await LostAsync(agent => Scope.Key(agent.KeyId));
        await using var registry = agent.Registry;
        using var next = PrivateKey.Generate(KeyAlgorithm.ES256);
        var (begun, rotated) = (Task.FromResult(default(Outcome<WatchStream>)), Task.CompletedTask);
        await registry.InOneGroupAsync(agent, () => (begun, rotated) = (beginAsync(), agent.RotateAsync(next)));
        registry.Node.Watch.End(TestNode.Good(await begun));
        await Assert.ThrowsAnyAsync<Exception>(() => rotated);
        Assert.Equal(agent.KeyId, agent.Record.Key.KeyId);
    }

    [Fact]
    public async Task A_denial_that_is_brought_back_lets_nothing_be_passed_on_in_its_group()
    {
        var (agent, beginAsync) = await LostAsync(agent => Scope.Key(agent.KeyId));
        await using var registry = agent.Registry;
        var child = await registry.EnrollDeepAsync();
        var (begun, delegated) = (Task.FromResult(default(Outcome<WatchStream>)), Task.FromResult(default(Outcome<Issued>)));
        await registry.InOneGroupAsync(agent, () => (begun, delegated) = (beginAsync(), registry.DelegateAsync(agent.Credential, child.Id)));
        registry.Node.Watch.End(TestNode.Good(await begun));
        Assert.Equal(Refusal.KeyStopped, (await delegated).Refusal);
    }

    [Fact]
    public async Task A_denial_of_a_credential_that_is_brought_back_is_not_exhausted_at_once_and_ends_with_its_restore()
    {
        var (agent, beginAsync) = await LostAsync(agent => Scope.Credential(agent.Claims.Jti));
        await using var registry = agent.Registry;
        registry.Node.Watch.End(TestNode.Good(await beginAsync()));
        Assert.Equal(Refusal.CredentialStopped, registry.Verify(agent.Use()));
        var stop = Assert.Single(registry.Node.State.Stops.InForce).Denial.Index;
        Assert.Equal(StopLevel.Nodes, Report(registry, stop).Level);
        TestNode.Good(await registry.RestoreAsync(stop));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use(nonce: "n2")));
    }

    // What a thief of the key for enforcers can sign.
    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 53)]
    [InlineData((1UL << 32) + 1)]
    public async Task An_epoch_far_above_the_ledgers_is_refused_and_told_of(ulong epoch)
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        foreach (var note in new[] { new SnapshotNote(enforcer.Stream.View.Id, epoch, 0, default).Sign(registry.WatchKey), new DeltaNote(enforcer.Stream.View.Id, epoch, 0, default, DeltaKind.None, null).Sign(registry.WatchKey) })
            Assert.Equal(Refusal.MessageMalformed, (await ScriptedEnforcer.TryBeginAsync(registry, enforcer.Key, note)).Refusal);
        Assert.Contains(registry.Log, line => line.Contains($"{epoch}", StringComparison.Ordinal));
        Assert.Equal(1UL, TestNode.Good(await registry.StopAsync(agent)).Epoch);
    }

    [Fact]
    public async Task Whoever_comes_right_after_a_stop_is_sent_its_proof_and_nobody_else_is_sent_it_again()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var first = await ScriptedEnforcer.NewAsync(registry);
        var stop = TestNode.Good(await registry.StopAsync(agent)).Index;
        await first.UntilAsync<Delta>();
        registry.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(stop, (await first.UntilAsync<EntryProof>()).Index);
        using var second = await ScriptedEnforcer.NewAsync(registry, "another");
        Assert.Equal(stop, (await second.UntilAsync<EntryProof>()).Index);
        await first.HeartbeatAsync();
        Assert.Equal(1, first.ProofsSeen);
    }

    [Fact]
    public async Task A_note_that_this_registry_has_not_signed_brings_nothing_back()
    {
        await using var registry = await TestNode.FoundAsync();
        await using var other = await TestNode.FoundAsync();
        var agent = await other.EnrollAsync();
        using var elsewhere = await ScriptedEnforcer.NewAsync(other);
        TestNode.Good(await other.StopAsync(agent));
        await elsewhere.UntilAsync<Delta>();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        Assert.Equal(Refusal.MessageMalformed, (await ScriptedEnforcer.TryBeginAsync(registry, enforcer.Key, elsewhere.LastNote, elsewhere.LastPayload)).Refusal);
        Assert.Equal(Refusal.MessageMalformed, (await ScriptedEnforcer.TryBeginAsync(registry, enforcer.Key, "no note")).Refusal);
        Assert.DoesNotContain(registry.Bodies(), body => body is Stop);
    }

    [Fact]
    public async Task A_payload_that_is_not_the_one_of_the_note_is_refused()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        using var enforcer = await ScriptedEnforcer.NewAsync(registry);
        TestNode.Good(await registry.StopAsync(agent));
        await enforcer.UntilAsync<Delta>();
        Assert.Equal(Refusal.MessageMalformed, (await ScriptedEnforcer.TryBeginAsync(registry, enforcer.Key, enforcer.LastNote, [.. enforcer.LastPayload, 0])).Refusal);
    }

    [Fact]
    public async Task A_checkpoint_that_the_ledger_does_not_lead_to_ends_every_stream()
    {
        await using var registry = await TestNode.FoundAsync();
        using var watching = await ScriptedEnforcer.NewAsync(registry);
        using var enforcer = await ScriptedEnforcer.NewAsync(registry, "another");
        var forged = new Checkpoint(TestNode.Url["https://".Length..], new TreeSize(1_000_000), MerkleHash.Empty).Sign(new NoteSignerKey(registry.Node.State.Log.Origin, registry.LogKey));
        Assert.Equal(Refusal.RolledBack, (await ScriptedEnforcer.TryBeginAsync(registry, enforcer.Key, checkpoint: System.Text.Encoding.UTF8.GetString(forged.ToArray()))).Refusal);
        Assert.True(watching.Stream.Ended.WaitHandle.WaitOne(TestNode.Patience));
        Assert.Equal(Refusal.RolledBack, watching.Stream.Refused?.Refusal);
        Assert.Equal(Refusal.RolledBack, (await registry.Node.Watch.AnswerAsync(watching.Stream, new byte[16], default)).Refusal);
    }

    // An agent at a registry that was put back to before a stop, and an enforcer that comes with the denial.
    private static async Task<(TestAgent Agent, Func<Task<Outcome<WatchStream>>> BeginAsync)> LostAsync(Func<TestAgent, Scope> scope)
    {
        var (folder, older) = (TestNode.NewFolder(), TestNode.NewFolder());
        var clock = new ManualClock();
        var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        TestAgent agent;
        await using (var registry = await TestNode.FoundAsync(folder, clock))
        {
            agent = await registry.EnrollDeepAsync();
            await ScriptedEnforcer.RegisterAsync(registry, key);
            registry.Node.Watch.End(TestNode.Good(await ScriptedEnforcer.TryBeginAsync(registry, key)));
        }
        Folders.Copy(folder, older);
        string note;
        byte[] payload;
        await using (var registry = TestNode.Open(folder, clock))
        {
            using var enforcer = await ScriptedEnforcer.BeginAsync(registry, PrivateKeyOf(key));
            TestNode.Good(await registry.StopAsync(scope(agent)));
            await enforcer.UntilAsync<Delta>();
            (note, payload) = (enforcer.LastNote, enforcer.LastPayload);
        }
        var restored = TestNode.Open(older, clock);
        restored.OperatorKeys = agent.Registry.OperatorKeys;
        return (agent.At(restored), () => ScriptedEnforcer.TryBeginAsync(restored, key, note, payload));
    }

    private static StopReport Report(TestNode registry, LeafIndex stop) => TestNode.Good(registry.Node.Propagation.Of(stop)).Stops[0];

    // A scripted enforcer frees its key when it is done.
    private static PrivateKey PrivateKeyOf(PrivateKey key) => PrivateKey.TryReadKeyFile(key.ToKeyFile(""), "", out var copy, out _) ? copy : throw new InvalidOperationException();
}
