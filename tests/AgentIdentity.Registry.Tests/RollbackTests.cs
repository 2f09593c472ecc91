using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Tests;

namespace AgentIdentity.Registry.Tests;

/// <summary>A registry is held against what others have seen of its log. What our key signed and our ledger does not lead to ends everything, for good.</summary>
public sealed class RollbackTests
{
    [Fact]
    public async Task A_caller_who_saw_less_gets_the_newest_checkpoint_and_the_proof_between()
    {
        await using var registry = await TestNode.FoundAsync();
        var old = await GrowAsync(registry);
        var newest = await GrowAsync(registry);

        foreach (var seen in new[] { old, newest })
        {
            var answer = TestNode.Good(registry.Node.SeenCheckpoints.Present(seen.Note));
            Assert.Equal(newest.Note, answer.Checkpoint);
            Assert.True(ConsistencyProof.Verify(seen.Size, newest.Size, seen.Root, newest.Root, answer.Path));
        }
        Assert.Equal(newest.Note, TestNode.Good(registry.Node.SeenCheckpoints.Present("")).Checkpoint);
    }

    [Fact]
    public async Task Last_nights_folder_is_refused_when_a_caller_presents_a_larger_checkpoint_and_a_restart_does_not_forget()
    {
        var folder = TestNode.NewFolder();
        TestAgent agent;
        string lastNight;
        Sequencing.StoredCheckpoint seen;
        var clock = new ManualClock();
        await using (var registry = await TestNode.FoundAsync(folder, clock))
        {
            agent = await registry.EnrollAsync();
            await GrowAsync(registry);
        }
        lastNight = Folders.Copy(folder, TestNode.NewFolder());
        await using (var registry = TestNode.Open(folder, clock))
        {
            seen = await GrowAsync(registry);
            TestNode.Good(await registry.StopAsync(agent.At(registry)));
        }

        await using (var restored = TestNode.Open(lastNight, clock))
        {
            agent = agent.At(restored);
            Assert.Equal(Refusal.None, restored.Verify(agent.Use()));
            Assert.Equal(Refusal.RolledBack, restored.Node.SeenCheckpoints.Present(seen.Note).Refusal);
            await AssertDeniesEverythingAsync(restored, agent);
        }
        await using (var again = TestNode.Open(lastNight, clock))
        {
            await AssertDeniesEverythingAsync(again, agent.At(again));
            Assert.Contains(again.Log, line => line.StartsWith("ROLLED BACK", StringComparison.Ordinal) && line.Contains(seen.Note, StringComparison.Ordinal));
        }

        await RecoverAsync(lastNight, seen.Note, agent);
        await using var recovered = TestNode.Open(lastNight, clock);
        Assert.Equal(Refusal.AgentFrozen, recovered.Verify(agent.At(recovered).Use()));
        await recovered.EnrollAsync();
    }

    // What operators do then: the log goes on as another, which names what was lost and stops again who was stopped in it.
    private static async Task RecoverAsync(string folder, string seen, TestAgent stopped)
    {
        using var store = Storage.Sqlite.SqliteLedgerStore.Open(folder);
        using var keys = new Storage.Keys.FileRegistryKeys(folder);
        var succession = new Recovery.Succession(store, new Storage.Snapshots.SnapshotFile(folder), keys, TimeProvider.System, _ => { });
        await succession.RecoverAsync([seen], [new Recovery.KnownStop(stopped.Id, Credentials.Entries.StandingState.Frozen, "it was before")]);
    }

    [Fact]
    public async Task Another_root_at_a_size_that_the_ledger_has_is_a_second_history_and_ends_everything()
    {
        await using var registry = await TestNode.FoundAsync();
        var newest = await GrowAsync(registry);
        var forked = Sign(registry, new TreeSize(newest.Size.Value - 1), Sha256.Hash([1]));

        Assert.Equal(Refusal.RolledBack, registry.Node.SeenCheckpoints.Present(forked).Refusal);
        Assert.Equal(Refusal.RolledBack, registry.Node.SeenCheckpoints.Present("").Refusal);
    }

    [Fact]
    public async Task What_our_key_did_not_sign_is_refused_by_name_and_changes_nothing()
    {
        await using var registry = await TestNode.FoundAsync();
        var newest = await GrowAsync(registry);
        using var stranger = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var foreign = System.Text.Encoding.UTF8.GetString(new Checkpoint("localhost:5000", new TreeSize(1_000_000), default)
            .Sign(new NoteSignerKey("localhost:5000", stranger.Ed25519!)).ToArray());

        foreach (var note in new[] { foreign, "localhost:5000\n9\n", "x", newest.Note.Replace($"\n{newest.Size}\n", "\n999999\n", StringComparison.Ordinal) })
            Assert.Equal(Refusal.CheckpointNotOurs, registry.Node.SeenCheckpoints.Present(note).Refusal);
        await registry.EnrollAsync();
        Assert.Equal(Refusal.None, registry.Node.SeenCheckpoints.Present(newest.Note).Refusal);
    }

    [Fact]
    public async Task A_registry_that_denies_everything_signs_nothing_more()
    {
        await using var registry = await TestNode.FoundAsync();
        var newest = await GrowAsync(registry);
        await registry.EnrollAsync();
        Assert.Equal(Refusal.RolledBack, registry.Node.SeenCheckpoints.Present(Sign(registry, new TreeSize(1_000_000), default)).Refusal);
        registry.Clock.Advance(TimeSpan.FromSeconds(5));

        await registry.DisposeAsync();

        Assert.Equal(newest, registry.Node.Checkpoints.Last);
    }

    private static async Task AssertDeniesEverythingAsync(TestNode registry, TestAgent agent)
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        Assert.Equal(Refusal.RolledBack, registry.Node.Standing.Everyone);
        Assert.Equal(Refusal.RolledBack, registry.Verify(agent.Use(nonce: "a nonce of its own")));
        Assert.Equal(Refusal.RolledBack, (await agent.TryRecordAsync()).Refusal);
        Assert.Equal(Refusal.RolledBack, (await registry.StopAsync(agent)).Refusal);
        Assert.Equal(Refusal.RolledBack, (await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0)).Refusal);
        Assert.Equal(Refusal.RolledBack, (await registry.Node.Issuing.RenewAsync(agent.Record, agent.Credential)).Refusal);
        Assert.Equal(Refusal.RolledBack, (await registry.Node.Operating.RotateIssuerKeyAsync(registry.Operator)).Refusal);
        Assert.Equal(Refusal.RolledBack, (await registry.EnrollAsync(key, agent.Token)).Refusal);
        Assert.Equal(Refusal.RolledBack, registry.Node.SeenCheckpoints.Present("").Refusal);
    }

    private static string Sign(TestNode registry, TreeSize size, Hash root) =>
        System.Text.Encoding.UTF8.GetString(new Checkpoint("localhost:5000", size, root).Sign(new NoteSignerKey("localhost:5000", registry.LogKey)).ToArray());

    private static async Task<Sequencing.StoredCheckpoint> GrowAsync(TestNode registry)
    {
        var before = registry.Node.State.Position;
        registry.Clock.Advance(TimeSpan.FromSeconds(2));
        await registry.EnrollAsync();
        await registry.WhenSignedAsync(new LeafIndex(before));
        return registry.Node.Checkpoints.Last!;
    }
}
