using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;
using AgentState = AgentIdentity.Protocol.V1.AgentState;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Gives agents' DID logs another update key: one agent's, or after the registry's key for logs was rotated all that still commit to the old one.</summary>
internal static class RotateDidKeyVerb
{
    private const uint PageSize = 1000;

    private static readonly Argument<string> Agent = new("agent") { DefaultValueFactory = _ => "", Description = "The agent's DID, its UUID, or its name in the home folder." };
    private static readonly Option<bool> All = new("--all") { Description = "Every agent whose log still commits to what an earlier key of the registry makes (rotate-issuer-key --did-key)." };

    public static Command Create() => new Command("rotate-did-key", "Give an agent's DID log another update key.") { Agent, All }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var name = run.Get(Agent);
        if (name.Length == 0 != run.Get(All))
            throw Failure.Usage("Name one agent, or say --all.");
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        if (name.Length > 0)
        {
            var did = AgentArgument.Did(run, name);
            var rotated = await connection.Admin.RotateDidKeyAsync(new RotateDidKeyRequest { Agent = did }, cancellationToken: cancellationToken);
            run.Answer(new JsonObject { ["did"] = did, ["ledger_index"] = rotated.LedgerIndex }, text => text.WriteLine($"{did} has another update key, with entry {rotated.LedgerIndex}"));
            return ExitCode.Fine;
        }
        var (done, left) = await Progress.ShowAsync(run, "Agents", total: null, report => RotateAllAsync(connection, report, cancellationToken));
        run.Answer(new JsonObject { ["agents"] = done, ["left"] = new JsonArray([.. left.Select(did => (JsonNode)did)]) }, text =>
        {
            text.WriteLine($"{EntryText.Count(done, "log")} commit to keys of the registry's key for logs of now");
            foreach (var did in left)
                text.WriteLine($"not {did}: its sponsor holds the next key (agentid sponsor-key), or it ends");
        });
        return left.Count == 0 ? ExitCode.Fine : ExitCode.Refused;
    }

    private static async Task<(int Done, List<string> Left)> RotateAllAsync(RegistryConnection connection, Action<int> report, CancellationToken cancellationToken)
    {
        var (done, left, request) = (0, new List<string>(), new ListAgentsRequest { PageSize = PageSize });
        do
        {
            var page = await connection.Registry.ListAgentsAsync(request, cancellationToken: cancellationToken);
            foreach (var agent in page.Agents.Where(agent => agent.State != AgentState.Revoked))
            {
                if (await IsRotatedAsync(connection, agent.Did, cancellationToken))
                    report(++done);
                else
                    left.Add(agent.Did);
            }
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        return (done, left);
    }

    private static async Task<bool> IsRotatedAsync(RegistryConnection connection, string did, CancellationToken cancellationToken)
    {
        try
        {
            await connection.Admin.RotateDidKeyAsync(new RotateDidKeyRequest { Agent = did, IfBehind = true }, cancellationToken: cancellationToken);
            return true;
        }
        catch (RegistryRefusedException refused) when (refused.Refusal is Refusal.NotPermitted or Refusal.DidUnchanged)
        {
            return false;
        }
    }
}
