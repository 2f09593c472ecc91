using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Erasing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>What opened an activity goes, by two people and for a reason; everything that rests on its leaf stays.</summary>
public sealed class ErasureTests
{
    private const string Reason = "a person has asked for it";

    [Fact]
    public async Task What_two_operators_erase_is_in_no_file_and_every_proof_goes_on()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        var recorded = new List<LeafIndex>();
        for (var i = 0; i < 6; i++)
            recorded.Add((await agent.RecordAsync()).Index);
        var rows = recorded.Select(index => registry.Store.Read(index, 1)[0]).ToArray();
        LeafIndex[] wanted = [recorded[1], recorded[2], recorded[5]];

        var erased = TestNode.Good(await EraseAsync(registry, agent, wanted));

        Assert.Equal((3, true), (erased.Count, erased.IsForGood));
        foreach (var row in rows)
        {
            Assert.True(Opening.TryDecode(row.Opening, out var opening) && Entry.TryDecode(row.Entry, out var entry));
            Entry.TryDecode(row.Entry, out entry);
            Assert.Equal(!wanted.Contains(row.Index), IsStored(registry, opening.Salt.ToArray()));
            Assert.Equal(!wanted.Contains(row.Index), IsStored(registry, ((Activity)entry.Body).Signature));
        }
        var trail = registry.Node.Reading.ListTrail(agent.Id, 0, 100).Entries;
        Assert.Equal(wanted, trail.Where(entry => entry.Erased is not null).Select(entry => entry.Index));
        Assert.All(trail.Where(entry => entry.Erased is not null), entry => Assert.Equal((erased.Index, erased.At), (entry.Erased!.ErasedBy, entry.Erased.ErasedAt)));
        await RequireProofsAsync(registry, agent, recorded, rows.Select(row => row.Leaf));
        await agent.RecordAsync();
    }

    [Fact]
    public async Task A_start_from_the_beginning_and_one_from_a_snapshot_read_the_stubs()
    {
        var folder = TestNode.NewFolder();
        TestAgent agent;
        await using (var registry = await TestNode.FoundByTwoAsync(folder))
        {
            agent = await registry.EnrollAsync();
            var first = await agent.RecordAsync();
            var last = await agent.RecordAsync();
            TestNode.Good(await EraseAsync(registry, agent, [first.Index, last.Index]));
            await registry.StopAsync(agent);
        }
        for (var statements = 2UL; statements < 4; statements++)
        {
            await using var again = TestNode.Open(folder);
            agent = agent.At(again);
            Assert.Equal(statements, agent.Record.Chain(agent.KeyId).Next);
            Assert.Equal(2, again.Node.Reading.ListTrail(agent.Id, 0, 100).Entries.Count(entry => entry.Erased is not null));
            Assert.Equal(EntryClass.Quarantined, (await agent.RecordAsync()).Class);
            // The second time the ledger is read from its beginning.
            await again.DisposeAsync();
            File.Delete(Path.Combine(folder, "snapshot"));
        }
    }

    [Fact]
    public async Task The_retry_of_an_erased_statement_gets_the_first_answer_and_another_in_its_place_is_a_fork()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        var chain = agent.Chain(3);
        var first = TestNode.Good(await agent.SendAsync(chain[0]));
        TestNode.Good(await agent.SendAsync(chain[1]));
        TestNode.Good(await agent.SendAsync(chain[2]));
        TestNode.Good(await EraseAsync(registry, agent, [first.Index]));

        var again = TestNode.Good(await agent.SendAsync(chain[0]));
        Assert.Equal((first.Index, first.At, first.LeafHash), (again.Index, again.At, again.LeafHash));
        Assert.Equal(Refusal.SequenceFork, (await agent.SendAsync(agent.Statement(0, default, fill: 7))).Refusal);
    }

    [Fact]
    public async Task A_trail_file_with_erased_activities_is_proven_and_says_when_and_by_whom()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        var recorded = new List<LeafIndex>();
        for (var i = 0; i < 5; i++)
            recorded.Add((await agent.RecordAsync()).Index);
        var erased = TestNode.Good(await EraseAsync(registry, agent, [recorded[0], recorded[3]]));
        await RequireProofsAsync(registry, agent, [], []);
        Assert.True(NoteVerifierKey.TryParse(registry.Node.Checkpoints.LogKey, out var logKey, out _));
        foreach (var to in (ulong[])[ulong.MaxValue, 0])
        {
            var export = TestNode.Good(await registry.WhileTimePassesAsync(registry.Node.TrailExports.BeginAsync(agent.Id, 0, to, CancellationToken.None)));
            byte[] file = [.. export.Items().SelectMany(item => item)];
            var verdict = TrailVerifier.Verify(file, logKey);
            Assert.All(verdict.Findings, finding => Assert.Equal((finding.Property, TrailResult.Passed, ""), (finding.Property, finding.Result, string.Join("; ", finding.Problems))));
            Assert.Contains($"by entry {erased.Index} ({Reason})", verdict[TrailProperty.Erasures].Words, StringComparison.Ordinal);
            Assert.Equal(2, verdict.Entries.Count(entry => entry.Erased is not null));
            RequireEachChangeFails(file, logKey);
        }
    }

    [Fact]
    public async Task What_the_disk_has_changed_is_not_erased_as_if_it_had_been_signed()
    {
        await using var before = await TestNode.FoundAsync(snapshotEntries: 1);
        var agent = await before.EnrollAsync();
        var chain = agent.Chain(2);
        var changed = TestNode.Good(await agent.SendAsync(chain[0])).Index;
        var sound = TestNode.Good(await agent.SendAsync(chain[1])).Index;
        await before.WhenSignedAsync(sound);
        await before.DisposeAsync();
        LedgerFile.SpoilStatement(before.Folder, changed.Value, chain[0]);

        await using var after = TestNode.Open(before.Folder, before.Clock);
        after.OperatorKeys = before.OperatorKeys;
        Assert.Contains($"Entry {changed} is not the one", (await Assert.ThrowsAsync<LedgerDamagedException>(() => EraseAsync(after, agent.At(after), [changed, sound]))).Message, StringComparison.Ordinal);
        Assert.False(after.Store.Read(changed, 1)[0].IsErased || after.Store.Read(sound, 1)[0].IsErased);
        TestNode.Good(await EraseAsync(after, agent.At(after), [sound]));
    }

    [Fact]
    public async Task Only_activities_of_that_agent_can_be_erased_and_only_once()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        var other = await registry.EnrollAsync();
        var own = (await agent.RecordAsync()).Index;
        var others = (await other.RecordAsync()).Index;
        Assert.Equal(Refusal.NotErasable, (await EraseAsync(registry, agent, [agent.Record.EnrolledIndex])).Refusal);
        Assert.Equal(Refusal.NotErasable, (await EraseAsync(registry, agent, [own, others])).Refusal);
        Assert.Equal(Refusal.EntryUnknown, (await EraseAsync(registry, agent, [new LeafIndex(1_000_000)])).Refusal);
        Assert.Equal(Refusal.MessageMalformed, (await EraseAsync(registry, agent, [])).Refusal);
        Assert.Equal(Refusal.MessageMalformed, (await EraseAsync(registry, agent, [others, own])).Refusal);
        Assert.Equal(Refusal.ReasonMissing, (await EraseAsync(registry, agent, [own], reason: "")).Refusal);
        Assert.DoesNotContain(registry.Node.Reading.ListTrail(agent.Id, 0, 100).Entries, entry => entry.Erased is not null);
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => EraseAsync(registry, agent, [own]))));
        Assert.Equal(1, answers.Count(answer => !answer.IsRefused));
        Assert.Equal(3, answers.Count(answer => answer.Refusal == Refusal.AlreadyErased));
    }

    [Fact]
    public async Task While_a_hold_stands_nothing_is_erased_and_two_lift_it()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        var index = (await agent.RecordAsync()).Index;
        var hold = TestNode.Good(await registry.Node.Erasing.PlaceHoldAsync(registry.Operator, agent.Id, "a court has asked"));
        var refused = await EraseAsync(registry, agent, [index]);
        Assert.Equal(Refusal.AgentHeld, refused.Refusal);
        Assert.Contains($"entry {hold.Index}", refused.Detail, StringComparison.Ordinal);
        Assert.Equal(Refusal.NeedsTwoOperators, (await LiftAsync(registry, agent, hold.Index, people: 1)).Refusal);
        Assert.Equal(Refusal.HoldUnknown, (await LiftAsync(registry, agent, index)).Refusal);
        TestNode.Good(await LiftAsync(registry, agent, hold.Index));
        Assert.Equal(Refusal.HoldUnknown, (await LiftAsync(registry, agent, hold.Index)).Refusal);
        TestNode.Good(await EraseAsync(registry, agent, [index]));
    }

    [Fact]
    public async Task A_hold_outlives_a_restart_with_a_snapshot_and_without()
    {
        var folder = TestNode.NewFolder();
        TestAgent agent;
        await using (var registry = await TestNode.FoundByTwoAsync(folder))
        {
            agent = await registry.EnrollAsync();
            TestNode.Good(await registry.Node.Erasing.PlaceHoldAsync(registry.Operator, agent.Id, "a court has asked"));
        }
        await using (var second = TestNode.Open(folder))
            Assert.Equal("a court has asked", Assert.Single(agent.At(second).Record.Holds).Reason);
        File.Delete(Path.Combine(folder, "snapshot"));
        await using var third = TestNode.Open(folder);
        Assert.Single(agent.At(third).Record.Holds);
    }

    [Fact]
    public async Task A_hold_and_an_erasure_that_meet_in_one_group_leave_the_activity()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        var index = (await agent.RecordAsync()).Index;
        var held = registry.Store.HoldAppends();
        var filler = registry.NewTokenAsync();
        await held;
        var hold = registry.Node.Erasing.PlaceHoldAsync(registry.Operator, agent.Id, "a court has asked");
        var erasure = EraseAsync(registry, agent, [index]);
        registry.Store.LetAppendsGo();
        await filler;
        TestNode.Good(await hold);
        Assert.Equal(Refusal.AgentHeld, (await erasure).Refusal);
    }

    [Fact]
    public async Task Approvals_are_refused_by_name_when_anything_about_them_is_wrong()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        LeafIndex[] indexes = [(await agent.RecordAsync()).Index];
        using var stranger = PrivateKey.Generate(KeyAlgorithm.ES256);
        var (first, second) = (registry.OperatorKeys[0], registry.OperatorKeys[1]);
        var action = ApprovedAction.Erase(agent.Id, indexes, Reason);
        var nonce = Begin(registry, action);
        string Sign(PrivateKey key, string? what = null, string? with = null, string url = TestNode.Url) => Approval.Create(key, url, what ?? action, with ?? nonce, registry.Clock.GetUtcNow());
        async Task<Refusal> Send(params string[] approvals) => (await registry.Node.Erasing.EraseAsync(registry.Operator, agent.Id, indexes, Reason, approvals)).Refusal;
        var otherAction = ApprovedAction.Erase(agent.Id, indexes, "another reason");

        Assert.Equal(Refusal.NeedsTwoOperators, await Send());
        Assert.Equal(Refusal.NeedsTwoOperators, await Send(Sign(first)));
        Assert.Equal(Refusal.NeedsTwoOperators, await Send(Sign(first), Sign(first)));
        Assert.Equal(Refusal.NeedsTwoOperators, await Send(Sign(first), Sign(second), Sign(first)));
        Assert.Equal(Refusal.ApproverUnknown, await Send(Sign(first), Sign(stranger)));
        Assert.Equal(Refusal.ApproverUnknown, await Send(Sign(first), Sign(agent.Key)));
        Assert.Equal(Refusal.ApprovalMismatch, await Send(Sign(first), Sign(second, otherAction)));
        Assert.Equal(Refusal.ApprovalStale, await Send(Sign(first, with: Begin(registry, otherAction)), Sign(second, with: Begin(registry, otherAction))));
        Assert.Equal(Refusal.ApprovalStale, await Send(Sign(first, with: "made up"), Sign(second, with: "made up")));
        Assert.Equal(Refusal.ApprovalMismatch, await Send(Sign(first), Sign(second, with: Begin(registry, action))));
        Assert.Equal(Refusal.ApprovalInvalid, await Send(Sign(first), Sign(second, url: "https://other.example")));
        Assert.Equal(Refusal.ApprovalInvalid, await Send(Sign(first), "x"));
        var old = (Sign(first), Sign(second));
        registry.Clock.Advance(TimeSpan.FromMinutes(61));
        Assert.Equal(Refusal.ApprovalStale, await Send(old.Item1, old.Item2));
        Assert.Equal(Refusal.ApprovalStale, await Send(Sign(first), Sign(second)));
        nonce = Begin(registry, action);
        Assert.Equal(Refusal.None, await Send(Sign(first), Sign(second)));
    }

    [Fact]
    public async Task Approvals_serve_once_though_they_are_sent_together()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        var hold = TestNode.Good(await registry.Node.Erasing.PlaceHoldAsync(registry.Operator, agent.Id, "first")).Index;
        var action = ApprovedAction.LiftHold(agent.Id, hold, "done");
        var approvals = registry.ApprovalsOf(action);
        TestNode.Good(await registry.Node.Erasing.LiftHoldAsync(registry.Operator, agent.Id, hold, "done", approvals));
        // The hold is gone, so it is the approval class itself that is asked.
        var approved = TestNode.Good(registry.Node.Approvals.Check(approvals, action));
        var draft = await UseAsync(registry, approved);
        Assert.Equal(Refusal.ApprovalUsed, draft);
    }

    [Fact]
    public async Task Approvals_serve_once_also_when_a_clock_that_was_ahead_is_set_back()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var action = ApprovedAction.LiftHold((await registry.EnrollAsync()).Id, default, "done");
        async Task<Refusal> Use(IReadOnlyList<string> approvals) => await UseAsync(registry, TestNode.Good(registry.Node.Approvals.Check(approvals, action)));
        var used = registry.ApprovalsOf(action);
        Assert.Equal(Refusal.None, await Use(used));
        registry.Clock.SetForward(TimeSpan.FromDays(1));
        Assert.Equal(Refusal.None, await Use(registry.ApprovalsOf(action)));
        registry.Clock.SetBack(TimeSpan.FromDays(1));
        Assert.Equal(Refusal.ApprovalStale, await Use(used));
        registry.Clock.SetForward(TimeSpan.FromDays(1) + TimeSpan.FromSeconds(1));
        Assert.Equal(Refusal.None, await Use(registry.ApprovalsOf(action)));
    }

    [Fact]
    public async Task In_single_operator_mode_one_suffices()
    {
        await using var registry = await TestNode.FoundAsync();
        Assert.True(registry.Node.Approvals.IsSingleOperator);
        var agent = await registry.EnrollAsync();
        var index = (await agent.RecordAsync()).Index;
        TestNode.Good(await EraseAsync(registry, agent, [index]));
    }

    [Fact]
    public async Task A_stub_that_was_changed_or_an_erasure_that_was_undone_is_refused_at_the_start()
    {
        var folder = TestNode.NewFolder();
        LeafIndex index;
        Sequencing.StoredEntry before;
        await using (var registry = await TestNode.FoundByTwoAsync(folder))
        {
            var agent = await registry.EnrollAsync();
            index = (await agent.RecordAsync()).Index;
            before = registry.Store.Read(index, 1)[0];
            TestNode.Good(await EraseAsync(registry, agent, [index]));
        }
        File.Delete(Path.Combine(folder, "snapshot"));
        byte[] stub;
        using (var store = Storage.Sqlite.SqliteLedgerStore.Open(folder))
            stub = store.Read(index, 1)[0].Entry;
        Assert.True(ErasedStub.TryDecode(stub, out var genuine));
        ErasedStub[] forged =
        [
            genuine with { At = genuine.At + 1 }, genuine with { Sequence = 1 }, genuine with { Identity = Sha256.Hash("x"u8) }, genuine with { IsQuarantined = true },
            genuine with { ErasedBy = default }, genuine with { ErasedBy = new LeafIndex(1_000) }, genuine with { ErasedAt = 0 },
        ];
        Assert.Empty(await FsckAsync(folder));
        foreach (var forgery in forged)
        {
            LedgerFile.Change(folder, $"UPDATE entries SET entry = ? WHERE idx = {index}", forgery.Encode());
            Assert.NotEmpty(await FsckAsync(folder));
            Assert.Throws<LedgerDamagedException>(() => TestNode.Open(folder));
        }
        LedgerFile.Change(folder, $"UPDATE entries SET entry = ?, opening = ? WHERE idx = {index}", before.Entry, before.Opening);
        Assert.NotEmpty(await FsckAsync(folder));
        Assert.Contains("there again", Assert.Throws<LedgerDamagedException>(() => TestNode.Open(folder)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Fault.Lost, false)]
    [InlineData(Fault.DoneButReported, true)]
    [InlineData(Fault.Full, false)]
    public async Task An_erasure_whose_write_fails_is_done_with_its_entry_or_not_at_all(Fault fault, bool isDone)
    {
        var folder = TestNode.NewFolder();
        TestAgent agent;
        LeafIndex index;
        await using (var registry = await TestNode.FoundByTwoAsync(folder))
        {
            agent = await registry.EnrollAsync();
            index = (await agent.RecordAsync()).Index;
            registry.Store.OnAppend = fault;
            Assert.True((await EraseAsync(registry, agent, [index])).IsRefused);
            registry.Store.OnAppend = Fault.None;
        }
        await using var again = TestNode.Open(folder);
        Assert.Equal(isDone, again.Store.Read(index, 1)[0].IsErased);
        Assert.Equal(isDone, again.Store.Read(default, int.MaxValue).Any(row => Entry.TryDecode(row.Entry, out var entry) && entry.Body is ActivitiesErased));
    }

    // Every byte of a stub is held by something.
    private static void RequireEachChangeFails(byte[] file, NoteVerifierKey logKey)
    {
        Assert.True(TrailFile.TryRead(file, out var read, out _));
        var stub = read.Entries.First(entry => entry.Erased is not null).Erased!.Stub.ToArray();
        var at = file.AsSpan().IndexOf(stub);
        for (var i = 0; i < stub.Length; i++)
        {
            var changed = file.ToArray();
            changed[at + i] ^= 1;
            Assert.False(TrailVerifier.Verify(changed, logKey).IsProven);
        }
    }

    private static async Task<List<Recovery.Finding>> FsckAsync(string folder)
    {
        var findings = new List<Recovery.Finding>();
        using var store = Storage.Sqlite.SqliteLedgerStore.Open(folder);
        await Recovery.Fsck.RunAsync(store, store, new Storage.Snapshots.SnapshotFile(folder), withSignatures: true, findings.Add, _ => { }, CancellationToken.None);
        return findings;
    }

    private static string Begin(TestNode registry, string action) => TestNode.Good(registry.Node.Approvals.Begin(action)).Nonce;

    internal static Task<Outcome<Erased>> EraseAsync(TestNode registry, TestAgent agent, LeafIndex[] indexes, string reason = Reason) =>
        registry.Node.Erasing.EraseAsync(registry.Operator, agent.Id, indexes, reason, registry.ApprovalsOf(ApprovedAction.Erase(agent.Id, indexes, reason)));

    private static Task<Outcome<HoldChanged>> LiftAsync(TestNode registry, TestAgent agent, LeafIndex hold, int people = 2) =>
        registry.Node.Erasing.LiftHoldAsync(
            registry.Operator, agent.Id, hold, "it is over", registry.ApprovalsOf(ApprovedAction.LiftHold(agent.Id, hold, "it is over"))[..people]);

    // Inside a decision, as a flow does.
    private static async Task<Refusal> UseAsync(TestNode registry, Operating.Approved approved) =>
        (await registry.Node.Sequencer.DecideAsync(Sequencing.Lane.Ordinary, draft => registry.Node.Approvals.Use(draft, approved))).Refusal;

    private static async Task RequireProofsAsync(TestNode registry, TestAgent agent, List<LeafIndex> indexes, IEnumerable<byte[]> leaves)
    {
        registry.Clock.Advance(TimeSpan.FromSeconds(2));
        await registry.NewTokenAsync();
        await registry.WhenSignedAsync();
        foreach (var (index, leaf) in indexes.Zip(leaves))
            Assert.Equal(leaf, TestNode.Good(registry.Node.LeafProofs.Prove(index)).Leaf);
        var heads = TestNode.Good(await registry.WhileTimePassesAsync(registry.Node.Heads.ProveAsync(agent.Id, CancellationToken.None)));
        Assert.True(Entry.TryDecode(heads.Entry, out var entry));
        Assert.Equal(HeadMapAnswer.Present, HeadMapProof.Verify(heads.Map, ((Heads)entry.Body).Root, heads.Label, out var head));
        var computed = default(Head);
        foreach (var row in registry.Store.ReadBySubject(agent.Id, 0, 100).Take((int)head.Count))
            computed = computed.Then(MerkleHash.Leaf(row.Leaf), row.Index);
        Assert.Equal(computed, head);
    }

    private static bool IsStored(TestNode registry, byte[] bytes) => Directory.GetFiles(registry.Folder, "*", SearchOption.AllDirectories)
        .Where(file => Path.GetFileName(file) != "LOCK").Any(file => ReadAll(file).AsSpan().IndexOf(bytes) >= 0);

    private static byte[] ReadAll(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
