using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>A trail holds what an auditor needs to check it, and nothing of other agents.</summary>
public sealed class TrailTests
{
    [Fact]
    public async Task Every_entry_of_a_trail_opens_its_leaf_and_shows_the_agents_next_nullifier()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        await registry.EnrollAsync();
        await agent.RecordAsync();
        TestNode.Good(await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0));
        TestNode.Good(await registry.StopAsync(agent));
        await agent.RecordAsync();

        var trail = registry.Node.Reading.ListTrail(agent.Id, 0, 100).Entries;
        Assert.Equal(
            [EntryKind.AgentEnrolled, EntryKind.CredentialsIssued, EntryKind.Activity, EntryKind.CredentialsIssued, EntryKind.Stop, EntryKind.Activity],
            trail.Select(entry => Read(entry).Body.Kind));
        var label = LabelOf(registry, agent.Id);
        for (var i = 0; i < trail.Count; i++)
        {
            Assert.Equal((ulong)i, trail[i].SubjectSequence);
            Assert.True(Leaf.TryDecode(trail[i].Leaf, out var leaf));
            Assert.Equal(leaf.Commitment, Leaf.Commit(trail[i].Salt.ToArray(), trail[i].Entry));
            Assert.Equal((byte)Read(trail[i]).Body.Class, leaf.Class);
            Assert.Contains(Leaf.Nullifier(label.ToArray(), (ulong)i), leaf.Nullifiers);
            Assert.Contains(Read(trail[i]).Subjects, subject => subject.Id == agent.Id && subject.Sequence == (ulong)i);
        }
        Assert.Equal(SubjectLabel.Commit(label), Read(trail[0]).Subjects.Single(subject => subject.Id == agent.Id).LabelCommitment);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(13)]
    public async Task The_credentials_of_one_group_are_proven_one_by_one_and_each_agent_sees_its_own(int agents)
    {
        await using var registry = await TestNode.FoundAsync();
        var token = await registry.NewTokenAsync(uses: 20);
        var held = registry.Store.HoldAppends();
        var filler = registry.NewTokenAsync();
        await held;
        var enrolments = Enumerable.Range(0, agents).Select(_ => registry.EnrollAsync(PrivateKey.Generate(KeyAlgorithm.ES256), token)).ToArray();
        registry.Store.LetAppendsGo();
        await filler;

        var positions = new List<uint>();
        foreach (var enrolled in (await Task.WhenAll(enrolments)).Select(TestNode.Good))
        {
            var entry = registry.Node.Reading.ListTrail(enrolled.Agent.Id, 0, 100).Entries[^1];
            var shown = Assert.Single(entry.Items);
            Assert.True(IssuanceItem.TryDecode(shown.Item, out var item));
            Assert.Equal((enrolled.Agent.Id, enrolled.Credential.Claims.Jti), (item.AgentId, item.Jti));
            Assert.Equal((entry.Index.Value, shown.Position), (enrolled.Credential.Claims.LedgerIndex, enrolled.Credential.Claims.LedgerPosition));
            var issued = (CredentialsIssued)Read(entry).Body;
            Assert.Equal((uint)agents, issued.Count);
            Assert.True(InclusionProof.Verify(new LeafIndex(shown.Position), new TreeSize(issued.Count), MerkleHash.Leaf(shown.Item), shown.Path, issued.Root));
            positions.Add(shown.Position);
        }
        Assert.Equal(Enumerable.Range(0, agents).Select(position => (uint)position), positions.Order());
    }

    [Fact]
    public async Task An_entry_that_the_index_of_subjects_has_lost_is_not_left_out_in_silence()
    {
        await using var before = await TestNode.FoundAsync();
        var agent = await before.EnrollAsync();
        var lost = (await agent.RecordAsync()).Index;
        await agent.RecordAsync();
        await before.WhenSignedAsync();
        await before.DisposeAsync();
        await LedgerFile.IndexAsync(before.Folder);
        LedgerFile.Change(before.Folder, $"DELETE FROM subject_index WHERE idx = {lost}");

        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.Contains("run fsck", Assert.Throws<LedgerDamagedException>(() => after.Node.Reading.ListTrail(agent.Id, 0, 100)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whom_an_entry_is_about_is_told_from_the_entry_and_not_from_what_is_kept_beside_it()
    {
        await using var before = await TestNode.FoundAsync(snapshotEntries: 1);
        var agent = await before.EnrollAsync();
        var index = (await agent.RecordAsync()).Index;
        await before.WhenSignedAsync();
        await before.DisposeAsync();
        var kept = LedgerFile.Read(before.Folder, $"SELECT subjects FROM entries WHERE idx = {index}");
        kept[^10] ^= 4;
        LedgerFile.Change(before.Folder, $"UPDATE entries SET subjects = ? WHERE idx = {index}", kept);

        await using var after = TestNode.Open(before.Folder, before.Clock);
        Assert.NotEqual(agent.Id, after.Store.Read(index, 1)[0].Subjects[0].Subject);
        Assert.Equal([agent.Id], after.Node.Reading.ListEntries(index.Value, 1, Period.All).Entries[0].Subjects);
    }

    [Fact]
    public async Task A_trail_comes_in_pages_that_join_without_a_gap()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        for (var i = 0; i < 9; i++)
            await agent.RecordAsync();
        var pages = new List<TrailEntry>();
        for (ulong? from = 0; from is { } start;)
        {
            var page = registry.Node.Reading.ListTrail(agent.Id, start, 4);
            pages.AddRange(page.Entries);
            from = page.Next;
        }
        Assert.Equal(Enumerable.Range(0, 11).Select(sequence => (ulong)sequence), pages.Select(entry => entry.SubjectSequence));
    }

    [Fact]
    public async Task Every_leaf_shows_one_nullifier_for_each_subject_and_none_twice()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        for (var i = 0; i < 5; i++)
            await agent.RecordAsync();
        var seen = new HashSet<Hash>();
        foreach (var row in registry.Store.Read(default, 100))
        {
            Assert.True(Leaf.TryDecode(row.Leaf, out var leaf));
            Assert.Equal(row.Subjects.Count, leaf.Nullifiers.Length);
            Assert.All(leaf.Nullifiers, nullifier => Assert.True(seen.Add(nullifier)));
        }
    }

    private static Entry Read(TrailEntry row) => Entry.TryDecode(row.Entry, out var entry) ? entry : throw new InvalidDataException();

    private static Hash LabelOf(TestNode registry, SubjectId agent)
    {
        var row = registry.Store.ReadBySubject(agent, 0, 1).Single();
        Assert.True(Opening.TryDecode(row.Opening, out var opening));
        return opening.Labels.Single(label => label.Id == agent).Label;
    }
}
