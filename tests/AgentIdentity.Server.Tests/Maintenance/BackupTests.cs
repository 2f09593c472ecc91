using AgentIdentity.Credentials.Entries;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Recovery;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Server.Tests.Maintenance;

/// <summary>A backup of a server that goes on serving, and what becomes of it: restored, or refused because the log would fork.</summary>
public sealed class BackupTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;

    private string Data => Path.Combine(_folder, "data");

    private string Backup => Path.Combine(_folder, "backup");

    private string Restored => Path.Combine(_folder, "restored");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_backup_is_taken_beside_writes_and_starts_as_a_registry_that_knows_what_was_acknowledged_before()
    {
        TestAgent agent;
        var before = 0UL;
        await using (var registry = await FoundAsync())
        {
            agent = await registry.EnrolAsync();
            using var connection = agent.Connect();
            before = (await connection.Ledger.RecordAsync(agent.NextStatement())).LedgerIndex;
            using var stop = new CancellationTokenSource();
            var writes = WriteAsync(agent, stop.Token);
            (await VerbProcess.RunAsync("backup", "--data", Data, "--to", Backup)).RequireDone();
            await stop.CancelAsync();
            Assert.True(await writes > 0, "nothing was written beside the backup");
        }
        (await VerbProcess.RunAsync("fsck", "--data", Backup, "--signatures")).RequireDone();
        (await VerbProcess.RunAsync("restore", "--from", Backup, "--data", Restored, "--nothing-newer")).RequireDone();
        await using var restored = await TestRegistry.StartInAsync(Restored);
        Assert.True(restored.Host.Registry.State.Position > before);
        Assert.NotNull(restored.Host.Registry.State.FindAgent(agent.Enrolled.AgentId));
    }

    [Fact]
    public async Task A_folder_whose_process_died_is_backed_up_with_what_only_its_journal_holds()
    {
        var died = Path.Combine(_folder, "died");
        ulong position;
        await using (var registry = await FoundAsync())
        {
            await registry.EnrolAsync();
            // The files as they lie on the disk while the process holds more in its journal than in the database.
            foreach (var file in (string[])["ledger.db", "ledger.db-wal"])
                CopyShared(Path.Combine(Data, file), Path.Combine(died, file));
            foreach (var file in Directory.GetFiles(Path.Combine(Data, "keys")))
                CopyShared(file, Path.Combine(died, "keys", Path.GetFileName(file)));
            position = registry.Host.Registry.State.FindAgent(registry.Host.Registry.State.AgentsFrom(0).Single().Id)!.EnrolledIndex.Value;
        }
        (await VerbProcess.RunAsync("backup", "--data", died, "--to", Backup)).RequireDone();
        using var store = SqliteLedgerStore.OpenExisting(Backup);
        Assert.True(store.Size.Value > position);
    }

    [SkippableFact]
    public async Task What_a_backup_holds_is_for_its_owner_alone()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows has no file modes.");
        await using (await FoundAsync())
            (await VerbProcess.RunAsync("backup", "--data", Data, "--to", Backup)).RequireDone();
        var files = Directory.EnumerateFiles(Backup, "*", SearchOption.AllDirectories).ToArray();
        Assert.Contains(files, file => file.Contains("keys", StringComparison.Ordinal));
        foreach (var file in files)
        {
            if (!OperatingSystem.IsWindows())
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }
    }

    [Fact]
    public async Task Neither_backup_nor_restore_writes_over_anything()
    {
        await using (await FoundAsync())
            (await VerbProcess.RunAsync("backup", "--data", Data, "--to", Backup)).RequireDone();
        (await VerbProcess.RunAsync("backup", "--data", Data, "--to", Backup)).RequireRefused(4, "is not empty");
        (await VerbProcess.RunAsync("restore", "--from", Backup, "--data", Data, "--nothing-newer")).RequireRefused(4, "is not empty");
        (await VerbProcess.RunAsync("backup", "--data", Restored, "--to", Path.Combine(_folder, "other"))).RequireRefused(4, "There is no registry");
    }

    [Fact]
    public async Task A_backup_that_is_refused_leaves_no_keys_behind()
    {
        await using (await TestRegistry.StartInAsync(Data))
        {
        }
        (await VerbProcess.RunAsync("backup", "--data", Data, "--to", Backup)).RequireRefused(4, "has signed no checkpoint yet");
        Assert.Empty(Directory.GetFileSystemEntries(Backup));
    }

    [Fact]
    public async Task A_restore_that_was_ended_in_the_middle_is_named_with_what_to_do()
    {
        await using (await FoundAsync())
            (await VerbProcess.RunAsync("backup", "--data", Data, "--to", Backup)).RequireDone();
        Directory.CreateDirectory(Restored + ".restoring/keys");
        (await VerbProcess.RunAsync("restore", "--from", Backup, "--data", Restored, "--nothing-newer")).RequireRefused(4, $"{Restored}.restoring is there, of one that still runs or was ended in the middle");
        Directory.CreateDirectory(Restored + ".recovering/keys");
        (await VerbProcess.RunAsync("recover", "--from", Backup, "--data", Restored, "--seen", "any")).RequireRefused(4, $"{Restored}.recovering is there, of one that still runs or was ended in the middle");
    }

    [Fact]
    public async Task A_restore_without_a_word_on_what_was_seen_is_refused()
    {
        await using (await FoundAsync())
            (await VerbProcess.RunAsync("backup", "--data", Data, "--to", Backup)).RequireDone();
        (await VerbProcess.RunAsync("restore", "--from", Backup, "--data", Restored)).RequireRefused(4, "signs a second history");
        Assert.False(Directory.Exists(Restored));
    }

    [Fact]
    public async Task A_restore_holds_the_backup_against_the_checkpoint_that_was_seen()
    {
        var (seen, elsewhere) = (Path.Combine(_folder, "seen"), Path.Combine(_folder, "elsewhere"));
        await using (var registry = await FoundAsync())
        {
            (await VerbProcess.RunAsync("backup", "--data", Data, "--to", Backup)).RequireDone();
            await registry.EnrolAsync();
        }
        await File.WriteAllTextAsync(seen, LastCheckpoint(Backup));
        (await VerbProcess.RunAsync("restore", "--from", Backup, "--data", Restored, "--seen", seen)).RequireDone();

        await File.WriteAllTextAsync(seen, LastCheckpoint(Data));
        (await VerbProcess.RunAsync("restore", "--from", Backup, "--data", elsewhere, "--seen", seen)).RequireRefused(4, "entries are lost");
        await File.WriteAllTextAsync(seen, "localhost:5000\n");
        (await VerbProcess.RunAsync("restore", "--from", Backup, "--data", elsewhere, "--seen", seen)).RequireRefused(4, "is no checkpoint");
        Assert.False(Directory.Exists(elsewhere));
        Assert.False(Directory.Exists(elsewhere + ".restoring"));
    }

    [Fact]
    public async Task A_checkpoint_of_another_history_under_the_same_key_is_told_from_a_newer_one()
    {
        var seen = Path.Combine(_folder, "seen");
        await using (await FoundAsync())
            (await VerbProcess.RunAsync("backup", "--data", Data, "--to", Backup)).RequireDone();
        // Two registries go on from one backup: what the first signs is what the second must not contradict.
        (await VerbProcess.RunAsync("restore", "--from", Backup, "--data", Restored, "--nothing-newer")).RequireDone();
        await using (var fork = await TestRegistry.StartInAsync(Restored))
            await fork.Host.Registry.Reads.RecordAsync(new Look(fork.Host.Registry.State.Founding!.RegistryId, new PrivateDataRead("/a/b", "one history", 1), null));
        await File.WriteAllTextAsync(seen, LastCheckpoint(Restored));
        await using (var registry = await TestRegistry.StartInAsync(Data))
        {
            await registry.Host.Registry.Reads.RecordAsync(new Look(registry.Host.Registry.State.Founding!.RegistryId, new PrivateDataRead("/a/b", "another history", 1), null));
            await registry.Host.Registry.Reads.RecordAsync(new Look(registry.Host.Registry.State.Founding!.RegistryId, new PrivateDataRead("/a/b", "another history", 1), null));
        }
        Directory.Delete(Backup, recursive: true);
        (await VerbProcess.RunAsync("backup", "--data", Data, "--to", Backup)).RequireDone();
        (await VerbProcess.RunAsync("restore", "--from", Backup, "--data", Path.Combine(_folder, "other"), "--seen", seen)).RequireRefused(4, "another history");
    }

    [Fact]
    public async Task Fsck_refuses_a_folder_in_use_and_tells_that_from_a_finding()
    {
        await using (await FoundAsync())
            (await VerbProcess.RunAsync("fsck", "--data", Data)).RequireRefused(4, "in use by another process");
        (await VerbProcess.RunAsync("fsck", "--data", Data)).RequireDone();
        var snapshot = Path.Combine(Data, "snapshot");
        var bytes = await File.ReadAllBytesAsync(snapshot);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(snapshot, bytes);
        var found = await VerbProcess.RunAsync("fsck", "--data", Data);
        Assert.Equal(1, found.ExitCode);
        Assert.StartsWith("The snapshot is damaged", Assert.Single(found.Output.TrimEnd().Split('\n')), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "There is no verb fsk", "fsk")]
    [InlineData(2, "fsck has no option --sign", "fsck", "--sign")]
    [InlineData(2, "--data needs a value", "fsck", "--data")]
    [InlineData(2, "--to is missing", "backup", "--data", "/nowhere")]
    [InlineData(4, "There is no registry in /nowhere", "fsck", "--data", "/nowhere")]
    public async Task What_a_verb_cannot_do_is_one_sentence_on_standard_error(int exitCode, string sentence, params string[] arguments) =>
        (await VerbProcess.RunAsync(arguments)).RequireRefused(exitCode, sentence);

    private async Task<TestRegistry> FoundAsync()
    {
        var registry = await TestRegistry.StartInAsync(Data);
        await registry.FoundAsync();
        await registry.Host.Registry.Checkpoints.WhenCoversAsync(default, CancellationToken.None);
        return registry;
    }

    private static async Task<int> WriteAsync(TestAgent agent, CancellationToken stop)
    {
        using var connection = agent.Connect();
        var written = 0;
        for (; !stop.IsCancellationRequested; written++)
            await connection.Ledger.RecordAsync(agent.NextStatement(), cancellationToken: CancellationToken.None);
        return written;
    }

    private static void CopyShared(string from, string to)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(to)!);
        using var source = new FileStream(from, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var target = File.Create(to);
        source.CopyTo(target);
    }

    private static string LastCheckpoint(string folder)
    {
        using var store = SqliteLedgerStore.OpenExisting(folder);
        return RestingLedger.Read(store, new SnapshotFile(folder), _ => { }).Signed.Note;
    }
}
