using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Stops an agent's key for ever, since somebody else may have it, and prints the token that lets another one in.</summary>
internal static class ReplaceKeyVerb
{
    private static readonly Argument<string> Agent = AgentArgument.Create();
    private static readonly Option<string> Reason = new("--reason") { Required = true, HelpName = "TEXT", Description = "For the record." };
    private static readonly Option<string> Incident = new("--incident") { HelpName = "NAME", Description = "Ties this to other stops.", DefaultValueFactory = _ => "" };

    private static readonly Option<ulong?> After = new("--after") { HelpName = "ENTRY", Description = "The last entry at which the key was surely in no other hands. Agents that it has vouched for since are cut off; all that it has vouched for when this is not given." };

    public static Command Create() => new Command("replace-key", "Stop an agent's key for ever, and let the agent have another: give the token to agentid rotate-key.") { Agent, Reason, Incident, After }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var did = AgentArgument.Did(run, Agent);
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var request = new ReplaceKeyRequest { Agent = did, Reason = run.Get(Reason), Incident = run.Get(Incident) };
        if (run.Find(After) is { } after)
            request.After = after;
        var made = await connection.Control.ReplaceKeyAsync(request, cancellationToken: cancellationToken);
        // The token alone, so that it can be piped to agentid rotate-key.
        run.Answer(ToJson(did, made), text => text.WriteLine(made.Token));
        return ExitCode.Fine;
    }

    private static JsonObject ToJson(string did, ReplaceKeyResponse made) => new()
    {
        ["did"] = did,
        ["token"] = made.Token,
        ["expires_at"] = Instants.FromMilliseconds(made.ExpiresAt),
        ["ledger_index"] = made.LedgerIndex,
        ["stop_index"] = made.HasStopIndex ? made.StopIndex : null,
        ["cut_index"] = made.HasCutIndex ? made.CutIndex : null,
    };
}
