using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Recovery;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Storage.Keys;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Registry.Tests;

/// <summary>The check of every stored byte: silent on a sound folder, and never on another.</summary>
public sealed class FsckTests(FsckTests.SoundFolder sound) : IClassFixture<FsckTests.SoundFolder>
{
    // Above 256, so that there are a full tile, a partial one and one of the second level.
    private const int Activities = 280;

    private readonly string _folder = sound.Copy();

    public static TheoryData<string, string> Blobs
    {
        get
        {
            var blobs = new TheoryData<string, string>();
            foreach (var index in (int[])[0, 1, 2, 3, 5, 100, 255, 256, Activities])
            {
                foreach (var column in (string[])["leaf", "entry", "opening", "subjects"])
                    blobs.Add($"entries.{column}", $"idx = {index}");
            }
            foreach (var tile in (string[])["level = 0 AND idx = 0", "level = 0 AND idx = 1", "level = 1 AND idx = 0"])
                blobs.Add("tiles.hashes", tile);
            blobs.Add("checkpoint.root", "id = 0");
            blobs.Add("documents.content", "name = 'founding-keys'");
            return blobs;
        }
    }

    public static TheoryData<string> Changes =>
    [
        "DELETE FROM tiles WHERE level = 0 AND idx = 1",
        "INSERT INTO tiles VALUES (1, 1, zeroblob(32))",
        "UPDATE tiles SET hashes = substr(hashes, 1, 64) WHERE level = 0 AND idx = 0",
        "UPDATE checkpoint SET size = size - 1",
        "UPDATE checkpoint SET note = replace(note, 'localhost:5000' || char(10), 'localhost:5001' || char(10))",
        "UPDATE checkpoint SET note = substr(note, 1, length(note) - 6) || 'AAAA=' || char(10)",
        "DELETE FROM subject_index WHERE idx = 100",
        "UPDATE subject_index SET idx = idx + 1 WHERE idx = 100",
        "UPDATE subject_index SET seq = seq + 1000 WHERE idx = 100",
        "UPDATE subject_index SET subject = zeroblob(16) WHERE idx = 100",
        "INSERT INTO subject_index VALUES (zeroblob(16), 0, 3)",
    ];

    [Fact]
    public async Task A_sound_folder_has_no_findings()
    {
        var (report, findings) = await CheckAsync();
        Assert.Empty(findings);
        Assert.Equal((report.Entries, 3UL, 0L), (report.Folded, report.Tiles, report.Findings));
        // Those of the statements, and the proof of the one enrolment.
        Assert.Equal((ulong)Activities + 1, report.Signatures);
    }

    [Theory]
    [MemberData(nameof(Blobs))]
    public async Task One_byte_changed_in_any_row_is_found(string column, string row)
    {
        var (table, name) = (column.Split('.')[0], column.Split('.')[1]);
        var bytes = LedgerFile.Read(_folder, $"SELECT {name} FROM {table} WHERE {row}");
        foreach (var place in (int[])[0, bytes.Length / 3, bytes.Length / 2, bytes.Length - 1])
        {
            var changed = bytes.ToArray();
            changed[place] ^= 0x04;
            LedgerFile.Change(_folder, $"UPDATE {table} SET {name} = ? WHERE {row}", changed);
            var (_, findings) = await CheckAsync();
            Assert.True(findings.Count is > 0 and < 4, $"byte {place} of {column} where {row}: {string.Join(" | ", findings)}");
            if (table == "entries")
                Assert.Contains(findings, finding => $"idx = {finding.Index}" == row);
        }
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task A_row_that_is_missing_or_changed_or_too_much_is_found(string change)
    {
        LedgerFile.Change(_folder, change);
        Assert.InRange((await CheckAsync()).Findings.Count, 1, 4);
    }

    [Fact]
    public void A_store_with_a_hole_does_not_open_and_says_that_it_is_damaged()
    {
        LedgerFile.Change(_folder, "DELETE FROM entries WHERE idx = 100");
        Assert.True(Assert.Throws<StoreRefusedException>(() => SqliteLedgerStore.OpenExisting(_folder)).IsDamage);
    }

    [Fact]
    public async Task Any_byte_of_the_snapshot_is_found()
    {
        var path = Path.Combine(_folder, "snapshot");
        var bytes = File.ReadAllBytes(path);
        foreach (var place in (int[])[0, 22, 23, 27, 60, bytes.Length / 2, bytes.Length - 1])
        {
            var changed = bytes.ToArray();
            changed[place] ^= 0x01;
            File.WriteAllBytes(path, changed);
            Assert.Contains("snapshot", Assert.Single((await CheckAsync()).Findings).Meaning, StringComparison.Ordinal);
        }
        File.WriteAllBytes(path, []);
        Assert.Single((await CheckAsync()).Findings);
    }

    [Fact]
    public async Task The_order_in_which_a_snapshot_was_written_is_no_finding()
    {
        var folder = TestNode.NewFolder();
        await using (var node = await TestNode.FoundAsync(folder))
        {
            var agents = new[] { await node.EnrollAsync(), await node.EnrollAsync(), await node.EnrollAsync() };
            foreach (var name in (string[])["bot/1", "bot/2", "bot/3"])
                TestNode.Good(await node.Node.Operating.DefineBlueprintAsync(node.Operator, name, "model-x/5", []));
            foreach (var child in agents[1..])
                await node.LinkAsync(agents[0], agents[0].Claims.Jti, child);
            await node.WhenSignedAsync();
            var copy = node.Node.State.Copy();
            var (lineage, signed) = (copy.Lineage, node.Node.Checkpoints.Last!);
            Assert.Equal((3, 2, 2), (copy.Blueprints.Count, lineage.Edges.Count, lineage.Links.Count));
            var turned = copy with { Blueprints = [.. copy.Blueprints.Reverse()], Lineage = new LineageCopy([.. lineage.Edges.Reverse()], [.. lineage.Links.Reverse()], lineage.Spent) };
            Assert.Equal(copy.Position, signed.Size.Value);
            await node.DisposeAsync();
            using var keys = new FileRegistryKeys(folder);
            new SnapshotFile(folder).Save(stream => SnapshotFormat.Write(stream, turned, signed.Root, keys.Log(copy.Founding!.LogKey.KeyId)));
        }
        Assert.Empty((await CheckAsync(folder)).Findings);
    }

    [Fact]
    public async Task What_was_changed_is_told_from_what_was_signed()
    {
        LedgerFile.Spoil(_folder, "leaf", 100);
        LedgerFile.Spoil(_folder, "entry", 200);
        var (report, findings) = await CheckAsync();
        Assert.Equal([100UL, 200UL], findings.Select(finding => finding.Index!.Value.Value));
        Assert.StartsWith("the stored leaf is not the one that was signed", findings[0].Meaning, StringComparison.Ordinal);
        Assert.Contains("its leaf is the one that was signed", findings[1].Meaning, StringComparison.Ordinal);
        Assert.Equal(200UL, report.Folded);
    }

    [Fact]
    public async Task A_signature_that_the_registry_should_not_have_taken_is_found_when_it_is_asked_for()
    {
        var folder = TestNode.NewFolder();
        byte[] statement;
        SubjectId agentId;
        await using (var node = await TestNode.FoundAsync(folder))
        {
            var agent = await node.EnrollAsync();
            (statement, agentId) = (agent.Statement(0, default), agent.Id);
        }
        await StageAsync(folder, agentId, new Activity(statement, KeyAlgorithm.ES256, new byte[64], Quarantined: false));
        Assert.Empty((await CheckAsync(folder, withSignatures: false)).Findings);
        Assert.StartsWith("the signature is not over", Assert.Single((await CheckAsync(folder)).Findings).Meaning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("of another key")]
    [InlineData("for another registry")]
    [InlineData("for another token")]
    [InlineData("none")]
    public async Task An_enrolment_without_a_proof_of_its_own_is_found_when_it_is_asked_for(string proof)
    {
        var folder = TestNode.NewFolder();
        AgentEnrolled enrolled;
        await using (var node = await TestNode.FoundAsync(folder))
        {
            await node.EnrollAsync();
            enrolled = node.Bodies().OfType<AgentEnrolled>().Single();
        }
        using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        string Make(string url, Hash token) => Credentials.Proofs.EnrolmentProof.Create(key, url, "a challenge", token, DateTimeOffset.UnixEpoch);
        var kept = proof switch
        {
            "of another key" => enrolled.Proof,
            "for another registry" => Make("https://other.example", default),
            "for another token" => Make(TestNode.Url, Sha256.Hash([1])),
            _ => "",
        };
        var body = enrolled with { AgentId = SubjectId.New(DateTimeOffset.UnixEpoch), Key = key.PublicKey, Proof = kept };
        await StageAsync(folder, body.AgentId, body, body.TokenId);
        Assert.Empty((await CheckAsync(folder, withSignatures: false)).Findings);
        Assert.StartsWith("the enrolment does not hold a proof", Assert.Single((await CheckAsync(folder)).Findings).Meaning, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_a_registry_is_refused_and_nothing_is_made_in_it()
    {
        var empty = TestNode.NewFolder();
        Assert.Throws<StoreRefusedException>(() => SqliteLedgerStore.OpenExisting(empty));
        Assert.Empty(Directory.EnumerateFileSystemEntries(empty));
    }

    // The writer without the rules in front of it, which is what a registry is whose process was taken over.
    private static async Task StageAsync(string folder, SubjectId subject, EntryBody body, params SubjectId[] others)
    {
        using var store = SqliteLedgerStore.OpenExisting(folder);
        using var keys = new FileRegistryKeys(folder);
        var state = Start.Load(store, new SnapshotFile(folder), _ => { }, out _);
        var publisher = new CheckpointPublisher(store, new NoteSignerKey(state.Founding!.Origin, keys.Log(state.Founding.LogKey.KeyId)));
        using var writer = new Sequencer(store, state, new Standing(state), publisher, TimeProvider.System, _ => { });
        TestNode.Good(await writer.DecideAsync<LeafIndex>(Lane.Ordinary, draft => draft.Stage(subject, body, [subject, .. others])));
    }

    private Task<(FsckReport Report, List<Finding> Findings)> CheckAsync() => CheckAsync(_folder);

    private static async Task<(FsckReport Report, List<Finding> Findings)> CheckAsync(string folder, bool withSignatures = true)
    {
        using var store = SqliteLedgerStore.OpenExisting(folder);
        var findings = new List<Finding>();
        var report = await Fsck.RunAsync(store, store, new SnapshotFile(folder), withSignatures, findings.Add, _ => { }, CancellationToken.None);
        Assert.Equal(findings.Count, report.Findings);
        return (report, findings);
    }

    /// <summary>A registry that has stopped in order, to be copied and spoilt.</summary>
    public sealed class SoundFolder : IAsyncLifetime
    {
        private readonly string _folder = TestNode.NewFolder();

        public async Task InitializeAsync()
        {
            await using var node = await TestNode.FoundAsync(_folder);
            var agent = await node.EnrollAsync();
            for (var i = 0; i < Activities; i++)
                await agent.RecordAsync();
            TestNode.Good(await node.StopAsync(agent));
            await node.DisposeAsync();
            await LedgerFile.IndexAsync(_folder);
        }

        public string Copy()
        {
            var copy = TestNode.NewFolder();
            foreach (var file in Directory.GetFiles(_folder))
                File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
            return copy;
        }

        public Task DisposeAsync() => Task.CompletedTask;
    }
}
