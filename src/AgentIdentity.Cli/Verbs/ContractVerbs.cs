using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Cli.Chains;
using AgentIdentity.Ledger;

namespace AgentIdentity.Cli.Verbs;

/// <summary>What the anchor contract is told by its owner, and by whoever becomes that (docs/ethereum.md). The registry is not asked.</summary>
internal static class ContractVerbs
{
    private static readonly Option<string?> Contract = new("--chain-contract") { Required = true, HelpName = "0x…", Description = "The anchor contract." };
    private static readonly Option<string> Origin = new("--origin") { Required = true, HelpName = "LINE", Description = "The log that is meant: the first line of its checkpoints." };
    private static readonly Option<string?> Sequencer = new("--sequencer") { Required = true, HelpName = "0x…", Description = "The account that the registry anchors with." };
    private static readonly Option<bool> Monotone = new("--monotone") { Description = "Without consistency proofs: cheaper, and a fork is then evidence instead of refused." };
    private static readonly Option<int> StepBits = new("--step-bits") { HelpName = "BITS", Description = "An anchor moves the size by at most 2^BITS.", DefaultValueFactory = _ => 24 };
    private static readonly Option<string> Successor = new("--successor") { Required = true, HelpName = "LINE", Description = "The log that goes on: the first line of its checkpoints. It is open already." };
    private static readonly Option<string?> Offer = new("--offer") { HelpName = "0x…", Description = "As the owner: offer the contract to this account; it changes hands when that accepts." };
    private static readonly Option<bool> Accept = new("--accept") { Description = "As the account that it was offered to: become the owner." };

    public static IEnumerable<Command> All() =>
    [
        Verb("deploy", "Create the contract and open the log in it.", Origin, Sequencer, Monotone, StepBits).Does(DeployAsync),
        Verb("open", "Open another log in the contract.", Contract, Origin, Sequencer, Monotone, StepBits).Does((run, cancellation) =>
            CallAsync(run, $"open the log {run.Get(Origin)}", OpenLog(run), cancellation)),
        Verb("sequencer", "Name another account that anchors a log; the zero address is nobody.", Contract, Origin, Sequencer).Does((run, cancellation) =>
            CallAsync(run, $"let {SequencerOf(run)} anchor the log {run.Get(Origin)}", AnchorContract.SetSequencer(Log(run, Origin), SequencerOf(run)), cancellation)),
        Verb("successor", "Close a log for ever, and say which one goes on.", Contract, Origin, Successor).Does((run, cancellation) =>
            CallAsync(run, $"close the log {run.Get(Origin)}, which {run.Get(Successor)} goes on", AnchorContract.DeclareSuccessor(Log(run, Origin), Log(run, Successor)), cancellation)),
        Verb("owner", "Hand the contract to another account, in two steps.", Contract, Offer, Accept).Does(HandOverAsync),
    ];

    private static Command Verb(string name, string description, params Option[] options)
    {
        var verb = new Command(name, description);
        foreach (var option in ContractAccess.Options.Concat(options))
            verb.Add(option);
        return verb;
    }

    private static async Task<int> DeployAsync(Invocation run, CancellationToken cancellation)
    {
        var open = OpenLog(run);
        using var access = ContractAccess.Open(run);
        var owner = access.Sender;
        var creation = AnchorContract.Creation(owner.Address);
        if (access.IsDry)
            return await ShowAsync(run, access, $"create the contract, and then open the log {run.Get(Origin)} in it", to: null, creation, cancellation);
        var created = await owner.ExecuteAsync(to: null, creation, cancellation);
        var contract = created.Created!;
        try
        {
            var opened = await owner.ExecuteAsync(contract, open, cancellation);
            run.Answer(ToJson(contract, owner.Address, created, opened), text => Write(text, contract, owner.Address, access.ChainId));
            return ExitCode.Fine;
        }
        catch (ChainException refused)
        {
            throw Failure.Refused($"The contract is at {contract}, and the log was not opened: {refused.Message}", $"agentid anchor open --chain-contract {contract}", AnchorContract.ErrorOf(refused));
        }
    }

    private static Task<int> HandOverAsync(Invocation run, CancellationToken cancellation) => (run.Find(Offer), run.Get(Accept)) switch
    {
        ({ } to, false) => CallAsync(run, $"offer the contract to {ContractAccess.AddressIn(Offer, to)}", AnchorContract.OfferOwnership(ContractAccess.AddressIn(Offer, to)), cancellation),
        (null, true) => CallAsync(run, "become the owner of the contract", AnchorContract.AcceptOwnership(), cancellation),
        _ => throw Failure.Usage("Either --offer 0x… or --accept: the two steps are two accounts'."),
    };

    private static async Task<int> CallAsync(Invocation run, string what, byte[] call, CancellationToken cancellation)
    {
        var address = ContractAccess.AddressIn(Contract, run.Find(Contract));
        using var access = ContractAccess.Open(run);
        await access.Sender.RequireChainAsync(cancellation);
        var contract = await access.ContractAsync(address, cancellation);
        if (access.IsDry)
            return await ShowAsync(run, access, what, contract, call, cancellation);
        var receipt = await access.Sender.ExecuteAsync(contract, call, cancellation);
        run.Answer(
            new JsonObject { ["contract"] = contract.ToString(), ["sender"] = access.Sender.Address.ToString(), ["transaction"] = receipt.Transaction.ToString(), ["block"] = receipt.BlockNumber, ["gas"] = receipt.GasUsed },
            text => text.WriteLine($"done in block {receipt.BlockNumber}, {receipt.Transaction}: {what}"));
        return ExitCode.Fine;
    }

    // What a contract of several people, or another wallet, is to be given.
    private static async Task<int> ShowAsync(Invocation run, ContractAccess access, string what, Address? to, byte[] call, CancellationToken cancellation)
    {
        var cost = await access.Sender.CostMaxAsync(to, call, cancellation);
        var (data, sender) = ("0x" + Convert.ToHexStringLower(call), access.Sender.Address);
        run.Answer(
            new JsonObject { ["would"] = what, ["chain_id"] = access.ChainId, ["sender"] = sender.ToString(), ["to"] = to?.ToString(), ["data"] = data, ["cost_max_wei"] = cost.ToString(), ["sent"] = false },
            text =>
            {
                text.WriteLine($"would     {what}");
                text.WriteLine($"as        {sender} on chain {access.ChainId}, for {cost} wei at most");
                text.WriteLine($"to        {to?.ToString() ?? "a new contract"}");
                text.WriteLine($"data      {data}");
                text.WriteLine("nothing was signed or sent");
            });
        return ExitCode.Fine;
    }

    private static byte[] OpenLog(Invocation run)
    {
        var stepBits = run.Get(StepBits);
        return stepBits is >= 1 and <= AnchorContract.StepBitsMax
            ? AnchorContract.OpenLog(Log(run, Origin), SequencerOf(run), stepBits, !run.Get(Monotone))
            : throw Failure.Usage($"--step-bits takes a number from 1 to {AnchorContract.StepBitsMax}, and {stepBits} is none.");
    }

    private static Address SequencerOf(Invocation run) => ContractAccess.AddressIn(Sequencer, run.Find(Sequencer));

    // A log that is opened under a URL, or with a line feed at its end, is one that nobody ever anchors.
    private static Hash Log(Invocation run, Option<string> option) => run.Get(option) is { Length: > 0 } line && !line.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c is '+') && !line.Contains("://", StringComparison.Ordinal)
        ? AnchorContract.NameOf(line)
        : throw Failure.Usage($"{option.Name} takes the first line of a log's checkpoints, such as localhost:5000, and '{run.Get(option)}' is none.");

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
}
