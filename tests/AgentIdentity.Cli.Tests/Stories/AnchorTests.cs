using AgentIdentity.Anchoring.Tests.Node;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>
/// An operator deploys the contract on a real chain, starts the registry with it, and sees the ledger become final there;
/// asks for an anchor at once; and is told in one sentence what is wrong with a chain, a key or a contract that cannot be used.
/// </summary>
public sealed class AnchorTests : IAsyncLifetime
{
    private const string ChainId = "31337";

    private readonly AnvilNode _node = new();
    private readonly Agentid _alone = new();

    public Task InitializeAsync() => _node.InitializeAsync();

    public Task DisposeAsync()
    {
        _alone.Dispose();
        return _node.DisposeAsync();
    }

    [SkippableFact]
    public async Task A_contract_is_deployed_and_the_ledger_becomes_final_in_it()
    {
        _ = _node.Chain;
        var (owner, sequencer) = (await _node.NewRichKeyAsync(), await _node.NewRichKeyAsync());
        var deployed = (await DeployAsync(owner.Path, sequencer.Signer.Address.ToString())).Fine();
        var contract = deployed.Json.GetProperty("contract").GetString()!;

        await using var registry = await (await RunningRegistry.StartAsync(
            "--chain", _node.Url.ToString(), "--chain-id", ChainId, "--chain-contract", contract, "--chain-key", sequencer.Path, "--chain-block-time", "1")).FoundedAsync();
        var first = await FinalAsync(registry, beyond: 0);
        await registry.EnrolAsync("reader");
        (await registry.Agentid.RunAsync("anchor", "now")).Fine();
        Assert.True(await FinalAsync(registry, beyond: first) > first);
        Assert.Contains($"contract  {contract} on chain {ChainId}, paid by {sequencer.Signer.Address}", (await registry.Agentid.RunAsync("anchor", "status")).Fine().Output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_registry_whose_contract_is_missing_says_so_and_its_status_ends_with_1()
    {
        _ = _node.Chain;
        var key = await _node.NewRichKeyAsync();
        await using var registry = await (await RunningRegistry.StartAsync(
            "--chain", _node.Url.ToString(), "--chain-id", ChainId, "--chain-contract", key.Signer.Address.ToString(), "--chain-key", key.Path, "--chain-block-time", "1")).FoundedAsync();
        Outcome status;
        do
            status = await registry.Agentid.RunAsync("anchor", "status");
        while (status.ExitCode == ExitCode.Fine);
        Assert.Equal(ExitCode.Refused, status.ExitCode);
        Assert.Contains("state     needs operator: There is no contract at", status.Output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task What_cannot_be_deployed_is_said_and_nothing_is_sent()
    {
        _ = _node.Chain;
        var key = await _node.NewRichKeyAsync();
        var sequencer = key.Signer.Address.ToString();
        Assert.Equal(ExitCode.Usage, (await DeployAsync("/nowhere", sequencer)).ExitCode);
        Assert.Equal(ExitCode.Usage, (await DeployAsync(key.Path, "0x12")).ExitCode);
        var elsewhere = await DeployAsync(key.Path, sequencer, chainId: "1");
        Assert.Equal(ExitCode.Refused, elsewhere.ExitCode);
        Assert.Contains("chain 1 is expected", elsewhere.Output + elsewhere.Error, StringComparison.Ordinal);
        Assert.Equal(0UL, await _node.Chain.NonceAsync(key.Signer.Address, CancellationToken.None));
        await _node.StopAsync();
        Assert.Equal(ExitCode.Unreachable, (await DeployAsync(key.Path, sequencer)).ExitCode);
    }

    private Task<Outcome> DeployAsync(string key, string sequencer, string chainId = ChainId) => _alone.RunAsync(
        "anchor", "deploy", "--chain", _node.Url.ToString(), "--chain-id", chainId, "--chain-key", key, "--origin", "localhost:5000", "--sequencer", sequencer, "--json");

    /// <summary>Makes blocks until an anchor of more entries is final, and says of how many.</summary>
    private async Task<ulong> FinalAsync(RunningRegistry registry, ulong beyond)
    {
        for (var i = 0; i < 600; i++)
        {
            var status = (await registry.Agentid.RunAsync("anchor", "status", "--json")).Json;
            if (status.GetProperty("state").GetString() == "final" && status.GetProperty("anchored_entries").GetUInt64() is var entries && entries > beyond)
                return entries;
            await _node.MineAsync();
            await Task.Delay(100);
        }
        throw new TimeoutException("The anchor does not become final.");
    }
}
