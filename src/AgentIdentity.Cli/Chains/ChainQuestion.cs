using System.CommandLine;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Credentials.Trails;

namespace AgentIdentity.Cli.Chains;

/// <summary>Asks nodes of the auditor's choice whether the chain has an anchor: docs/ethereum.md, "Asking the chain". Their word counts when all of them say the same.</summary>
internal static class ChainQuestion
{
    private const int NodesMax = 2;

    public static Option<string[]> Option() => new("--rpc")
    {
        HelpName = "URL",
        Description = "Ask this node of the chain whether the anchor is there and final. Twice given: both must say so.",
        DefaultValueFactory = _ => [],
    };

    /// <summary>The nodes that were named.</summary>
    public static Uri[] Nodes(Invocation run, Option<string[]> option)
    {
        var nodes = run.Get(option).Select(text => HttpUrl.ReadNode("--rpc", text)).Distinct().ToArray();
        return nodes.Length <= NodesMax ? nodes : throw Failure.Usage($"--rpc names one node or two; {nodes.Length} were given.");
    }

    /// <summary>What the nodes come to.</summary>
    public static async Task<ChainAnswer> AskAsync(AnchorNote? anchor, Uri[] nodes, CancellationToken cancellation)
    {
        if (anchor is null)
            return new ChainAnswer(TrailResult.Failed, "no anchor that agrees with the checkpoint is shown, so that no node could be asked about it");
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false });
        var said = new List<(Uri Node, AnchorFinding? Finding, string Words)>();
        foreach (var node in nodes)
        {
            var (finding, words) = await AskAsync(new JsonRpcChain(http, node), anchor, cancellation);
            said.Add((node, finding, words));
        }
        return Conclude(anchor, said);
    }

    private static async Task<(AnchorFinding? Finding, string Words)> AskAsync(JsonRpcChain chain, AnchorNote anchor, CancellationToken cancellation)
    {
        var claimed = new AnchoredCheckpoint(anchor.Size, anchor.Root, new ChainHash(anchor.Transaction), anchor.Block, new ChainHash(anchor.BlockHash), anchor.EventIndex);
        try
        {
            var check = new AnchorCheck(chain, anchor.ChainId, Address.Parse(anchor.Contract), AnchorContract.NameOf(anchor.Origin));
            var finding = await check.CheckAsync(claimed, cancellation);
            return (finding, $"{finding}: {Words(finding, anchor)}");
        }
        catch (ChainException fault)
        {
            return (null, fault.Message);
        }
    }

    private static ChainAnswer Conclude(AnchorNote anchor, List<(Uri Node, AnchorFinding? Finding, string Words)> said)
    {
        var all = string.Join("; ", said.Select(one => $"{Name(one.Node)} says {one.Words}"));
        if (said.All(one => one.Finding == AnchorFinding.Confirmed))
            return new ChainAnswer(TrailResult.Passed, $"on the chain, final, asked of {string.Join(" and ", said.Select(one => Name(one.Node)))}: the first {anchor.Size} entries, in block {anchor.Block} of chain {anchor.ChainId} by the contract {anchor.Contract}");
        if (said.TrueForAll(one => one.Finding is null or AnchorFinding.Confirmed))
            return new ChainAnswer(TrailResult.NotChecked, $"anchored, and not all that were asked have answered: {all}");
        var disagree = said.Select(one => one.Finding).OfType<AnchorFinding>().Distinct().Count() > 1;
        return new ChainAnswer(TrailResult.Failed, $"{(disagree ? "the nodes disagree" : "not confirmed by the chain")}: {all}");
    }

    private static string Words(AnchorFinding finding, AnchorNote anchor) => finding switch
    {
        AnchorFinding.Confirmed => "it is there and final",
        AnchorFinding.NotFinal => $"block {anchor.Block} is not final",
        AnchorFinding.FinalityUnknown => "it does not tell which block is final",
        AnchorFinding.OtherChain => $"it speaks for another chain than {anchor.ChainId}",
        AnchorFinding.NoContract => $"there is no contract at {anchor.Contract}",
        AnchorFinding.OtherCode => $"the code at {anchor.Contract} is not that of the anchor contract",
        AnchorFinding.OtherBlock => $"block {anchor.Block} is another one, or is not there",
        AnchorFinding.NoEvent => "the transaction is not in that block, or has no such event",
        AnchorFinding.OtherRoot => $"the contract holds another root for {anchor.Size} entries, or none",
        _ => throw new ArgumentOutOfRangeException(nameof(finding), finding, "A finding without words."),
    };

    // Verdicts are handed around, and what stands behind the host is often a key that somebody pays for.
    private static string Name(Uri node) => $"{node.Scheme}://{node.Authority}/";
}
