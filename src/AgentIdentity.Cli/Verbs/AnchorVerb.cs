using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Anchoring: how far it has come, and what its contract is told (docs/ethereum.md).</summary>
internal static class AnchorVerb
{
    public static Command Create()
    {
        var anchor = new Command("anchor", "Checkpoints on the chain: how far they are, and the contract that holds them.")
        {
            new Command("status", "How far anchoring has come. Exit code 1 when somebody is needed.").Does(StatusAsync),
            new Command("now", "Anchor what the ledger holds now, without waiting for the timer.").Does(NowAsync),
        };
        foreach (var verb in ContractVerbs.All())
            anchor.Add(verb);
        return anchor;
    }

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
