using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Node;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Storage.Sqlite;
using AgentIdentity.Tests;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Tests.Chain;

/// <summary>A server that anchors on a real chain: what the chain has is the ledger's, what operators see is the chain's, and a chain that is away holds up nobody.</summary>
public sealed class AnchoringServerTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly AnvilNode _node = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;
    private string? _contract;
    private TestKey? _key;

    public async Task InitializeAsync()
    {
        await _node.InitializeAsync();
        if (!OperatingSystem.IsLinux())
            return;
        _key = await _node.NewRichKeyAsync();
        var owner = new ChainAccount(_node.Chain, (await _node.NewRichKeyAsync()).Signer, 31337, FeeLimits.Default, TimeProvider.System);
        var created = await owner.ExecuteAsync(to: null, AnchorContract.Creation(owner.Address), CancellationToken.None);
        await owner.ExecuteAsync(created.Created, AnchorContract.OpenLog(AnchorContract.NameOf("localhost:5000"), _key.Signer.Address, 20, isConsistent: true), CancellationToken.None);
        _contract = created.Created!.ToString();
    }

    public Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return _node.DisposeAsync();
    }

    [SkippableFact]
    public async Task Checkpoints_become_final_on_the_chain_on_demand_and_after_a_stop()
    {
        await using var registry = await StartAsync("--chain-after-stop");
        var first = await UntilAsync(registry, Wire.AnchorState.AnchorFinal);
        var contract = new AnchorContract(_node.Chain, Address.Parse(_contract));
        var log = AnchorContract.NameOf(registry.Host.Registry.State.Log.Origin);
        Assert.Equal(first.LastFinal.Root.ToByteArray(), (await contract.FindRootAsync(log, new TreeSize(first.LastFinal.Entries), BlockTag.Finalized, CancellationToken.None))!.Value.ToArray());

        var agent = await registry.EnrolAsync();
        await registry.StopAgentAsync(agent.Did);
        var second = await UntilAsync(registry, Wire.AnchorState.AnchorFinal, first.LastFinal.Entries);
        Assert.True(second.Healthy);

        await registry.CreateTokenAsync();
        await registry.AsOperator.Admin.DemandAnchorAsync(new DemandAnchorRequest());
        await UntilAsync(registry, Wire.AnchorState.AnchorFinal, second.LastFinal.Entries);
        Assert.Contains("agentidentity_anchor_healthy 1", await MetricsAsync(registry), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_statement_is_recorded_at_ANCHORED_and_its_receipt_has_the_anchor_that_covers_it()
    {
        await using var registry = await StartAsync("--chain-growth=1");
        var agent = await registry.EnrolAsync();
        using var anyone = registry.Connect();
        var statement = agent.NextStatement();
        statement.WaitFor = AckLevel.Anchored;
        var recording = anyone.Ledger.RecordAsync(statement, deadline: TimeProvider.System.GetUtcNow().UtcDateTime + Patience).ResponseAsync;
        while (!recording.IsCompleted)
        {
            await _node.MineAsync();
            await Task.WhenAny(recording, Task.Delay(100));
        }
        var recorded = await recording;

        var receipt = await anyone.Ledger.GetReceiptAsync(new GetReceiptRequest { LedgerIndex = recorded.LedgerIndex, MinLevel = AckLevel.Anchored });

        Assert.Equal(AckLevel.Anchored, recorded.Level);
        var logKey = registry.Host.Registry.State.Log.Verifier;
        Assert.True(TlogProof.TryParse(receipt.Receipt.Span, out var proof, out _));
        Assert.Equal(TlogProofRefusal.None, proof.Verify(MerkleHash.Leaf(receipt.Leaf.Span), TlogPolicy.LogAlone(logKey), out var signed, out _));
        Assert.True(ShownAnchor.TryRead(receipt.Anchor.Memory, out var shown, out _));
        var anchor = shown.Check(signed!.Checkpoint, logKey, out var problem);
        Assert.Equal(("", 31337UL, _contract!.ToLowerInvariant()), (problem, anchor!.ChainId, anchor.Contract));
        Assert.True(anchor.Size.Contains(new LeafIndex(recorded.LedgerIndex)));
        var claimed = new AnchoredCheckpoint(anchor.Size, anchor.Root, new ChainHash(anchor.Transaction), anchor.Block, new ChainHash(anchor.BlockHash), anchor.EventIndex);
        Assert.Equal(AnchorFinding.Confirmed, await new AnchorCheck(_node.Chain, anchor.ChainId, Address.Parse(anchor.Contract), AnchorContract.NameOf(anchor.Origin)).CheckAsync(claimed, CancellationToken.None));
    }

    [SkippableFact]
    public async Task A_receipt_at_ANCHORED_of_what_is_not_anchored_yet_is_refused_by_name()
    {
        await using var registry = await StartAsync();
        await UntilAsync(registry, Wire.AnchorState.AnchorFinal);
        await registry.EnrolAsync();
        using var anyone = registry.Connect();
        var newest = new GetReceiptRequest { LedgerIndex = registry.Host.Registry.State.Position - 1, MinLevel = AckLevel.Anchored };
        Assert.Equal(Refusal.NotIntegrated, (await Assert.ThrowsAsync<RegistryRefusedException>(() => anyone.Ledger.GetReceiptAsync(newest).ResponseAsync)).Refusal);
    }

    [SkippableFact]
    public async Task A_registry_that_was_restored_from_an_older_backup_signs_nothing_says_why_and_is_not_ready()
    {
        var (_, backup, statement) = await PutBackAsync();
        var signed = LastCheckpoint(backup);
        await using (var restored = await TestRegistry.StartInAsync(backup, Flags()))
        {
            await RequireHeldAsync(restored);
            // What it is told is written down, and what the log's key would say of it is not said.
            var recorded = await RecordAsync(restored, statement);
            Assert.Equal((AckLevel.Sequenced, null), (recorded.Level, recorded.Promise));
            Assert.False(restored.Host.Registry.Witness.IsInService);
        }
        // An end signs what is left, unless nothing may be signed.
        Assert.Equal(signed, LastCheckpoint(backup));
    }

    [SkippableFact]
    public async Task While_the_key_is_held_an_entry_that_is_anchored_has_no_receipt_of_that_level()
    {
        var (_, backup, _) = await PutBackAsync();
        await using var restored = await TestRegistry.StartInAsync(backup, Flags());
        var tree = restored.Host.Registry.PublishedLog.Newest!;
        // What is final on the chain and what this ledger leads to: it would be shown.
        restored.Host.Registry.Anchors!.Take(new AnchorNote("localhost:5000", 31337, _contract!.ToLowerInvariant(), tree.Checkpoint.Size, tree.Checkpoint.Root, default, 1, default, 0));
        using var anyone = restored.Connect();
        var anchored = anyone.Ledger.GetReceiptAsync(new GetReceiptRequest { MinLevel = AckLevel.Anchored }).ResponseAsync;
        Assert.Equal(Refusal.NotIntegrated, (await Assert.ThrowsAsync<RegistryRefusedException>(() => anchored)).Refusal);
    }

    [SkippableFact]
    public async Task What_was_found_on_the_chain_holds_the_key_after_a_restart_while_the_node_is_away_and_ends_when_the_chain_is_seen_without_it()
    {
        var (data, backup, _) = await PutBackAsync();
        var signed = LastCheckpoint(backup);
        await using (var restored = await TestRegistry.StartInAsync(backup, Flags()))
            await RequireHeldAsync(restored);
        // The whole ledger, which leads to what the chain has, with what was found of the other.
        Remember(data, Remembered(backup));
        await using (var whole = await TestRegistry.StartInAsync(data, Flags()))
        {
            using var http = new HttpClient();
            Assert.Equal("ready\n", await http.GetStringAsync(whole.HttpUrl + "/health/ready"));
        }
        Assert.Empty(Remembered(data));

        await _node.StopAsync();
        await using (var restored = await TestRegistry.StartInAsync(backup, Flags()))
        {
            await RequireHeldAsync(restored);
            Assert.Contains("agentidentity_anchor_healthy 0", await MetricsAsync(restored), StringComparison.Ordinal);
        }
        Assert.Equal(signed, LastCheckpoint(backup));
    }

    [SkippableFact]
    public async Task A_chain_that_is_away_is_visible_and_holds_up_nobody()
    {
        await using var registry = await StartAsync();
        await UntilAsync(registry, Wire.AnchorState.AnchorFinal);
        await UntilHealthAsync(registry, HealthCheckResponse.Types.ServingStatus.Serving);
        await _node.StopAsync();
        await registry.AsOperator.Admin.DemandAnchorAsync(new DemandAnchorRequest());
        var down = await UntilAsync(registry, Wire.AnchorState.AnchorRpcDown);
        Assert.False(down.Healthy);
        await UntilHealthAsync(registry, HealthCheckResponse.Types.ServingStatus.NotServing);
        Assert.Contains("agentidentity_anchor_healthy 0", await MetricsAsync(registry), StringComparison.Ordinal);
        await registry.EnrolAsync();
        using var http = new HttpClient();
        Assert.Equal("ready\n", await http.GetStringAsync(registry.HttpUrl + "/health/ready"));
    }

    [Fact]
    public async Task A_server_without_a_chain_says_so()
    {
        await using var registry = await TestRegistry.StartAsync("--dev");
        var refused = await Assert.ThrowsAsync<RegistryRefusedException>(() => registry.AsOperator.Admin.GetAnchorStatusAsync(new GetAnchorStatusRequest()).ResponseAsync);
        Assert.Contains("LEVEL_NOT_CONFIGURED", refused.Message, StringComparison.Ordinal);
    }

    private Task<TestRegistry> StartAsync(params string[] more)
    {
        _ = _node.Chain;
        return TestRegistry.StartAsync(Flags(more));
    }

    private string[] Flags(params string[] more) =>
        ["--dev", "--chain", _node.Url.ToString(), "--chain-id", "31337", "--chain-contract", _contract!, "--chain-key", _key!.Path, "--chain-block-time", "1", .. more];

    /// <summary>A registry whose ledger is anchored, and a copy of its folder from before the last entry.</summary>
    private async Task<(string Data, string Backup, RecordRequest Statement)> PutBackAsync()
    {
        _ = _node.Chain;
        var (data, backup) = (Path.Combine(_folder, "data"), Path.Combine(_folder, "backup"));
        RecordRequest statement;
        await using (var registry = await TestRegistry.StartInAsync(data, Flags("--chain-growth=1")))
        {
            await registry.FoundAsync();
            statement = (await registry.EnrolAsync()).NextStatement();
        }
        Folders.Copy(data, backup);
        await using (var registry = await TestRegistry.StartInAsync(data, Flags("--chain-growth=1")))
            await UntilAnchoredAsync(registry, (await RecordAsync(registry, statement)).LedgerIndex);
        return (data, backup, statement);
    }

    private static async Task RequireHeldAsync(TestRegistry registry)
    {
        using var http = new HttpClient();
        var ready = await http.GetAsync(new Uri(registry.HttpUrl + "/health/ready"));
        Assert.Equal(503, (int)ready.StatusCode);
        Assert.StartsWith("nothing is signed: The chain has the log at size ", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static byte[] Remembered(string folder)
    {
        using var store = SqliteLedgerStore.Open(folder);
        return store.ReadDocument("chain-contradiction")!.Content.ToArray();
    }

    private static void Remember(string folder, byte[] content)
    {
        using var store = SqliteLedgerStore.Open(folder);
        Assert.True(store.TryWriteDocument("chain-contradiction", 0, content));
    }

    private static async Task<RecordResponse> RecordAsync(TestRegistry registry, RecordRequest statement)
    {
        using var anyone = registry.Connect();
        return await anyone.Ledger.RecordAsync(statement);
    }

    private Task UntilAnchoredAsync(TestRegistry registry, ulong index) => _node.MineUntilAsync(
        $"an anchor that is final covers entry {index}", () => Task.FromResult(registry.Host.Registry.Anchors!.Newest?.Size.Contains(new LeafIndex(index)) ?? false));

    private static TreeSize LastCheckpoint(string folder)
    {
        using var store = SqliteLedgerStore.Open(folder);
        return store.LastCheckpoint!.Size;
    }

    /// <summary>Makes blocks until a state is reached; of an anchor of more entries than these.</summary>
    private async Task<GetAnchorStatusResponse> UntilAsync(TestRegistry registry, Wire.AnchorState state, ulong moreThan = 0)
    {
        for (var i = 0; i < 600; i++)
        {
            var status = await registry.AsOperator.Admin.GetAnchorStatusAsync(new GetAnchorStatusRequest());
            if (status.State == state && status.AnchoredEntries > moreThan)
                return status;
            if (state == Wire.AnchorState.AnchorFinal)
                await _node.MineAsync();
            await Task.Delay(100);
        }
        throw new TimeoutException($"{state} is not reached; anchoring is at {await registry.AsOperator.Admin.GetAnchorStatusAsync(new GetAnchorStatusRequest())}.");
    }

    /// <summary>What grpc.health.v1 tells those who watch anchoring.</summary>
    private static async Task UntilHealthAsync(TestRegistry registry, HealthCheckResponse.Types.ServingStatus wanted)
    {
        using var channel = GrpcChannel.ForAddress($"http://{registry.Host.Bound.Grpc}");
        using var patience = new CancellationTokenSource(Patience);
        using var watch = new Health.HealthClient(channel).Watch(new HealthCheckRequest { Service = HealthService.Anchoring }, cancellationToken: patience.Token);
        await foreach (var said in watch.ResponseStream.ReadAllAsync(patience.Token))
        {
            if (said.Status == wanted)
                return;
        }
        Assert.Fail($"The watch ended before anchoring was {wanted}.");
    }

    private static async Task<string> MetricsAsync(TestRegistry registry)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync(registry.ConsoleUrl + "/metrics");
    }
}
