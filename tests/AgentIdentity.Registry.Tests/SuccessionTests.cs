using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Recovery;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Registry.Watching;
using AgentIdentity.Storage.Keys;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;
using AgentIdentity.Tests;

namespace AgentIdentity.Registry.Tests;

/// <summary>A successor log: one tree, another origin and key, and nothing of the log before lost to whoever holds its proofs.</summary>
public sealed class SuccessionTests
{
    private const string Second = "localhost:5000/2";

    [Fact]
    public async Task The_tree_goes_on_under_another_origin_and_key()
    {
        var (before, _) = await RecordedAsync();
        var next = await RotateAsync(before.Folder);
        Assert.Equal((Second, SuccessionReason.KeyRotated), (next.Origin, Succeeded(before.Folder).Single().Reason));

        await using var after = TestNode.Open(before.Folder, before.Clock);
        var (old, now) = (Former(after), Newest(after));
        Assert.Equal(("localhost:5000", before.Node.Checkpoints.Last!.Size, before.Node.Checkpoints.Last.Root), (old.Origin, old.Size, old.Root));
        Assert.Equal(Second, now.Origin);
        // What an auditor does who kept the last checkpoint of the log before.
        var proof = ConsistencyProof.Build(old.Size, now.Size, after.Node.PublishedLog.Newest!.Node);
        Assert.True(ConsistencyProof.Verify(old.Size, now.Size, old.Root, now.Root, proof));
        Assert.Empty(await FindingsAsync(after));
    }

    [Fact]
    public async Task Each_log_is_published_as_what_it_signed_last()
    {
        var (before, _) = await RecordedAsync();
        await RotateAsync(before.Folder);
        await using var after = TestNode.Open(before.Folder, before.Clock);
        var log = after.Node.PublishedLog;
        Assert.Equal(after.Node.State.Logs[0].LastCheckpoint, log.CheckpointOf(1));
        Assert.Equal(Former(after).Size, log.Of(1)!.Checkpoint.Size);
        Assert.Null(log.Of(1)!.ReadTile(new TileId(0, 0), (int)Former(after).Size.Value + 1));
        Assert.Equal(after.Node.Checkpoints.Last!.Note, log.CheckpointOf(2));
        Assert.Null(log.CheckpointOf(3));
    }

    [Fact]
    public async Task The_last_word_of_the_old_key_names_the_new_one_and_leads_whoever_remembers_the_log_before()
    {
        var (before, _) = await RecordedAsync();
        await RotateAsync(before.Folder);
        await RotateAsync(before.Folder);
        await using var after = TestNode.Open(before.Folder, before.Clock);
        var logs = after.Node.State.Logs;
        Assert.Equal(logs[1].Verifier, logs[0].Succession!.Next);
        Assert.Equal(logs[2].Verifier, logs[1].Succession!.Next);
        Assert.Null(logs[2].Succession);

        var answer = TestNode.Good(after.Node.SeenCheckpoints.Present(before.Node.Checkpoints.Last!.Note));
        var (seen, now) = (before.Node.Checkpoints.Last!, after.Node.Checkpoints.Last!);
        Assert.True(ConsistencyProof.Verify(seen.Size, now.Size, seen.Root, now.Root, answer.Path));
        Assert.Equal([logs[0].LastCheckpoint!, logs[1].LastCheckpoint!], answer.Links.Select(link => link.Note));
        Assert.Equal([logs[1].From, logs[2].From], answer.Links.Select(link => link.Leaf.Index));
        Assert.Equal(2, TestNode.Good(after.Node.SeenCheckpoints.Present("")).Links.Count);
        Assert.Equal(logs[1].LastCheckpoint, TestNode.Good(after.Node.SeenCheckpoints.Present(logs[1].LastCheckpoint!)).Links.Single().Note);
        Assert.Empty(TestNode.Good(after.Node.SeenCheckpoints.Present(now.Note)).Links);
    }

    [Fact]
    public async Task An_enforcer_that_knows_the_log_before_is_shown_what_leads_on()
    {
        var folder = TestNode.NewFolder();
        var before = await TestNode.FoundAsync(folder);
        using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        await ScriptedEnforcer.RegisterAsync(before, key);
        var enforcer = await ScriptedEnforcer.BeginAsync(before, key);
        TestNode.Good(await before.StopAsync(await before.EnrollAsync()));
        await enforcer.UntilAsync<Delta>();
        await before.DisposeAsync();
        await RotateAsync(folder);

        await using var after = TestNode.Open(folder, before.Clock);
        Assert.Equal(after.Node.State.Logs[0].LastCheckpoint, (await GreetingAsync(before.Node.Checkpoints.Last!.Note)).Succession!.Links.Single().Note);
        Assert.Null((await GreetingAsync(after.Node.Checkpoints.Last!.Note)).Succession);

        async Task<Greeting> GreetingAsync(string known)
        {
            var stream = TestNode.Good(await ScriptedEnforcer.TryBeginAsync(after, key, enforcer.LastNote, enforcer.LastPayload, known));
            await using var messages = stream.ReadAllAsync(stream.Ended).GetAsyncEnumerator();
            Assert.True(await messages.MoveNextAsync());
            return Assert.IsType<Greeting>(messages.Current);
        }
    }

    [Fact]
    public async Task A_recovery_breaks_the_chain_of_links_and_what_was_lost_ends_nothing()
    {
        var (before, agent) = await RecordedAsync();
        await RotateAsync(before.Folder);
        var copy = Folders.Copy(before.Folder, TestNode.NewFolder());
        string seen;
        await using (var lost = TestNode.Open(before.Folder, before.Clock))
        {
            TestNode.Good(await lost.StopAsync(agent.At(lost)));
            await lost.DisposeAsync();
            seen = lost.Node.Checkpoints.Last!.Note;
        }
        await RecoverAsync(copy, seen);
        await RotateAsync(copy);
        await using var after = TestNode.Open(copy, before.Clock);
        var logs = after.Node.State.Logs;
        Assert.Equal([true, false, true, false], logs.Select(log => log.Succession is not null));

        Assert.Empty(TestNode.Good(after.Node.SeenCheckpoints.Present(before.Node.Checkpoints.Last!.Note)).Links);
        Assert.Empty(TestNode.Good(after.Node.SeenCheckpoints.Present(logs[1].LastCheckpoint!)).Links);
        Assert.Equal(logs[2].LastCheckpoint, TestNode.Good(after.Node.SeenCheckpoints.Present(logs[2].LastCheckpoint!)).Links.Single().Note);
        Assert.Equal(logs[2].LastCheckpoint, TestNode.Good(after.Node.SeenCheckpoints.Present("")).Links.Single().Note);
        var refused = after.Node.SeenCheckpoints.Present(seen);
        Assert.Equal(Refusal.CheckpointNotOurs, refused.Refusal);
        Assert.Contains("Ask the operators", refused.Detail, StringComparison.Ordinal);
        TestNode.Good(await after.StopAsync(agent.At(after)));
    }

    [Fact]
    public async Task A_rotation_from_before_there_were_notes_is_folded_and_leads_nobody()
    {
        var (before, _) = await RecordedAsync();
        var state = RegistryState.From(before.Node.State.Copy());
        var plain = new LogSucceeded("localhost:5000", before.Node.Checkpoints.Last!.Note, Second, state.Log.Key, SuccessionReason.KeyRotated, []);
        var draft = new Draft(state, new Standing(state), before.Clock.GetUtcNow());
        draft.Stage(draft.RegistryId, plain, draft.RegistryId);
        var staged = draft.Entries[0];

        state.Apply(staged.Index, staged.Entry, staged.Opening, default);

        Assert.Equal(Second, state.Log.Origin);
        Assert.Null(state.Logs[0].Succession);
    }

    [Fact]
    public async Task Statements_name_the_log_that_goes_on_and_retries_of_old_ones_are_answered()
    {
        var (before, agent) = await RecordedAsync();
        var chain = agent.Chain(4);
        await RotateAsync(before.Folder);
        await using var after = TestNode.Open(before.Folder, before.Clock);
        var same = agent.At(after);
        Assert.Equal(before.Node.State.FindAgent(agent.Id)!.Chain(agent.KeyId).Index, TestNode.Good(await same.SendAsync(chain[2])).Index);
        TestNode.Good(await same.SendAsync(chain[0]));
        Assert.Equal(Refusal.WrongOrigin, (await same.SendAsync(chain[3])).Refusal);
        Assert.Equal(Refusal.WrongOrigin, (await same.SendAsync(same.Statement(3, Sha256.Hash(chain[2]), origin: "localhost:5000/3"))).Refusal);
        TestNode.Good(await same.SendAsync(same.Statement(3, Sha256.Hash(chain[2]), origin: Second)));
        Assert.DoesNotContain(after.Bodies(), body => body is Fork);
    }

    [Fact]
    public async Task A_log_can_be_succeeded_again_and_starts_from_its_snapshot()
    {
        var (before, agent) = await RecordedAsync();
        await RotateAsync(before.Folder);
        Assert.Equal("localhost:5000/3", (await RotateAsync(before.Folder)).Origin);
        await using (var after = TestNode.Open(before.Folder, before.Clock))
        {
            Assert.Empty(after.Log);
            Assert.Equal(["localhost:5000", Second, "localhost:5000/3"], after.Node.State.Logs.Select(log => log.Origin));
            TestNode.Good(await after.StopAsync(agent.At(after)));
        }
        await using var again = TestNode.Open(before.Folder, before.Clock);
        Assert.Empty(again.Log);
        Assert.Equal(StandingState.Frozen, again.Node.State.StandingOf(again.Node.State.FindAgent(agent.Id)!));
        Assert.Empty(await FindingsAsync(again));
    }

    [Fact]
    public async Task The_old_key_is_gone_and_what_it_signed_is_still_verified()
    {
        var (before, _) = await RecordedAsync();
        var old = before.Node.State.Log;
        await RotateAsync(before.Folder);
        Assert.DoesNotContain(Directory.GetFiles(Path.Combine(before.Folder, "keys")), file => file.Contains(old.KeyId.ToString(), StringComparison.Ordinal));
        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.Equal(old.Verifier, after.Node.State.Logs[0].Verifier);
        Assert.True(Checkpoint.TryOpen(Encoding.UTF8.GetBytes(after.Node.PublishedLog.CheckpointOf(1)!), old.Verifier, out _, out _));
    }

    [Theory]
    [InlineData(Fault.Lost)]
    [InlineData(Fault.DoneButReported)]
    public async Task A_succession_whose_write_failed_is_settled_by_the_next_start(Fault fault)
    {
        var (before, agent) = await RecordedAsync();
        using (var store = new FaultyStore(SqliteLedgerStore.OpenExisting(before.Folder)) { OnAppend = fault })
        using (var keys = new FileRegistryKeys(before.Folder))
            await Assert.ThrowsAnyAsync<Exception>(() => new Succession(store, new SnapshotFile(before.Folder), keys, before.Clock, _ => { }).RotateAsync());
        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.Equal(fault == Fault.Lost ? "localhost:5000" : Second, after.Node.State.Log.Origin);
        var former = Directory.GetFiles(Path.Combine(before.Folder, "keys"), $"log-{before.Node.State.Logs[0].KeyId}.json");
        Assert.Equal(fault == Fault.Lost ? 1 : 0, former.Length);
        TestNode.Good(await after.StopAsync(agent.At(after)));
        await after.WhenSignedAsync(new LeafIndex(after.Node.State.Position - 2));
        Assert.Equal(after.Node.State.Log.Origin, Newest(after).Origin);
    }

    [Fact]
    public async Task A_recovery_names_what_others_have_seen_and_stops_again_what_was_stopped_there()
    {
        var (before, agent) = await RecordedAsync();
        var copy = Folders.Copy(before.Folder, TestNode.NewFolder());
        await using (var lost = TestNode.Open(before.Folder, before.Clock))
        {
            TestNode.Good(await lost.StopAsync(agent.At(lost), StandingState.Revoked));
            await lost.DisposeAsync();
            var seen = lost.Node.Checkpoints.Last!.Note;
            var next = await RecoverAsync(copy, seen, new KnownStop(agent.Id, StandingState.Revoked, "it was before"));
            Assert.Equal(Second, next.Origin);
            Assert.Equal([seen], Succeeded(copy).Single().Lost);
            Assert.Equal(SuccessionReason.Recovered, Succeeded(copy).Single().Reason);
        }
        await using var after = TestNode.Open(copy, before.Clock);
        Assert.Equal(Refusal.AgentRevoked, after.Verify(agent.At(after).Use()));
        // The old key has signed nothing that the copy did not hold already.
        Assert.Equal(before.Node.Checkpoints.Last!.Note, after.Node.PublishedLog.CheckpointOf(1));
        Assert.Empty(await FindingsAsync(after));
    }

    [Fact]
    public async Task A_seen_checkpoint_is_held_or_larger_or_another_history_or_foreign()
    {
        var (before, agent) = await RecordedAsync();
        var copy = Folders.Copy(before.Folder, TestNode.NewFolder());
        string longer, other;
        await using (var one = TestNode.Open(before.Folder, before.Clock))
        {
            TestNode.Good(await one.StopAsync(agent.At(one)));
            await one.DisposeAsync();
            longer = one.Node.Checkpoints.Last!.Note;
        }
        using (var store = SqliteLedgerStore.OpenExisting(copy))
        {
            var ledger = RestingLedger.Read(store, new SnapshotFile(copy), _ => { });
            Assert.Equal(SeenVerdict.Held, Compare(ledger, before.Node.Checkpoints.Last!.Note));
            Assert.Equal(SeenVerdict.Larger, Compare(ledger, longer));
            Assert.Equal(SeenVerdict.Foreign, Compare(ledger, longer.Replace("\n", "\n\n", StringComparison.Ordinal)));
        }
        await using (var two = TestNode.Open(copy, before.Clock))
        {
            TestNode.Good(await two.StopAsync(agent.At(two)));
            await two.DisposeAsync();
            other = two.Node.Checkpoints.Last!.Note;
        }
        using var both = SqliteLedgerStore.OpenExisting(before.Folder);
        Assert.Equal(SeenVerdict.Contradicts, Compare(RestingLedger.Read(both, new SnapshotFile(before.Folder), _ => { }), other));
    }

    [Fact]
    public async Task A_successor_of_another_log_or_of_an_unsigned_checkpoint_is_not_folded()
    {
        var (before, _) = await RecordedAsync();
        var state = before.Node.State;
        using var keys = new FileRegistryKeys(before.Folder);
        using var stranger = Ed25519PrivateKey.Generate();
        var (last, other) = (before.Node.Checkpoints.Last!, stranger.PublicKey);
        string Announce(string origin, Ed25519PublicKey? next = null) => new SuccessionNote(
            new Checkpoint("localhost:5000", last.Size, last.Root), new NoteVerifierKey(origin, next ?? state.Log.Verifier.PublicKey)).Sign(new NoteSignerKey("localhost:5000", keys.Log(state.Log.KeyId)));
        var good = new LogSucceeded("localhost:5000", before.Node.Checkpoints.Last!.Note, Second, state.Log.Key, SuccessionReason.KeyRotated, []);
        LogSucceeded[] bad =
        [
            good with { Before = Second }, good with { Origin = "localhost:5000/3" }, good with { Origin = "localhost:5000" }, good with { LastCheckpoint = "" },
            good with { LastCheckpoint = good.LastCheckpoint.Replace("5000\n", "5001\n", StringComparison.Ordinal) },
            // What the note announces is another log, or no succession of this kind.
            good with { LastCheckpoint = Announce("localhost:5000/3") },
            good with { LastCheckpoint = Announce(Second), Reason = SuccessionReason.Recovered },
            good with { LastCheckpoint = Announce(Second, other) },
        ];
        foreach (var body in bad)
        {
            var draft = new Draft(state, new Standing(state), before.Clock.GetUtcNow());
            draft.Stage(draft.RegistryId, body, draft.RegistryId);
            var staged = draft.Entries[0];
            Assert.Throws<LedgerDamagedException>(() => RegistryState.From(state.Copy()).Apply(staged.Index, staged.Entry, staged.Opening, default));
        }
    }

    [Fact]
    public async Task A_trail_that_reaches_back_into_the_log_before_is_proven_with_the_key_of_each_log_on_the_way()
    {
        var (before, agent) = await RecordedAsync();
        await RotateAsync(before.Folder);
        await RotateAsync(before.Folder);
        await using var after = TestNode.Open(before.Folder, before.Clock);
        var file = await ExportAsync(after, agent);

        foreach (var log in after.Node.State.Logs)
        {
            var verdict = TrailVerifier.Verify(file, log.Verifier);
            Assert.True(verdict.IsProven, string.Join('\n', verdict.Findings));
            Assert.Equal(log != after.Node.State.Log, verdict.NotChecked.Any(words => words.StartsWith("that this tree goes on", StringComparison.Ordinal)));
        }
        using var stranger = Ed25519PrivateKey.Generate();
        var byAnother = TrailVerifier.Verify(file, new NoteVerifierKey("localhost:5000", stranger.PublicKey));
        Assert.Equal(TrailResult.Failed, byAnother[TrailProperty.Checkpoint].Result);
    }

    [Fact]
    public async Task A_trail_of_a_recovered_log_is_not_proven_with_the_key_of_the_log_before()
    {
        var (before, agent) = await RecordedAsync();
        await RecoverAsync(before.Folder, "seen");
        await using var after = TestNode.Open(before.Folder, before.Clock);
        var file = await ExportAsync(after, agent);

        Assert.True(TrailVerifier.Verify(file, after.Node.State.Log.Verifier).IsProven);
        Assert.Equal(TrailResult.Failed, TrailVerifier.Verify(file, after.Node.State.Logs[0].Verifier)[TrailProperty.Checkpoint].Result);
    }

    private static async Task<byte[]> ExportAsync(TestNode node, TestAgent agent)
    {
        TestNode.Good(await node.StopAsync(agent.At(node)));
        await node.WhenSignedAsync(new LeafIndex(node.Node.State.Position - 2));
        var export = TestNode.Good(await node.WhileTimePassesAsync(node.Node.TrailExports.BeginAsync(agent.Id, 0, ulong.MaxValue, CancellationToken.None)));
        return [.. export.Items().SelectMany(item => item)];
    }

    private static SeenVerdict Compare(RestingLedger ledger, string note) => ledger.Compare(Encoding.UTF8.GetBytes(note), out _);

    // A registry with an agent and three activities that has stopped in order.
    private static async Task<(TestNode Node, TestAgent Agent)> RecordedAsync()
    {
        var node = await TestNode.FoundAsync();
        var agent = await node.EnrollAsync();
        foreach (var statement in agent.Chain(3))
            TestNode.Good(await agent.SendAsync(statement));
        await node.DisposeAsync();
        return (node, agent);
    }

    private static async Task<LogRecord> RotateAsync(string folder)
    {
        using var store = SqliteLedgerStore.OpenExisting(folder);
        using var keys = new FileRegistryKeys(folder);
        return await new Succession(store, new SnapshotFile(folder), keys, TimeProvider.System, _ => { }).RotateAsync();
    }

    private static async Task<LogRecord> RecoverAsync(string folder, string seen, params KnownStop[] stops)
    {
        using var store = SqliteLedgerStore.OpenExisting(folder);
        using var keys = new FileRegistryKeys(folder);
        return await new Succession(store, new SnapshotFile(folder), keys, TimeProvider.System, _ => { }).RecoverAsync([seen], stops);
    }

    private static IEnumerable<LogSucceeded> Succeeded(string folder)
    {
        using var store = SqliteLedgerStore.OpenExisting(folder);
        return [.. store.Read(default, int.MaxValue).Select(row => Entry.TryDecode(row.Entry, out var entry) ? entry.Body : null).OfType<LogSucceeded>()];
    }

    private static Checkpoint Former(TestNode node) => Read(node.Node.State.Logs[0].LastCheckpoint!, node.Node.State.Logs[0]);

    private static Checkpoint Newest(TestNode node) => Read(node.Node.Checkpoints.Last!.Note, node.Node.State.Log);

    private static Checkpoint Read(string note, LogRecord log)
    {
        Assert.True(Checkpoint.TryOpen(Encoding.UTF8.GetBytes(note), log.Verifier, out var checkpoint, out _));
        return checkpoint;
    }

    private static async Task<List<Finding>> FindingsAsync(TestNode node)
    {
        await node.DisposeAsync();
        using var store = SqliteLedgerStore.OpenExisting(node.Folder);
        var findings = new List<Finding>();
        await Fsck.RunAsync(store, store, new SnapshotFile(node.Folder), withSignatures: true, findings.Add, _ => { }, CancellationToken.None);
        return findings;
    }
}
