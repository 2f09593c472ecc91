using System.Net;
using System.Text;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Tests;
using Grpc.Core;
using Fetch = AgentIdentity.Server.Tests.Fixtures.Http;
using Hash = AgentIdentity.Ledger.Hash;

namespace AgentIdentity.Server.Tests;

/// <summary>What callers have seen of the log is held against it, by them and by the registry, over the network and over restarts.</summary>
public sealed class SeenCheckpointTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;

    private string Data => Path.Combine(_folder, "data");

    private string LastNight => Path.Combine(_folder, "last-night");

    private string Memory => Path.Combine(_folder, "memory");

    private string Remembered => Path.Combine(Memory, "checkpoint-localhost%3A5000");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Last_nights_folder_restored_is_refused_because_a_client_presents_a_larger_checkpoint_also_after_a_restart()
    {
        await FillTwoDaysAsync();

        await using (var restored = await TestRegistry.StartInAsync(LastNight))
        {
            Assert.Equal("ready\n", await restored.GetAsync("/health/ready"));
            await AssertRolledBackAsync(restored);
            using var ready = await Fetch.RespondAsync(restored.HttpUrl + "/health/ready");
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "rolled back\n"), (ready.StatusCode, await ready.Content.ReadAsStringAsync()));
            using var unaware = restored.Connect();
            await Refused.BecauseAsync(Refusal.RolledBack, StatusCode.FailedPrecondition, unaware.Ledger.GetConsistencyAsync(new GetConsistencyRequest()));
            using var watch = unaware.Ledger.WatchCheckpoints(new WatchCheckpointsRequest());
            var refused = await Assert.ThrowsAsync<RegistryRefusedException>(() => watch.ResponseStream.MoveNext(CancellationToken.None));
            Assert.Equal("ROLLED_BACK", refused.Reason);
        }
        await using (var again = await TestRegistry.StartInAsync(LastNight))
        {
            using var ready = await Fetch.RespondAsync(again.HttpUrl + "/health/ready");
            Assert.Equal("rolled back\n", await ready.Content.ReadAsStringAsync());
        }
        await using var right = await TestRegistry.StartInAsync(Data);
        using var client = Connect(right);
        await client.Registry.ResolveDidAsync(new ResolveDidRequest { Did = "did:web:localhost%3A5000" });
    }

    [Fact]
    public async Task A_registry_with_another_log_under_the_same_name_is_not_spoken_to_and_the_evidence_is_kept()
    {
        await FillTwoDaysAsync();
        var known = await File.ReadAllTextAsync(Remembered);
        await using var refounded = await TestRegistry.StartAsync();
        await GrowAsync(refounded);
        using var client = Connect(refounded);

        var contradicted = await Assert.ThrowsAsync<CheckpointContradictedException>(() => client.Registry.BeginEnrollAsync(new BeginEnrollRequest()).ResponseAsync);

        Assert.Contains(known, await File.ReadAllTextAsync(contradicted.EvidenceFile), StringComparison.Ordinal);
        Assert.Equal(known, await File.ReadAllTextAsync(Remembered));
    }

    [Fact]
    public async Task A_receipt_is_a_tlog_proof_that_verifies_with_the_logs_key_alone()
    {
        await using var registry = await TestRegistry.StartAsync();
        var index = await GrowAsync(registry);
        using var anyone = registry.Connect();

        var answer = await anyone.Ledger.GetReceiptAsync(new GetReceiptRequest { LedgerIndex = index });

        Assert.True(TlogProof.TryParse(answer.Receipt.Span, out var receipt, out _));
        Assert.True(NoteVerifierKey.TryParse((await registry.GetAsync("/log-key")).TrimEnd('\n'), out var key, out _));
        Assert.Equal(TlogProofRefusal.None, receipt.Verify(MerkleHash.Leaf(answer.Leaf.Span), TlogPolicy.LogAlone(key), out _, out _));
        Assert.Equal(index, receipt.Index.Value);
        await Refused.BecauseAsync(Refusal.EntryUnknown, StatusCode.NotFound, anyone.Ledger.GetReceiptAsync(new GetReceiptRequest { LedgerIndex = 1_000_000 }));
    }

    [Fact]
    public async Task Whoever_watches_gets_the_newest_checkpoint_and_those_that_follow_each_going_on_from_the_one_before()
    {
        await using var registry = await TestRegistry.StartAsync();
        await GrowAsync(registry);
        using var anyone = registry.Connect();
        using var watch = anyone.Ledger.WatchCheckpoints(new WatchCheckpointsRequest());
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        var first = watch.ResponseStream.Current.Checkpoint;
        await GrowAsync(registry);
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        var second = watch.ResponseStream.Current.Checkpoint;

        var answer = await anyone.Ledger.GetConsistencyAsync(new GetConsistencyRequest { KnownCheckpoint = first });

        Assert.True(NoteVerifierKey.TryParse(answer.LogKey, out var key, out _));
        var (old, next, newest) = (Open(first, key), Open(second, key), Open(answer.Checkpoint, key));
        Assert.True(old.Size.Value < next.Size.Value && next.Size.Value <= newest.Size.Value);
        Assert.True(ConsistencyProof.Verify(old.Size, newest.Size, old.Root, newest.Root, answer.Path.Select(hash => Hash.Read(hash.Span)).ToArray()));
    }

    [Fact]
    public async Task One_address_may_not_hold_all_the_watches()
    {
        await using var registry = await TestRegistry.StartAsync();
        await GrowAsync(registry);
        using var anyone = registry.Connect();
        var watches = Enumerable.Range(0, 16).Select(_ => anyone.Ledger.WatchCheckpoints(new WatchCheckpointsRequest())).ToArray();
        foreach (var watch in watches)
            Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        using var oneMore = anyone.Ledger.WatchCheckpoints(new WatchCheckpointsRequest());

        var refused = await Assert.ThrowsAsync<RegistryRefusedException>(() => oneMore.ResponseStream.MoveNext(CancellationToken.None));

        Assert.Equal("QUOTA_EXCEEDED", refused.Reason);
        foreach (var watch in watches)
            watch.Dispose();
    }

    private async Task FillTwoDaysAsync()
    {
        await using (var day = await TestRegistry.StartInAsync(Data))
        {
            await day.FoundAsync();
            await GrowAsync(day);
        }
        Folders.Copy(Data, LastNight);
        await using (var day = await TestRegistry.StartInAsync(Data))
        {
            // Nobody is known to this instance's operator key: what grows the log is a refused call on the control listener.
            using var client = Connect(day);
            await RefusedOnControlAsync(day);
            await client.Registry.BeginEnrollAsync(new BeginEnrollRequest());
        }
        Assert.True(File.Exists(Remembered));
    }

    private static async Task RefusedOnControlAsync(TestRegistry registry)
    {
        var before = registry.Host.Registry.Checkpoints.Last!.Size;
        await Assert.ThrowsAsync<RegistryRefusedException>(() => registry.StopAgentAsync("0192f0c1-7a00-7def-8123-456789abcdef"));
        await registry.Host.Registry.Checkpoints.WhenCoversAsync(new LeafIndex(before.Value), CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
    }

    private async Task AssertRolledBackAsync(TestRegistry registry)
    {
        using var client = Connect(registry);
        var refused = await Assert.ThrowsAsync<RegistryRefusedException>(() => client.Registry.BeginEnrollAsync(new BeginEnrollRequest()).ResponseAsync);
        Assert.Equal("ROLLED_BACK", refused.Reason);
    }

    private RegistryConnection Connect(TestRegistry registry) =>
        new(new ConnectionOptions { GrpcUrl = registry.GrpcUrl, PublicUrl = registry.PublicUrl, CheckpointFolder = Memory, Deadline = TimeSpan.FromSeconds(30) });

    private static async Task<ulong> GrowAsync(TestRegistry registry)
    {
        var agent = await registry.EnrolAsync();
        using var runtime = agent.Connect();
        var statement = agent.NextStatement();
        statement.WaitFor = AckLevel.Integrated;
        return (await runtime.Ledger.RecordAsync(statement)).LedgerIndex;
    }

    private static Checkpoint Open(string note, NoteVerifierKey key)
    {
        Assert.True(Checkpoint.TryOpen(Encoding.UTF8.GetBytes(note), key, out var checkpoint, out _));
        return checkpoint;
    }
}
