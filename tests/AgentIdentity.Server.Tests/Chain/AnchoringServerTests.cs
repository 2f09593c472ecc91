using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Node;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Storage.Sqlite;
using AgentIdentity.Tests;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Tests.Chain;

/// <summary>A server that anchors on a real chain: what the chain has is the ledger's, what operators see is the chain's, and a chain that is away holds up nobody.</summary>
public sealed class AnchoringServerTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly AnvilNode _node = new();
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

    public Task DisposeAsync() => _node.DisposeAsync();

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
        _ = _node.Chain;
        var folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;
        try
        {
            var (data, backup) = (Path.Combine(folder, "data"), Path.Combine(folder, "backup"));
            RecordRequest statement;
            await using (var registry = await TestRegistry.StartInAsync(data, Flags("--chain-growth=1")))
            {
                await registry.FoundAsync();
                statement = (await registry.EnrolAsync()).NextStatement();
            }
            Folders.Copy(data, backup);
            await using (var registry = await TestRegistry.StartInAsync(data, Flags("--chain-growth=1")))
                await UntilAnchoredAsync(registry, (await RecordAsync(registry, statement)).LedgerIndex);

            var signed = LastCheckpoint(backup);
            await using (var restored = await TestRegistry.StartInAsync(backup, Flags()))
            {
                using var http = new HttpClient();
                var ready = await http.GetAsync(new Uri(restored.HttpUrl + "/health/ready"));
                Assert.Equal(503, (int)ready.StatusCode);
                Assert.StartsWith("nothing is signed: The chain has the log at size ", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);
                // What it is told is written down, and what the log's key would say of it is not said.
                var recorded = await RecordAsync(restored, statement);
                Assert.Equal((AckLevel.Sequenced, null), (recorded.Level, recorded.Promise));
                Assert.False(restored.Host.Registry.Witness.IsInService);
            }
            // An end signs what is left, unless nothing may be signed.
            Assert.Equal(signed, LastCheckpoint(backup));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [SkippableFact]
    public async Task A_chain_that_is_away_is_visible_and_holds_up_nobody()
    {
        await using var registry = await StartAsync();
        await UntilAsync(registry, Wire.AnchorState.AnchorFinal);
        await _node.StopAsync();
        await registry.AsOperator.Admin.DemandAnchorAsync(new DemandAnchorRequest());
        var down = await UntilAsync(registry, Wire.AnchorState.AnchorRpcDown);
        Assert.False(down.Healthy);
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

    private static async Task<RecordResponse> RecordAsync(TestRegistry registry, RecordRequest statement)
    {
        using var anyone = registry.Connect();
        return await anyone.Ledger.RecordAsync(statement);
    }

    private async Task UntilAnchoredAsync(TestRegistry registry, ulong index)
    {
        var anchored = registry.Host.Registry.Anchors!.WhenAnchoredAsync(new LeafIndex(index), CancellationToken.None);
        while (!anchored.IsCompleted)
        {
            await _node.MineAsync();
            await Task.WhenAny(anchored, Task.Delay(100));
        }
    }

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

    private static async Task<string> MetricsAsync(TestRegistry registry)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync(registry.ConsoleUrl + "/metrics");
    }
}
