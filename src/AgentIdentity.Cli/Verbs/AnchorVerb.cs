using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Anchoring: how far it has come, and the contract that it needs (docs/ethereum.md).</summary>
internal static class AnchorVerb
{
    private static readonly Option<string> Chain = new("--chain") { Required = true, HelpName = "URL", Description = "A node of the chain." };
    private static readonly Option<ulong> ChainId = new("--chain-id") { Required = true, HelpName = "NUMBER", Description = "The chain that is meant." };
    private static readonly Option<string> Key = new("--chain-key") { Required = true, HelpName = "FILE", Description = "The key that pays and owns the contract: 64 hexadecimal digits, mode 0600." };
    private static readonly Option<string> Origin = new("--origin") { Required = true, HelpName = "LINE", Description = "The log to open: the first line of its checkpoints." };
    private static readonly Option<string> Sequencer = new("--sequencer") { Required = true, HelpName = "0x…", Description = "The account that the registry anchors with." };
    private static readonly Option<bool> Monotone = new("--monotone") { Description = "Without consistency proofs: cheaper, and a fork is then evidence instead of refused." };
    private static readonly Option<int> StepBits = new("--step-bits") { HelpName = "BITS", Description = "An anchor moves the size by at most 2^BITS.", DefaultValueFactory = _ => 24 };
    private static readonly Option<ulong> MaxFee = new("--max-fee") { HelpName = "GWEI", Description = "The most that is paid for each unit of gas.", DefaultValueFactory = _ => 100 };

    public static Command Create() => new("anchor", "Checkpoints on the chain: status, now, deploy.")
    {
        new Command("status", "How far anchoring has come. Exit code 1 when somebody is needed.").Does(StatusAsync),
        new Command("now", "Anchor what the ledger holds now, without waiting for the timer.").Does(NowAsync),
        new Command("deploy", "Create the contract and open the log in it.") { Chain, ChainId, Key, Origin, Sequencer, Monotone, StepBits, MaxFee }.Does(DeployAsync),
    };

    private static async Task<int> StatusAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var status = await connection.Admin.GetAnchorStatusAsync(new GetAnchorStatusRequest(), cancellationToken: cancellationToken);
        run.Answer(ToJson(status), text => Write(text, status));
        return status.Healthy ? ExitCode.Fine : ExitCode.Refused;
    }

    private static async Task<int> NowAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var status = await connection.Admin.DemandAnchorAsync(new DemandAnchorRequest(), cancellationToken: cancellationToken);
        run.Answer(ToJson(status), text => text.WriteLine("asked for; agentid anchor status tells how far it has come"));
        return ExitCode.Fine;
    }

    private static async Task<int> DeployAsync(Invocation run, CancellationToken cancellationToken)
    {
        if (!Address.TryParse(run.Get(Sequencer), out var sequencer))
            throw Failure.Usage($"--sequencer takes an address, and '{run.Get(Sequencer)}' is none.");
        if (!Uri.TryCreate(run.Get(Chain), UriKind.Absolute, out var node) || node.Scheme is not ("http" or "https"))
            throw Failure.Usage($"--chain takes an http or https URL, and '{run.Get(Chain)}' is none.");
        try
        {
            using var signer = KeyFileSigner.Open(run.Get(Key));
            using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false });
            var limits = FeeLimits.Default with { MaxFeeWei = (UInt128)run.Get(MaxFee) * 1_000_000_000 };
            var owner = new ChainAccount(new JsonRpcChain(http, node), signer, run.Get(ChainId), limits, run.Clock);
            var created = await owner.ExecuteAsync(to: null, AnchorContract.Creation(owner.Address), cancellationToken);
            var contract = created.Created ?? throw Failure.Refused($"Transaction {created.Transaction} created no contract.");
            var opened = await owner.ExecuteAsync(contract, AnchorContract.OpenLog(AnchorContract.NameOf(run.Get(Origin)), sequencer, run.Get(StepBits), !run.Get(Monotone)), cancellationToken);
            run.Answer(ToJson(contract, owner.Address, created, opened), text => Write(text, contract, owner.Address, run.Get(ChainId)));
            return ExitCode.Fine;
        }
        catch (SigningException refused)
        {
            throw Failure.Usage(refused.Message);
        }
        catch (ChainException refused)
        {
            throw new Failure(refused.Fault == ChainFault.Unreachable ? ExitCode.Unreachable : ExitCode.Refused, refused.Message);
        }
    }

    private static void Write(TextWriter text, GetAnchorStatusResponse status)
    {
        text.WriteLine($"state     {Name(status)}{(status.Reason.Length == 0 ? "" : $": {status.Reason}")}");
        text.WriteLine($"contract  {status.Contract} on chain {status.ChainId}, paid by {status.Account}");
        if (status.LastMined is { } mined)
            text.WriteLine($"mined     {mined.Entries} entries in block {mined.Block}, {mined.Transaction}");
        if (status.LastFinal is { } final)
            text.WriteLine($"final     {final.Entries} entries in block {final.Block}, {final.Transaction}");
        if (status.InFlight.Length > 0)
            text.WriteLine($"waiting   {status.InFlight}");
        if (status.FinalityOverdue)
            text.WriteLine("overdue   the newest anchor should be final by now");
    }

    private static void Write(TextWriter text, Address contract, Address owner, ulong chainId)
    {
        text.WriteLine($"contract  {contract} on chain {chainId}, owned by {owner}");
        text.WriteLine($"start     the server with --chain-id {chainId} --chain-contract {contract}");
    }

    private static JsonObject ToJson(Address contract, Address owner, ChainReceipt created, ChainReceipt opened) => new()
    {
        ["contract"] = contract.ToString(),
        ["owner"] = owner.ToString(),
        ["created_by"] = created.Transaction.ToString(),
        ["opened_by"] = opened.Transaction.ToString(),
        ["gas"] = created.GasUsed + opened.GasUsed,
    };

    private static JsonObject ToJson(GetAnchorStatusResponse status) => new()
    {
        ["state"] = Name(status),
        ["healthy"] = status.Healthy,
        ["reason"] = status.Reason.Length == 0 ? null : status.Reason,
        ["chain_id"] = status.ChainId,
        ["contract"] = status.Contract,
        ["account"] = status.Account,
        ["anchored_entries"] = status.AnchoredEntries,
        ["mined"] = ToJson(status.LastMined),
        ["final"] = ToJson(status.LastFinal),
        ["in_flight"] = status.InFlight.Length == 0 ? null : status.InFlight,
        ["attempts"] = status.Attempts,
        ["finality_overdue"] = status.FinalityOverdue,
    };

    private static JsonObject? ToJson(Anchor? anchor) => anchor is null ? null : new JsonObject
    {
        ["entries"] = anchor.Entries,
        ["root"] = Convert.ToHexStringLower(anchor.Root.Span),
        ["transaction"] = anchor.Transaction,
        ["block"] = anchor.Block,
        ["block_hash"] = anchor.BlockHash,
        ["event_index"] = anchor.EventIndex,
    };

    // AnchorHeldByFeeCap is "held by fee cap" to people.
    private static string Name(GetAnchorStatusResponse status) =>
        string.Concat(status.State.ToString()["Anchor".Length..].Select((letter, place) => char.IsUpper(letter) ? $"{(place > 0 ? " " : "")}{char.ToLowerInvariant(letter)}" : letter.ToString()));
}
