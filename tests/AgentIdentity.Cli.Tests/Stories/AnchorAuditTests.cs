using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Anchoring.Tests.Node;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>
/// An auditor has a trail of a registry that anchors: offline it says that it is anchored and that nobody was asked; with nodes of the auditor's choice it says that the chain has it,
/// or which of them says otherwise.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class AnchorAuditTests : IAsyncLifetime
{
    private const string ChainId = "31337";

    private readonly AnvilNode _node = new();
    private readonly Agentid _alone = new();
    private readonly TemporaryFolder _elsewhere = new();
    private TestKey? _sequencer;

    private string TrailFile => Path.Combine(_elsewhere.Path, "reader.trail");

    public Task InitializeAsync() => _node.InitializeAsync();

    public Task DisposeAsync()
    {
        _alone.Dispose();
        _elsewhere.Dispose();
        return _node.DisposeAsync();
    }

    [SkippableFact]
    public async Task A_trail_is_audited_offline_and_with_nodes_of_the_auditors_choice_and_each_lie_is_named()
    {
        var contract = await DeployAsync();
        await using var registry = await StartAsync(contract);
        await registry.EnrolAsync("reader");
        await UntilAnchoredAsync(registry);
        (await registry.Agentid.RunAsync("trail", "reader", "--out", TrailFile)).Fine();
        var logKey = (await registry.Agentid.RunAsync("prove", "0", "--json")).Fine().Json.GetProperty("log_key").GetString()!;

        var offline = (await AuditAsync(logKey)).Fine().Output;
        Assert.Contains("anchored, not asked of the chain: the first ", offline, StringComparison.Ordinal);
        Assert.Contains("not checked: that the chain has the anchor", offline, StringComparison.Ordinal);

        await using var second = await LyingNode.StartAsync(_node.Url);
        var (one, two) = (_node.Url.ToString(), second.Url.ToString());
        var asked = (await AuditAsync(logKey, "--rpc", one)).Fine().Output;
        Assert.Contains($"on the chain, final, asked of {one}: ", asked, StringComparison.Ordinal);
        Assert.DoesNotContain("not asked of the chain", asked, StringComparison.Ordinal);
        // What comes behind the host is often a key that somebody pays for, and verdicts are handed around.
        Assert.Contains($"on the chain, final, asked of {two}: ", (await AuditAsync(logKey, "--rpc", $"{two}v3/a-key")).Fine().Output, StringComparison.Ordinal);
        Assert.Contains($"on the chain, final, asked of {one} and {two}: ", (await AuditAsync(logKey, "--rpc", one, "--rpc", two)).Fine().Output, StringComparison.Ordinal);

        foreach (var (method, lie, name) in Lies())
        {
            second.Lie = (called, result) => called == method ? lie(result) : result;
            var alone = await AuditAsync(logKey, "--rpc", two);
            Assert.Equal(ExitCode.Refused, alone.ExitCode);
            Assert.Contains($"not confirmed by the chain: {two} says {name}", alone.Output, StringComparison.Ordinal);
            var both = await AuditAsync(logKey, "--rpc", one, "--rpc", two);
            Assert.Equal(ExitCode.Refused, both.ExitCode);
            Assert.Contains($"the nodes disagree: {one} says Confirmed: it is there and final; {two} says {name}", both.Output, StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public async Task An_entry_is_proven_by_the_chain_and_a_node_that_is_away_proves_nothing()
    {
        var contract = await DeployAsync();
        await using var registry = await StartAsync(contract);
        await UntilAnchoredAsync(registry);
        var agentid = registry.Agentid;

        Assert.Contains("not asked of the chain", (await agentid.RunAsync("prove", "0", "--anchored")).Fine().Output, StringComparison.Ordinal);
        var asked = (await agentid.RunAsync("prove", "0", "--rpc", _node.Url.ToString(), "--json")).Fine().Json.GetProperty("anchor");
        Assert.Equal((true, contract.ToLowerInvariant()), (asked.GetProperty("confirmed").GetBoolean(), asked.GetProperty("contract").GetString()));
        Assert.Equal(ExitCode.Usage, (await agentid.RunAsync("prove", "0", "--rpc", "nowhere")).ExitCode);
        var (kept, logKey) = (Path.Combine(_elsewhere.Path, "entry-0"), await KeepAsync(agentid));

        var node = _node.Url.ToString();
        await _node.StopAsync();
        var away = await agentid.RunAsync("prove", "0", "--rpc", node);
        Assert.Equal(ExitCode.Refused, away.ExitCode);
        Assert.Contains("not all that were asked have answered", away.Output, StringComparison.Ordinal);

        // Elsewhere, and with nobody to ask: what is written in the files is as good as it was.
        var alone = (await _alone.RunAsync("receipt", kept, "--log-key", logKey, "--json")).Fine().Json;
        Assert.Equal(("proven", contract.ToLowerInvariant()), (alone.GetProperty("verdict").GetString(), alone.GetProperty("anchor").GetProperty("contract").GetString()));
        Assert.Equal(ExitCode.Refused, (await _alone.RunAsync("receipt", kept, "--log-key", logKey, "--rpc", node)).ExitCode);
        await RequireEachChangeIsRefusedAsync(kept, logKey);
    }

    /// <summary>Keeps the receipt of the first entry, with its anchor, and says whose key it is under.</summary>
    private async Task<string> KeepAsync(Agentid agentid) => (await agentid.RunAsync("prove", "0", "--anchored", "--out", Path.Combine(_elsewhere.Path, "entry-0"), "--json")).Fine().Json.GetProperty("log_key").GetString()!;

    private async Task RequireEachChangeIsRefusedAsync(string kept, string logKey)
    {
        foreach (var file in new[] { kept, kept + ".anchor" })
        {
            var good = await File.ReadAllBytesAsync(file);
            foreach (var place in Enumerable.Range(0, 16).Select(part => part * good.Length / 16))
            {
                byte[] changed = [.. good];
                // No second spelling of anything: another letter is another thing, or nothing.
                changed[place] ^= 0x10;
                await File.WriteAllBytesAsync(file, changed);
                Assert.True((await _alone.RunAsync("receipt", kept, "--log-key", logKey)).ExitCode is ExitCode.Refused or ExitCode.Usage, $"{file}, byte {place}.");
            }
            await File.WriteAllBytesAsync(file, good);
        }
        Assert.Equal(ExitCode.Usage, (await _alone.RunAsync("receipt", kept)).ExitCode);
        File.Delete(kept + ".anchor");
        Assert.Equal(ExitCode.Refused, (await _alone.RunAsync("receipt", kept, "--log-key", logKey, "--rpc", "http://127.0.0.1:1")).ExitCode);
    }

    private static IEnumerable<(string Method, Func<JsonNode?, JsonNode?> Lie, string Name)> Lies() =>
    [
        ("eth_chainId", _ => "0x1", "OtherChain"),
        ("eth_getCode", _ => "0x", "NoContract"),
        ("eth_getCode", _ => "0x6001", "OtherCode"),
        ("eth_getBlockByNumber", block => With(block, "hash", "0x" + new string('a', 64)), "OtherBlock"),
        ("eth_getTransactionReceipt", receipt => With(receipt, "logs", new JsonArray()), "NoEvent"),
        ("eth_call", _ => "0x" + new string('a', 64), "OtherRoot"),
    ];

    private static JsonNode? With(JsonNode? owner, string member, JsonNode value)
    {
        owner![member] = value;
        return owner;
    }

    private Task<Outcome> AuditAsync(string logKey, params string[] more) => _alone.RunAsync(["audit", TrailFile, "--log-key", logKey, .. more]);

    private async Task<string> DeployAsync()
    {
        _ = _node.Chain;
        var owner = await _node.NewRichKeyAsync();
        _sequencer = await _node.NewRichKeyAsync();
        return (await _alone.RunAsync(
            "anchor", "deploy", "--chain", _node.Url.ToString(), "--chain-id", ChainId, "--chain-key", owner.Path, "--origin", "localhost:5000", "--sequencer", _sequencer.Signer.Address.ToString(), "--json"))
            .Fine().Json.GetProperty("contract").GetString()!;
    }

    private async Task<RunningRegistry> StartAsync(string contract) => await (await RunningRegistry.StartAsync(
        "--chain", _node.Url.ToString(), "--chain-id", ChainId, "--chain-contract", contract, "--chain-key", _sequencer!.Path, "--chain-block-time", "1")).FoundedAsync();

    private Task UntilAnchoredAsync(RunningRegistry registry) => _node.MineUntilAsync(
        "an anchor is final", async () => (await registry.Agentid.RunAsync("anchor", "status", "--json")).Json.GetProperty("final").ValueKind == JsonValueKind.Object);
}
