using System.Text.Json;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Node;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>
/// An operator deploys the contract on a real chain, starts the registry with it, and sees the ledger become final there;
/// asks for an anchor at once; tells the contract what its owner may; and is told in one sentence what is wrong with a chain, a key or a contract that cannot be used.
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
        Outcome? status = null;
        await _node.MineUntilAsync("somebody is needed", async () => (status = await registry.Agentid.RunAsync("anchor", "status")).ExitCode != ExitCode.Fine);
        Assert.Equal(ExitCode.Refused, status!.ExitCode);
        Assert.Contains("state     needs operator: There is no contract at", status.Output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task What_was_sent_is_named_before_it_is_waited_for_and_a_node_that_falters_meanwhile_is_asked_again()
    {
        _ = _node.Chain;
        var key = await _node.NewRichKeyAsync();
        await using var faltering = await LyingNode.StartAsync(_node.Url);
        var asked = 0;
        faltering.Lie = (method, result) => method == "eth_getTransactionReceipt" && ++asked == 1 ? throw new InvalidOperationException("The node falters.") : result;

        var deployed = (await _alone.RunAsync(
            "anchor", "deploy", "--chain", $"{faltering.Url}", "--chain-id", ChainId, "--chain-key", key.Path, "--origin", "localhost:5000", "--sequencer", $"{key.Signer.Address}", "--json")).Fine();

        Assert.Equal(2UL, await _node.Chain.NonceAsync(key.Signer.Address, CancellationToken.None));
        foreach (var sent in new[] { "created_by", "contract", "opened_by" })
            Assert.Contains(deployed.Json.GetProperty(sent).GetString()!, deployed.Error, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task The_owner_names_a_sequencer_opens_a_successor_and_hands_the_contract_over_in_two_steps()
    {
        _ = _node.Chain;
        var (owner, next, sequencer) = (await _node.NewRichKeyAsync(), await _node.NewRichKeyAsync(), await _node.NewRichKeyAsync());
        var address = (await DeployAsync(owner.Path, owner.Signer.Address.ToString())).Fine().Json.GetProperty("contract").GetString()!;
        var contract = new AnchorContract(_node.Chain, Address.Parse(address));
        Task<Outcome> AskAsync(TestKey key, params string[] words) => ContractAsync(address, [.. words, "--chain-key", key.Path]);

        (await AskAsync(owner, "sequencer", "--origin", "localhost:5000", "--sequencer", $"{sequencer.Signer.Address}")).Fine();
        Assert.Equal(sequencer.Signer.Address, (await LogAsync(contract, "localhost:5000"))!.Sequencer);

        (await AskAsync(owner, "open", "--origin", "localhost:5000/2", "--sequencer", $"{sequencer.Signer.Address}", "--step-bits", "20", "--monotone")).Fine();
        Assert.Equal(new AnchoredLog(sequencer.Signer.Address, default, 20, 0, false), await LogAsync(contract, "localhost:5000/2"));
        RequireRefused("LogExists", await AskAsync(owner, "open", "--origin", "localhost:5000/2", "--sequencer", $"{sequencer.Signer.Address}"));
        RequireRefused("NoSuchLog", await AskAsync(owner, "successor", "--origin", "localhost:5000", "--successor", "localhost:5000/3"));
        (await AskAsync(owner, "successor", "--origin", "localhost:5000", "--successor", "localhost:5000/2")).Fine();
        Assert.Equal(Address.Zero, (await LogAsync(contract, "localhost:5000"))!.Sequencer);
        RequireRefused("LogClosed", await AskAsync(owner, "sequencer", "--origin", "localhost:5000", "--sequencer", $"{sequencer.Signer.Address}"));

        RequireRefused("NotPendingOwner", await AskAsync(next, "owner", "--accept"));
        RequireRefused("NotOwner", await AskAsync(next, "owner", "--offer", $"{next.Signer.Address}"));
        (await AskAsync(owner, "owner", "--offer", $"{next.Signer.Address}")).Fine();
        (await AskAsync(next, "owner", "--accept")).Fine();
        RequireRefused("NotOwner", await AskAsync(owner, "open", "--origin", "localhost:5000/3", "--sequencer", $"{sequencer.Signer.Address}"));
        (await AskAsync(next, "open", "--origin", "localhost:5000/3", "--sequencer", $"{sequencer.Signer.Address}")).Fine();
    }

    [SkippableFact]
    public async Task A_dry_run_shows_what_would_be_sent_whether_it_would_be_taken_and_sends_nothing()
    {
        _ = _node.Chain;
        var key = await _node.NewRichKeyAsync();
        var me = key.Signer.Address;
        var creation = (await DeployAsync(key.Path, $"{me}", more: "--dry-run")).Fine().Json;
        Assert.Equal((false, JsonValueKind.Null), (creation.GetProperty("sent").GetBoolean(), creation.GetProperty("to").ValueKind));
        Assert.Equal(0UL, await _node.Chain.NonceAsync(me, CancellationToken.None));

        var contract = (await DeployAsync(key.Path, $"{me}")).Fine().Json.GetProperty("contract").GetString()!;
        var offered = (await ContractAsync(contract, "owner", "--offer", $"{me}", "--dry-run", "--account", $"{me}")).Fine().Json;
        Assert.Equal("0x" + Convert.ToHexStringLower(AnchorContract.OfferOwnership(me)), offered.GetProperty("data").GetString());
        Assert.Equal((contract, $"{me}"), (offered.GetProperty("to").GetString(), offered.GetProperty("sender").GetString()));
        RequireRefused("NotPendingOwner", await ContractAsync(contract, "owner", "--accept", "--dry-run", "--chain-key", key.Path));
        RequireRefused("NotOwner", await ContractAsync(contract, "sequencer", "--origin", "localhost:5000", "--sequencer", $"{me}", "--dry-run", "--account", "0x00000000000000000000000000000000000000aa"));
        Assert.Equal(2UL, await _node.Chain.NonceAsync(me, CancellationToken.None));
    }

    [SkippableFact]
    public async Task What_makes_no_sense_to_the_contract_or_is_not_the_contract_is_said_and_nothing_is_sent()
    {
        _ = _node.Chain;
        var key = await _node.NewRichKeyAsync();
        var me = $"{key.Signer.Address}";
        async Task RequireUsageAsync(params string[] words) => Assert.Equal(ExitCode.Usage, (await ContractAsync(me, words)).ExitCode);

        await RequireUsageAsync("owner", "--chain-key", key.Path);
        await RequireUsageAsync("owner", "--chain-key", key.Path, "--accept", "--offer", me);
        await RequireUsageAsync("owner", "--accept");
        await RequireUsageAsync("owner", "--accept", "--account", me);
        await RequireUsageAsync("owner", "--accept", "--account", me, "--dry-run", "--chain-key", key.Path);
        await RequireUsageAsync("owner", "--chain-key", key.Path, "--offer", "0x12");
        await RequireUsageAsync("successor", "--chain-key", key.Path, "--origin", "localhost:5000", "--successor", "https://localhost:5000");
        var nothingThere = await ContractAsync(me, "owner", "--chain-key", key.Path, "--accept");
        Assert.Equal(ExitCode.Refused, nothingThere.ExitCode);
        Assert.Contains("There is no contract at", nothingThere.Output, StringComparison.Ordinal);
        Assert.Equal(0UL, await _node.Chain.NonceAsync(key.Signer.Address, CancellationToken.None));
    }

    [SkippableFact]
    public async Task What_cannot_be_deployed_is_said_and_nothing_is_sent()
    {
        _ = _node.Chain;
        var key = await _node.NewRichKeyAsync();
        var sequencer = key.Signer.Address.ToString();
        Assert.Equal(ExitCode.Usage, (await DeployAsync("/nowhere", sequencer)).ExitCode);
        Assert.Equal(ExitCode.Usage, (await DeployAsync(key.Path, "0x12")).ExitCode);
        foreach (var stepBits in new[] { "0", "63", "-1", "256" })
            Assert.Equal(ExitCode.Usage, (await DeployAsync(key.Path, sequencer, more: $"--step-bits={stepBits}")).ExitCode);
        foreach (var origin in new[] { "", "https://localhost:5000", "localhost:5000\n", "local host", "a+b" })
            Assert.Equal(ExitCode.Usage, (await DeployAsync(key.Path, sequencer, origin: origin)).ExitCode);
        var elsewhere = await DeployAsync(key.Path, sequencer, chainId: "1");
        Assert.Equal(ExitCode.Refused, elsewhere.ExitCode);
        Assert.Contains("chain 1 is expected", elsewhere.Output + elsewhere.Error, StringComparison.Ordinal);
        Assert.Equal(0UL, await _node.Chain.NonceAsync(key.Signer.Address, CancellationToken.None));
        await _node.StopAsync();
        Assert.Equal(ExitCode.Unreachable, (await DeployAsync(key.Path, sequencer)).ExitCode);
    }

    private Task<Outcome> DeployAsync(string key, string sequencer, string chainId = ChainId, string origin = "localhost:5000", params string[] more) => _alone.RunAsync(
        ["anchor", "deploy", "--chain", _node.Url.ToString(), "--chain-id", chainId, "--chain-key", key, "--origin", origin, "--sequencer", sequencer, "--json", .. more]);

    private Task<Outcome> ContractAsync(string contract, params string[] verb) =>
        _alone.RunAsync(["anchor", .. verb, "--chain", _node.Url.ToString(), "--chain-id", ChainId, "--chain-contract", contract, "--json"]);

    private static Task<AnchoredLog?> LogAsync(AnchorContract contract, string origin) => contract.FindLogAsync(AnchorContract.NameOf(origin), BlockTag.Latest, CancellationToken.None);

    private static void RequireRefused(string name, Outcome outcome)
    {
        Assert.Equal(ExitCode.Refused, outcome.ExitCode);
        Assert.Equal(name, outcome.Json.GetProperty("error").GetProperty("reason").GetString());
    }

    /// <summary>Makes blocks until an anchor of more entries is final, and says of how many.</summary>
    private async Task<ulong> FinalAsync(RunningRegistry registry, ulong beyond)
    {
        ulong entries = 0;
        await _node.MineUntilAsync($"an anchor of more than {beyond} entries is final", async () =>
        {
            var status = (await registry.Agentid.RunAsync("anchor", "status", "--json")).Json;
            entries = status.GetProperty("anchored_entries").GetUInt64();
            return status.GetProperty("state").GetString() == "final" && entries > beyond;
        });
        return entries;
    }
}
