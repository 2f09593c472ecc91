using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Registry.Tests;

/// <summary>Activities are found by what their agents committed to, and by nothing that only looks like it.</summary>
public sealed class CommitmentSearchTests
{
    private static readonly Hash Wanted = Sha256.Hash("what was done"u8);

    [Fact]
    public async Task What_is_acknowledged_is_found_at_once_and_after_a_restart_with_the_index_or_without()
    {
        var folder = TestNode.NewFolder();
        LeafIndex index;
        await using (var registry = await TestNode.FoundAsync(folder))
        {
            var agent = await registry.EnrollAsync();
            await RecordAsync(agent, 0, default, Sha256.Hash([9]));
            index = (await RecordAsync(agent, 1, Sha256.Hash(Statement(agent, 0, default, Sha256.Hash([9]))), Sha256.Hash([1]), Wanted)).Index;

            var found = Assert.Single(Find(registry, Wanted).Found);
            Assert.Equal((0, index, agent.Id, 1UL, EntryClass.Activity), (found.Wanted, found.Index, found.Agent, found.Statement.Sequence, found.Class));
            Assert.Equal(registry.Store.Read(index, 1)[0].Subjects[0].Sequence, found.SubjectSequence);
            Assert.Empty(Find(registry, Sha256.Hash("something else"u8)).Found);
        }
        for (var round = 0; round < 2; round++)
        {
            await using var again = TestNode.Open(folder);
            var page = Find(again, Wanted);
            Assert.Equal([index], page.Found.Select(found => found.Index));
            Assert.Equal(again.Node.State.Position, page.Searched.Value);
            await again.DisposeAsync();
            Directory.Delete(Path.Combine(folder, SqliteLedgerStore.CommitmentsFolder), recursive: true);
        }
    }

    [Fact]
    public async Task Many_commitments_in_many_entries_are_given_page_by_page_and_each_once()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        Hash[] wanted = [Wanted, Sha256.Hash([1]), Sha256.Hash([2])];
        var previous = default(Hash);
        for (var i = 0; i < 30; i++)
        {
            Hash[] commitments = i % 3 == 0 ? wanted : [wanted[i % 3]];
            await RecordAsync(agent, (ulong)i, previous, commitments);
            previous = Sha256.Hash(Statement(agent, (ulong)i, previous, commitments));
        }
        foreach (var size in (int[])[1, 7, 10, 1000])
        {
            var (found, place) = (new List<(Hash, LeafIndex)>(), new SearchPlace(0, default));
            for (SearchPlace? next = place; next is not null; place = next ?? place)
            {
                var page = registry.Node.CommitmentSearch.Find(wanted[place.Wanted..], place.From, size, by: null);
                Assert.InRange(page.Found.Count, 0, size);
                found.AddRange(page.Found.Select(one => (wanted[place.Wanted + one.Wanted], one.Index)));
                next = page.Next is { } more ? new SearchPlace(place.Wanted + more.Wanted, more.From) : null;
            }
            Assert.Equal(10 + 20 + 20, found.Count);
            Assert.Equal(found.Distinct(), found);
            Assert.Equal(10, found.Count(one => one.Item1 == Wanted));
        }
    }

    [Fact]
    public async Task Of_very_many_that_are_not_shown_a_call_reads_some_and_says_where_to_go_on()
    {
        await using var registry = await TestNode.FoundAsync();
        var (many, one) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        var previous = default(Hash);
        var sent = new List<Task>();
        for (var i = 0UL; i < 2100; i++)
        {
            sent.Add(RecordAsync(many, i, previous, Wanted));
            previous = Sha256.Hash(Statement(many, i, previous, Wanted));
            if (sent.Count == 300)
                await Drain(sent);
        }
        await Drain(sent);
        var own = (await RecordAsync(one, 0, default, Wanted)).Index;

        var first = Find(registry, Wanted, by: one.Id);
        Assert.Empty(first.Found);
        var second = registry.Node.CommitmentSearch.Find([Wanted], first.Next!.From, 100, one.Id);
        Assert.Equal([own], second.Found.Select(found => found.Index));
        Assert.Null(second.Next);
    }

    [Fact]
    public async Task A_commitment_that_only_begins_like_it_is_not_found()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var like = Wanted.ToArray();
        like[8] ^= 1;
        await RecordAsync(agent, 0, default, Hash.Read(like));
        Assert.Empty(Find(registry, Wanted).Found);
        Assert.Single(Find(registry, Hash.Read(like)).Found);
    }

    [Fact]
    public async Task What_a_stopped_key_hands_in_is_found_as_quarantined()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        await registry.StopAsync(agent);
        await RecordAsync(agent, 0, default, Wanted);
        Assert.Equal(EntryClass.Quarantined, Assert.Single(Find(registry, Wanted).Found).Class);
    }

    [Fact]
    public async Task What_was_erased_leaves_the_answers_at_once_and_stays_out_after_a_restart()
    {
        var folder = TestNode.NewFolder();
        await using (var registry = await TestNode.FoundByTwoAsync(folder))
        {
            var agent = await registry.EnrollAsync();
            var index = (await RecordAsync(agent, 0, default, Wanted)).Index;
            Assert.Single(Find(registry, Wanted).Found);
            TestNode.Good(await ErasureTests.EraseAsync(registry, agent, [index]));
            Assert.Empty(Find(registry, Wanted).Found);
        }
        await using var again = TestNode.Open(folder);
        Assert.Empty(Find(again, Wanted).Found);
    }

    [Fact]
    public async Task An_entry_that_was_changed_is_met_as_damage_and_not_shown()
    {
        var folder = TestNode.NewFolder();
        LeafIndex index;
        await using (var registry = await TestNode.FoundAsync(folder, snapshotEntries: 1))
            index = (await RecordAsync(await registry.EnrollAsync(), 0, default, Wanted)).Index;
        LedgerFile.Spoil(folder, "opening", index.Value);
        await using var again = TestNode.Open(folder);
        Assert.Throws<LedgerDamagedException>(() => Find(again, Wanted));
    }

    private static FoundPage Find(TestNode registry, Hash commitment, SubjectId? by = null) => registry.Node.CommitmentSearch.Find([commitment], default, 100, by);

    private static byte[] Statement(TestAgent agent, ulong sequence, Hash previous, params Hash[] commitments) =>
        SignedStatement.Encode("localhost:5000", agent.Id, agent.KeyId, sequence, previous, 1, StatementKind.Activity, commitments);

    private static async Task<Recording.Recorded> RecordAsync(TestAgent agent, ulong sequence, Hash previous, params Hash[] commitments) =>
        TestNode.Good(await agent.SendAsync(Statement(agent, sequence, previous, commitments)));

    private static async Task Drain(List<Task> sent)
    {
        await Task.WhenAll(sent);
        sent.Clear();
    }
}
