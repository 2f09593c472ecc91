using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Approvals;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>What stops by itself: shown to operators and auditors, changed by two operators.</summary>
internal static class RulesVerb
{
    private const string None = "none";

    private static readonly Argument<string[]> Rules = new("rules")
    {
        Arity = ArgumentArity.OneOrMore,
        HelpName = "RULE",
        Description = "All rules from here on, each TRIGGER:COUNT/SECONDS:STATE, for example envelope-exceeded:10/60:frozen. Triggers: fork, envelope-exceeded, delegation-burst, proof-replayed; states: restricted, frozen. Or: none.",
    };

    private static readonly Option<string> Reason = new("--reason") { Required = true, HelpName = "TEXT", Description = "For the record." };

    public static Command Create() => new Command("rules", "Show the rules that stop agents by themselves.")
    {
        new Command("set", "Ask for other rules in the place of all that there are. Two operators sign: agentid approve.") { Rules, Reason, ApprovalFile.Out }.Does(SetAsync),
    }.Does(ShowAsync);

    private static async Task<int> ShowAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var key = run.Signer(CallerRole.Operator, CallerRole.Auditor);
        using var connection = run.Connect(key);
        var answer = await connection.Admin.GetRulesAsync(new GetRulesRequest(), cancellationToken: cancellationToken);
        var json = new JsonObject { ["rules"] = answer.Rules.ToJson(), ["ledger_index"] = answer.HasLedgerIndex ? answer.LedgerIndex : null };
        run.Answer(json, text => Write(text, answer));
        return ExitCode.Fine;
    }

    private static void Write(TextWriter text, GetRulesResponse answer)
    {
        foreach (var rule in answer.Rules)
            text.WriteLine(rule);
        if (answer.Rules.Count == 0)
            text.Write("No rule stops by itself");
        text.WriteLine(answer.HasLedgerIndex ? $"{(answer.Rules.Count == 0 ? ", as" : "as")} entry {answer.LedgerIndex} says." : ".");
    }

    private static Task<int> SetAsync(Invocation run, CancellationToken cancellationToken) =>
        ApprovalFile.AskAsync(run, ApprovedAction.SetRules(Read(run.Get(Rules)), run.Get(Reason)), cancellationToken);

    private static StopRule[] Read(string[] texts)
    {
        if (texts is [None])
            return [];
        var rules = texts.Select(Read).OrderBy(rule => rule.Trigger).ToArray();
        return rules.DistinctBy(rule => rule.Trigger).Count() == rules.Length ? rules : throw Failure.Usage("There is one rule for each trigger, at most.");
    }

    private static StopRule Read(string text) => StopRule.TryParse(text, out var rule)
        ? rule
        : throw Failure.Usage($"'{text}' is no rule: expected TRIGGER:COUNT/SECONDS:STATE, a count of 1 to {StopRule.CountMax}, 1 to {StopRule.SecondsMax} seconds, restricted or frozen.", "agentid rules set --help names the triggers.");
}
