using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Node;
using AgentIdentity.Client;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Tests.Chain;

/// <summary>A server that anchors on a real chain: what the chain has is the ledger's, what operators see is the chain's, and a chain that is away holds up nobody.</summary>
public sealed class AnchoringServerTests : IAsyncLifetime
{
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
        return TestRegistry.StartAsync(["--dev", "--chain", _node.Url.ToString(), "--chain-id", "31337", "--chain-contract", _contract!, "--chain-key", _key!.Path, "--chain-block-time", "1", .. more]);
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
