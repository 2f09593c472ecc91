using System.Text;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Server.Tests.Fixtures;
using Grpc.Core;
using Fetch = AgentIdentity.Server.Tests.Fixtures.Http;

namespace AgentIdentity.Server.Tests.Maintenance;

/// <summary>The verbs that open a successor log, and what a registry serves and takes afterwards.</summary>
public sealed class SuccessionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;

    private string Data => Path.Combine(_folder, "data");

    private string Backup => Path.Combine(_folder, "backup");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task After_a_rotation_both_logs_are_served_and_a_consistency_proof_from_their_tiles_links_them()
    {
        var (agent, oldKey) = await LiveAsync();
        var before = LastSize(Data);
        var rotated = await VerbProcess.RunAsync("rotate-log-key", "--data", Data);
        rotated.RequireDone();
        Assert.Contains("localhost:5000/2 goes on from entry", rotated.Output, StringComparison.Ordinal);

        await using var registry = await TestRegistry.StartInAsync(Data);
        Assert.Equal(oldKey, await TextAsync(registry, "log-key"));
        var (old, now) = (await CheckpointAsync(registry, ""), await CheckpointAsync(registry, "2/"));
        Assert.Equal(("localhost:5000", before), (old.Origin, old.Size));
        Assert.Equal("localhost:5000/2", now.Origin);
        var leaves = Hash.ReadMany(await BytesAsync(registry, "2/" + Tile.Path(default, (int)now.Size.Value))).ToArray();
        Assert.Equal((old.Root, now.Root), (MerkleHash.Root(leaves.AsSpan(0, (int)old.Size.Value)), MerkleHash.Root(leaves)));
        // The log before ends where it was succeeded.
        await BytesAsync(registry, Tile.Path(default, (int)old.Size.Value));
        using var beyond = await Fetch.RespondAsync($"{registry.HttpUrl}/{Tile.Path(default, (int)old.Size.Value + 1)}");
        Assert.Equal(System.Net.HttpStatusCode.NotFound, beyond.StatusCode);
        using var unknown = await Fetch.RespondAsync($"{registry.HttpUrl}/3/checkpoint");
        Assert.Equal(System.Net.HttpStatusCode.NotFound, unknown.StatusCode);

        using var connection = registry.Connect(agent.Key);
        await Refused.BecauseAsync(Refusal.WrongOrigin, StatusCode.InvalidArgument, connection.Ledger.RecordAsync(agent.NextStatement()));
    }

    [Fact]
    public async Task An_agent_goes_on_recording_in_the_log_that_goes_on()
    {
        var (agent, _) = await LiveAsync();
        var (state, salts) = (Path.Combine(_folder, "chain"), Path.Combine(_folder, "salts"));
        await RecordAsync(agent, state, salts);
        (await VerbProcess.RunAsync("rotate-log-key", "--data", Data)).RequireDone();
        await RecordAsync(agent, state, salts);
        (await VerbProcess.RunAsync("fsck", "--data", Data, "--signatures")).RequireDone();
    }

    [Fact]
    public async Task A_client_that_remembers_the_log_follows_two_rotations_and_the_checkpoint_of_the_first_names_the_second()
    {
        await LiveAsync();
        await SpeakAsync();
        Assert.StartsWith("localhost:5000+", await File.ReadAllTextAsync(Remembered), StringComparison.Ordinal);
        (await VerbProcess.RunAsync("rotate-log-key", "--data", Data)).RequireDone();
        (await VerbProcess.RunAsync("rotate-log-key", "--data", Data)).RequireDone();

        await SpeakAsync();

        Assert.StartsWith("localhost:5000/3+", await File.ReadAllTextAsync(Remembered), StringComparison.Ordinal);
        await using var registry = await TestRegistry.StartInAsync(Data);
        Assert.Contains((await TextAsync(registry, "2/log-key")).TrimEnd(), await TextAsync(registry, "checkpoint"), StringComparison.Ordinal);
        Assert.Contains((await TextAsync(registry, "3/log-key")).TrimEnd(), await TextAsync(registry, "2/checkpoint"), StringComparison.Ordinal);
        Assert.DoesNotContain("successor", await TextAsync(registry, "3/checkpoint"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_does_not_follow_a_recovery_and_is_told_whom_to_ask()
    {
        await LiveAsync();
        (await VerbProcess.RunAsync("backup", "--data", Data, "--to", Backup)).RequireDone();
        // What is seen then is behind the backup.
        await using (var lost = await TestRegistry.StartInAsync(Data))
        {
            var held = lost.Host.Registry.Checkpoints.Last!.Size;
            await Assert.ThrowsAsync<RegistryRefusedException>(() => lost.StopAgentAsync("0192f0c1-7a00-7def-8123-456789abcdef"));
            await lost.Host.Registry.Checkpoints.WhenCoversAsync(new LeafIndex(held.Value), CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        }
        await SpeakAsync();
        var known = await File.ReadAllTextAsync(Remembered);
        var seen = Path.Combine(_folder, "seen");
        await File.WriteAllTextAsync(seen, known[(known.IndexOf('\n', StringComparison.Ordinal) + 1)..]);
        Directory.Delete(Data, recursive: true);
        (await VerbProcess.RunAsync("recover", "--from", Backup, "--data", Data, "--seen", seen, "--yes")).RequireDone();

        var refused = await Assert.ThrowsAsync<CheckpointContradictedException>(SpeakAsync);

        Assert.Contains("Ask the operators", refused.Message, StringComparison.Ordinal);
        Assert.Equal(known, await File.ReadAllTextAsync(Remembered));
    }

    private string Remembered => Path.Combine(_folder, "memory", "checkpoint-localhost%3A5000");

    private async Task SpeakAsync()
    {
        await using var registry = await TestRegistry.StartInAsync(Data);
        using var client = new RegistryConnection(new ConnectionOptions { GrpcUrl = registry.GrpcUrl, PublicUrl = registry.PublicUrl, CheckpointFolder = Path.Combine(_folder, "memory"), Deadline = TimeSpan.FromSeconds(30) });
        await client.Registry.BeginEnrollAsync(new Protocol.V1.BeginEnrollRequest());
    }

    [Fact]
    public async Task A_recovery_shows_what_is_lost_and_changes_nothing_before_it_is_told_to_go_on()
    {
        var (agent, _) = await LiveAsync();
        (await VerbProcess.RunAsync("backup", "--data", Data, "--to", Backup)).RequireDone();
        var (seen, trail) = (Path.Combine(_folder, "seen"), Path.Combine(_folder, "trail"));
        await using (var lost = await TestRegistry.StartInAsync(Data))
        {
            await lost.Host.Registry.Stopping.StopAsync(
                lost.Host.Registry.State.Callers.First(), new StopWish(Scope.Agent(agent.Enrolled.AgentId), StandingState.Frozen, "reads what it should not", ""));
            await lost.Host.Registry.Checkpoints.WhenCoversAsync(new LeafIndex(lost.Host.Registry.State.Position - 1), CancellationToken.None);
            await File.WriteAllTextAsync(seen, lost.Host.Registry.Checkpoints.Last!.Note);
            var export = await lost.Host.Registry.TrailExports.BeginAsync(agent.Enrolled.AgentId, 0, ulong.MaxValue, CancellationToken.None);
            await File.WriteAllBytesAsync(trail, [.. export.Value.Items().SelectMany(item => item)]);
        }
        Directory.Delete(Data, recursive: true);

        var plan = await VerbProcess.RunAsync("recover", "--from", Backup, "--data", Data, "--seen", seen, "--stops", trail);
        Assert.Equal(4, plan.ExitCode);
        Assert.Contains("are lost", plan.Output, StringComparison.Ordinal);
        Assert.Contains("will be frozen again", plan.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Data));
        (await VerbProcess.RunAsync("recover", "--from", Backup, "--data", Data, "--seen", seen, "--stops", trail, "--yes")).RequireDone();

        (await VerbProcess.RunAsync("fsck", "--data", Data)).RequireDone();
        await using var registry = await TestRegistry.StartInAsync(Data);
        Assert.Equal(StandingState.Frozen, registry.Host.Registry.State.StandingOf(registry.Host.Registry.State.FindAgent(agent.Enrolled.AgentId)!));
        Assert.Equal("localhost:5000/2", (await CheckpointAsync(registry, "2/")).Origin);
    }

    [Fact]
    public async Task A_recovery_that_loses_nothing_or_names_a_foreign_checkpoint_is_refused()
    {
        await LiveAsync();
        var seen = Path.Combine(_folder, "seen");
        await using (var registry = await TestRegistry.StartInAsync(Data))
            await File.WriteAllTextAsync(seen, registry.Host.Registry.Checkpoints.Last!.Note);
        var nothing = await VerbProcess.RunAsync("recover", "--data", Data, "--seen", seen, "--yes");
        Assert.Equal(4, nothing.ExitCode);
        Assert.Contains("nothing has to be recovered", nothing.Errors, StringComparison.Ordinal);
        await File.WriteAllTextAsync(seen, "someone.example\n1\nAAAA\n");
        Assert.Contains("is no checkpoint", (await VerbProcess.RunAsync("recover", "--data", Data, "--seen", seen, "--yes")).Errors, StringComparison.Ordinal);
        (await VerbProcess.RunAsync("recover", "--data", Data, "--yes")).RequireRefused(2, "--seen is missing");
        await using var untouched = await TestRegistry.StartInAsync(Data);
        Assert.Equal("localhost:5000", untouched.Host.Registry.State.Logs.Single().Origin);
    }

    private async Task RecordAsync(TestAgent agent, string state, string salts)
    {
        await using var registry = await TestRegistry.StartInAsync(Data);
        using var connection = registry.Connect(agent.Key);
        using var recorder = new ActivityRecorder(connection, agent.Enrolled.State, agent.Key, state, salts);
        var first = await recorder.RecordAsync(["first"u8.ToArray()]);
        Assert.Equal(first.Sequence + 1, (await recorder.RecordAsync(["second"u8.ToArray()])).Sequence);
    }

    // A founded registry with one agent and what it did, stopped in order.
    private async Task<(TestAgent Agent, string LogKey)> LiveAsync()
    {
        await using var registry = await TestRegistry.StartInAsync(Data);
        await registry.FoundAsync();
        var agent = await registry.EnrolAsync();
        using var connection = agent.Connect();
        await connection.Ledger.RecordAsync(agent.NextStatement());
        return (agent, await TextAsync(registry, "log-key"));
    }

    private static TreeSize LastSize(string folder)
    {
        using var store = Storage.Sqlite.SqliteLedgerStore.OpenExisting(folder);
        return store.LastCheckpoint!.Size;
    }

    private static async Task<string> TextAsync(TestRegistry registry, string path) => Encoding.UTF8.GetString(await BytesAsync(registry, path));

    private static async Task<byte[]> BytesAsync(TestRegistry registry, string path)
    {
        using var response = await Fetch.RespondAsync($"{registry.HttpUrl}/{path}");
        Assert.Equal(System.Net.HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsByteArrayAsync();
    }

    private static async Task<Checkpoint> CheckpointAsync(TestRegistry registry, string prefix)
    {
        Assert.True(NoteVerifierKey.TryParse((await TextAsync(registry, prefix + "log-key")).TrimEnd('\n'), out var key, out _));
        Assert.True(Checkpoint.TryOpen(Encoding.UTF8.GetBytes(await TextAsync(registry, prefix + "checkpoint")), key, out var checkpoint, out _));
        return checkpoint;
    }
}
