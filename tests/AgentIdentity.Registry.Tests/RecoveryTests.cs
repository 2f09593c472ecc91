using System.Runtime.Versioning;
using System.Security.Cryptography;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Recovery;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Storage.Keys;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Registry.Tests;

/// <summary>What a start believes, and on what it refuses.</summary>
public sealed class RecoveryTests
{
    private static readonly string[] Damages = ["first byte", "a byte inside", "last byte", "cut short", "empty", "another version"];

    // Ed25519 signs the same bytes the same way, so that two descriptions can be compared.
    private static readonly PrivateKey AnyKey = PrivateKey.Generate(KeyAlgorithm.Ed25519);

    public static TheoryData<string> SnapshotDamages => [.. Damages];

    [Theory]
    [MemberData(nameof(SnapshotDamages))]
    public async Task A_damaged_snapshot_is_passed_over_and_the_ledger_is_read(string damage)
    {
        var (folder, expected) = await RegistryOnDiskAsync();
        var snapshot = Path.Combine(folder, "snapshot");
        File.WriteAllBytes(snapshot, Damage(File.ReadAllBytes(snapshot), damage, folder));
        await using var registry = TestNode.Open(folder);
        Assert.Contains(registry.Log, line => line.StartsWith("The snapshot is of another version, damaged,", StringComparison.Ordinal));
        Assert.Equal(expected, Describe(registry));
    }

    // Around the head and the signature, and what no array holds.
    [Theory]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(100)]
    [InlineData(130)]
    [InlineData(131)]
    [InlineData(1L << 31)]
    public async Task A_snapshot_of_another_length_is_passed_over_and_fsck_says_so(long length)
    {
        var (folder, expected) = await RegistryOnDiskAsync();
        using (var snapshot = File.Open(Path.Combine(folder, "snapshot"), FileMode.Open))
            snapshot.SetLength(length);
        try
        {
            var findings = new List<Finding>();
            using (var store = SqliteLedgerStore.Open(folder))
                await Fsck.RunAsync(store, store, new SnapshotFile(folder), withSignatures: false, findings.Add, _ => { }, CancellationToken.None);
            Assert.StartsWith("The snapshot is damaged", Assert.Single(findings).Meaning, StringComparison.Ordinal);
            await using var registry = TestNode.Open(folder);
            Assert.Equal(expected, Describe(registry));
        }
        finally
        {
            File.Delete(Path.Combine(folder, "snapshot"));
        }
    }

    [Fact]
    public async Task A_snapshot_that_no_start_could_read_is_not_kept_and_the_log_says_so()
    {
        await using var before = await TestNode.FoundAsync();
        await before.DisposeAsync();
        var log = new List<string>();
        using var store = SqliteLedgerStore.Open(before.Folder);
        await using (RegistryNode.Open(before.Node.Settings, store, new EndlessFile(), new FileRegistryKeys(before.Folder), before.Clock, log.Add))
        {
        }
        Assert.StartsWith("No snapshot was written, so the next start reads more of the ledger: it would have", Assert.Single(log), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_whole_snapshot_is_believed()
    {
        var (folder, expected) = await RegistryOnDiskAsync();
        await using var registry = TestNode.Open(folder);
        Assert.Empty(registry.Log);
        Assert.Equal(expected, Describe(registry));
    }

    [Fact]
    public async Task An_entry_that_stands_as_it_was_written_and_cannot_be_read_is_from_a_newer_version()
    {
        await using var registry = await TestNode.FoundAsync();
        await registry.DisposeAsync();
        byte[] entry = [0xa1, 0x00, 0x18, 0x63];
        var opening = new Opening(Hash.Read(RandomNumberGenerator.GetBytes(Hash.Size)), [], []);
        using (var store = SqliteLedgerStore.Open(registry.Folder))
            store.Append(new LeafIndex(store.Size.Value), [new StoredEntry(new LeafIndex(store.Size.Value), Leaf.Encode((byte)EntryClass.Authority, [], opening.Salt.ToArray(), entry), entry, opening.Encode(), [])]);
        Assert.EndsWith("was written by a newer AgentIdentity, and this one cannot read it: start that version or a later one.", Assert.Throws<StoreRefusedException>(() => TestNode.Open(registry.Folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_ledger_whose_journal_was_lost_is_not_started()
    {
        await using var registry = await TestNode.FoundAsync();
        await registry.WhenSignedAsync();
        var copy = TestNode.NewFolder();
        foreach (var name in (string[])[SqliteLedgerStore.FileName, SnapshotFile.CheckpointName])
            File.Copy(Path.Combine(registry.Folder, name), Path.Combine(copy, name));
        // All that there is was in the journal still.
        Assert.StartsWith("The ledger is empty, and the file checkpoint beside it tells of a registry", RefusedAsDamaged(copy), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_older_ledger_that_was_put_back_is_not_started_and_its_last_checkpoint_leads_to_a_recovery()
    {
        var (folder, _) = await RegistryOnDiskAsync();
        var ledger = Path.Combine(folder, SqliteLedgerStore.FileName);
        File.Copy(ledger, ledger + ".old");
        ulong before;
        await using (var registry = TestNode.Open(folder))
        {
            before = registry.Node.State.Position;
            TestNode.Good(await registry.StopAsync(await registry.EnrollAsync()));
        }
        var kept = File.ReadAllBytes(Path.Combine(folder, SnapshotFile.CheckpointName));
        File.Move(ledger + ".old", ledger, overwrite: true);

        Assert.StartsWith($"The ledger holds {before} signed entries, and the file checkpoint beside it tells of ", RefusedAsDamaged(folder), StringComparison.Ordinal);
        using var store = SqliteLedgerStore.OpenExisting(folder);
        Assert.Equal(SeenVerdict.Larger, RestingLedger.Read(store, new SnapshotFile(folder), _ => { }).Compare(kept, out _));
        var findings = new List<Finding>();
        await Fsck.RunAsync(store, store, new SnapshotFile(folder), withSignatures: false, findings.Add, _ => { }, CancellationToken.None);
        Assert.StartsWith($"The ledger holds {before} signed entries", Assert.Single(findings).Meaning, StringComparison.Ordinal);
        File.Delete(Path.Combine(folder, SnapshotFile.CheckpointName));
        store.Dispose();
        Assert.StartsWith($"The ledger holds {before} signed entries, and the snapshot beside it tells of ", RefusedAsDamaged(folder), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("snapshot")]
    [InlineData("checkpoint")]
    [InlineData("control-journal")]
    public async Task A_folder_that_a_registry_has_left_without_its_ledger_takes_no_new_one(string left)
    {
        var (folder, _) = await RegistryOnDiskAsync();
        foreach (var file in Directory.GetFiles(folder).Where(file => Path.GetFileName(file) != left))
            File.Delete(file);
        Assert.Contains($"{SqliteLedgerStore.FileName} is missing, and {left} beside it is what a registry has left", RefusedAsDamaged(folder), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(folder, SqliteLedgerStore.FileName)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("no checkpoint")]
    public async Task A_kept_checkpoint_that_nobody_can_read_says_nothing(string note)
    {
        var (folder, expected) = await RegistryOnDiskAsync();
        File.WriteAllText(Path.Combine(folder, SnapshotFile.CheckpointName), note);
        await using var registry = TestNode.Open(folder);
        Assert.Equal(expected, Describe(registry));
    }

    private static string RefusedAsDamaged(string folder)
    {
        var refused = Assert.Throws<StoreRefusedException>(() => TestNode.Open(folder));
        Assert.True(refused.IsDamage);
        return refused.Message;
    }

    [Fact]
    public async Task The_snapshot_of_another_ledger_is_not_believed()
    {
        var (folder, expected) = await RegistryOnDiskAsync();
        var (other, _) = await RegistryOnDiskAsync();
        File.Copy(Path.Combine(other, "snapshot"), Path.Combine(folder, "snapshot"), overwrite: true);
        await using var registry = TestNode.Open(folder);
        Assert.Contains(registry.Log, line => line.Contains("of another ledger", StringComparison.Ordinal));
        Assert.Equal(expected, Describe(registry));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_snapshot_that_somebody_else_signed_lifts_no_stop_also_when_the_stored_genesis_names_their_key(bool changesGenesis)
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        TestNode.Good(await registry.StopAsync(agent));
        var genesis = registry.Store.Read(default, 1)[0].Entry;
        await registry.DisposeAsync();
        var copy = registry.Node.State.Copy();
        using (var snapshot = File.Create(Path.Combine(registry.Folder, "snapshot")))
        {
            var root = registry.Node.Checkpoints.Last!.Root;
            Recovery.SnapshotFormat.Write(snapshot, copy with { Stops = [] }, root, AnyKey.Ed25519!);
        }
        if (!changesGenesis)
        {
            await using var after = TestNode.Open(registry.Folder, registry.Clock);
            Assert.Equal(Refusal.AgentFrozen, after.Verify(agent.At(after).Use()));
            return;
        }
        LedgerFile.Change(registry.Folder, "UPDATE entries SET entry = ? WHERE idx = 0", WithLogKey(genesis, AnyKey.PublicKey));
        Assert.Throws<LedgerDamagedException>(() => TestNode.Open(registry.Folder, registry.Clock));
    }

    [Fact]
    public async Task An_old_snapshot_is_continued_from_the_ledger()
    {
        var clock = new ManualClock();
        var folder = TestNode.NewFolder();
        await using var first = await TestNode.FoundAsync(folder, clock);
        var agent = await first.EnrollAsync();
        await first.DisposeAsync();
        var old = File.ReadAllBytes(Path.Combine(folder, "snapshot"));
        await using var second = TestNode.Open(folder, clock);
        await agent.At(second).RecordAsync();
        TestNode.Good(await second.StopAsync(agent.At(second)));
        await second.DisposeAsync();
        var expected = Describe(second);
        File.WriteAllBytes(Path.Combine(folder, "snapshot"), old);

        await using var third = TestNode.Open(folder, clock);
        Assert.Empty(third.Log);
        Assert.Equal(expected, Describe(third));
        Assert.Equal(Refusal.AgentFrozen, third.Verify(agent.At(third).Use()));
    }

    [Theory]
    [InlineData("leaf")]
    [InlineData("entry")]
    [InlineData("opening")]
    [InlineData("subjects")]
    public async Task A_changed_entry_is_found_and_named(string column)
    {
        var (folder, _) = await RegistryOnDiskAsync();
        File.Delete(Path.Combine(folder, "snapshot"));
        LedgerFile.Spoil(folder, column, 3);
        Assert.Contains("ntry 3 ", Assert.Throws<LedgerDamagedException>(() => TestNode.Open(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_changed_hash_in_a_tile_is_found_and_its_entry_named()
    {
        var (folder, _) = await RegistryOnDiskAsync();
        File.Delete(Path.Combine(folder, "snapshot"));
        LedgerFile.Change(folder,
            "UPDATE tiles SET hashes = CAST(substr(hashes, 1, 64) || randomblob(32) || substr(hashes, 97) AS BLOB) WHERE level = 0 AND idx = 0");
        Assert.Contains("entry 2 ", Assert.Throws<LedgerDamagedException>(() => TestNode.Open(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_changed_hash_in_a_tile_is_found_also_behind_a_snapshot()
    {
        var (folder, _) = await RegistryOnDiskAsync();
        LedgerFile.Change(folder,
            "UPDATE tiles SET hashes = CAST(substr(hashes, 1, 64) || randomblob(32) || substr(hashes, 97) AS BLOB) WHERE level = 0 AND idx = 0");
        Assert.Throws<LedgerDamagedException>(() => TestNode.Open(folder));
    }

    [Theory]
    [InlineData("UPDATE tiles SET hashes = substr(hashes, 1, 64)")]
    [InlineData("UPDATE tiles SET hashes = substr(hashes, 1, 65)")]
    [InlineData("DELETE FROM tiles")]
    [InlineData("UPDATE checkpoint SET root = randomblob(32)")]
    [InlineData("UPDATE checkpoint SET size = size - 1")]
    [InlineData("UPDATE checkpoint SET note = replace(note, 'localhost', 'localhose')")]
    public async Task A_tree_that_is_not_the_one_that_was_signed_is_refused(string change)
    {
        var (folder, _) = await RegistryOnDiskAsync();
        LedgerFile.Change(folder, change);
        Assert.Throws<LedgerDamagedException>(() => TestNode.Open(folder));
    }

    [Fact]
    public async Task An_entry_that_was_rewritten_together_with_its_leaf_and_tile_does_not_have_the_heads_that_stand_above_it()
    {
        var folder = await RegistryOfReadsAsync();
        Rewrite(folder, 100, entry => entry with { Body = new PrivateDataRead("/x", "", 0) });
        var refused = Assert.Throws<LedgerDamagedException>(() => TestNode.Open(folder));
        Assert.EndsWith("are not those of the entries below it.", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Heads_that_were_rewritten_together_with_their_leaf_and_tile_do_not_have_the_signed_root()
    {
        var folder = await RegistryOfReadsAsync();
        using (var store = Storage.Sqlite.SqliteLedgerStore.Open(folder))
            Assert.True(store.Size.Value is > 250 and <= 256);
        Rewrite(folder, null, entry => entry with { At = entry.At + 1 });
        var refused = Assert.Throws<LedgerDamagedException>(() => TestNode.Open(folder));
        Assert.EndsWith("do not have the root that was signed.", refused.Message, StringComparison.Ordinal);
    }

    private static async Task<string> RegistryOfReadsAsync()
    {
        await using var registry = await TestNode.FoundAsync();
        await Task.WhenAll(Enumerable.Range(0, 250).Select(_ => registry.Node.Reads.RecordAsync(new Look(registry.Operator.Id, new PrivateDataRead("/x", "", 7), null))));
        await registry.DisposeAsync();
        File.Delete(Path.Combine(registry.Folder, "snapshot"));
        return registry.Folder;
    }

    // By somebody who keeps entry, leaf and the lowest tile in step. Null: the last entry.
    private static void Rewrite(string folder, ulong? index, Func<Entry, Entry> change)
    {
        StoredEntry row;
        using (var store = Storage.Sqlite.SqliteLedgerStore.Open(folder))
            row = store.Read(new LeafIndex(index ?? store.Size.Value - 1), 1)[0];
        Assert.True(Entry.TryDecode(row.Entry, out var entry));
        Assert.True(Opening.TryDecode(row.Opening, out var opening));
        Assert.True(Leaf.TryDecode(row.Leaf, out var leaf));
        var rewritten = change(entry).Encode();
        var newLeaf = Leaf.Encode(leaf.Class, leaf.Nullifiers, opening.Salt.ToArray(), rewritten);
        var at = (int)row.Index.Value * Hash.Size;
        LedgerFile.Change(folder, $"UPDATE entries SET leaf = ?, entry = ? WHERE idx = {row.Index}", newLeaf, rewritten);
        LedgerFile.Change(
            folder, $"UPDATE tiles SET hashes = CAST(substr(hashes, 1, {at}) || ? || substr(hashes, {at + Hash.Size + 1}) AS BLOB) WHERE level = 0 AND idx = 0", MerkleHash.Leaf(newLeaf).ToArray());
    }

    [Fact]
    public async Task Another_public_url_is_refused_with_what_to_do()
    {
        var (folder, _) = await RegistryOnDiskAsync();
        var refused = Assert.Throws<StoreRefusedException>(() => TestNode.Open(folder, url: "https://registry.example"));
        Assert.Equal(
            "This data folder belongs to the registry https://localhost:5000, which its DIDs name; start with --public-url https://localhost:5000, or with another --data folder.",
            refused.Message);
    }

    [Theory]
    [InlineData("credentials-*")]
    [InlineData("log-*")]
    public async Task A_missing_key_file_is_refused_with_what_to_do(string pattern)
    {
        var (folder, _) = await RegistryOnDiskAsync();
        var path = Directory.GetFiles(Path.Combine(folder, "keys"), pattern).Single();
        File.Delete(path);
        var refused = Assert.Throws<KeysRefusedException>(() => TestNode.Open(folder));
        Assert.Equal($"The key file {path}, which the ledger names, is missing; put it back from the backup of the keys, or say --keys pkcs11 and where the token is that has it.", refused.Message);
    }

    [Theory]
    [InlineData("credentials-*")]
    [InlineData("log-*")]
    [UnsupportedOSPlatform("windows")]
    public async Task A_key_file_that_others_can_read_is_refused_with_what_to_do(string pattern)
    {
        var (folder, _) = await RegistryOnDiskAsync();
        var path = Directory.GetFiles(Path.Combine(folder, "keys"), pattern).Single();
        File.SetUnixFileMode(path, (UnixFileMode)0b110_100_100);
        var refused = Assert.Throws<KeysRefusedException>(() => TestNode.Open(folder));
        Assert.Equal($"The key file {path} can be read or changed by others than its owner; run chmod 600 on it, and rotate the key if others had access.",
            refused.Message);
    }

    [Fact]
    public async Task A_registry_that_was_never_founded_keeps_its_prepared_keys_over_a_restart()
    {
        var before = TestNode.Open();
        var logKey = before.Node.Checkpoints.LogKey;
        await before.DisposeAsync();
        await using var after = await TestNode.FoundAsync(before.Folder);
        Assert.Equal(logKey, after.Node.Checkpoints.LogKey);
        await after.EnrollAsync();
    }

    private static async Task<(string Folder, string State)> RegistryOnDiskAsync()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        await agent.RecordAsync();
        TestNode.Good(await registry.StopAsync(await registry.EnrollAsync()));
        TestNode.Good(await registry.Node.Operating.RotateIssuerKeyAsync(registry.Operator));
        TestNode.Good(await registry.Node.Issuing.RenewAsync(agent.Record, agent.Credential));
        await registry.DisposeAsync();
        return (registry.Folder, Describe(registry));
    }

    private static byte[] Damage(byte[] bytes, string damage, string folder)
    {
        switch (damage)
        {
            case "first byte":
                bytes[0] ^= 1;
                return bytes;
            case "a byte inside":
                bytes[bytes.Length / 2] ^= 0x40;
                return bytes;
            case "last byte":
                bytes[^1] ^= 0x80;
                return bytes;
            case "cut short":
                return bytes[..(bytes.Length / 2)];
            case "empty":
                return [];
            case "another version":
                bytes["agentidentity snapshot\n".Length]++;
                using (var logKey = LogKey(folder))
                    return [.. bytes[..^64], .. logKey.Ed25519!.Sign([.. "air/snapshot/v1\0"u8, .. SHA256.HashData(bytes.AsSpan(..^64))])];
            default:
                throw new ArgumentOutOfRangeException(nameof(damage), damage, null);
        }
    }

    private static byte[] WithLogKey(byte[] bytes, PublicKey logKey)
    {
        Assert.True(Entry.TryDecode(bytes, out var entry));
        var genesis = (Genesis)entry.Body;
        return (entry with { Body = genesis with { Keys = [genesis.Keys[0], new RegistryKey(RegistryKeyUse.Log, logKey)] } }).Encode();
    }

    private static PrivateKey LogKey(string folder)
    {
        var file = File.ReadAllBytes(Directory.GetFiles(Path.Combine(folder, "keys"), "log-*").Single());
        return PrivateKey.TryReadKeyFile(file, "", out var key, out var problem) ? key! : throw new InvalidDataException(problem);
    }

    // All of the state, as a snapshot would hold it.
    private static string Describe(TestNode registry)
    {
        using var stream = new MemoryStream();
        var copy = registry.Node.State.Copy();
        var sorted = copy with
        {
            Tokens = [.. copy.Tokens.OrderBy(token => token.Id)],
            Callers = [.. copy.Callers.OrderBy(caller => caller.Id)],
            Subjects = [.. copy.Subjects.OrderBy(subject => subject.Id)],
        };
        Recovery.SnapshotFormat.Write(stream, sorted, default, AnyKey.Ed25519!);
        return Convert.ToHexString(stream.ToArray());
    }

    /// <summary>Takes a snapshot of any length, and keeps none.</summary>
    private sealed class EndlessFile : ISnapshotStore
    {
        public void Save(Action<Stream> write) => write(new FarAlong());

        public Stream? Open() => null;

        public void KeepCheckpoint(string note)
        {
        }

        public byte[]? KeptCheckpoint() => null;

        private sealed class FarAlong : MemoryStream
        {
            public override long Position { get => base.Position + (1L << 31); set => base.Position = value; }
        }
    }
}
