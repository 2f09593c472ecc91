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

    // A registry that is busy for longer than half a minute is asked again by whoever calls this, which passes over what is done.
    private const int AttemptsMax = 30;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

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
        run.Answer(new JsonObject { ["agents"] = done, ["left"] = new JsonArray([.. left.Select(one => new JsonObject { ["did"] = one.Did, ["reason"] = one.Why.Reason })]) }, text =>
        {
            text.WriteLine($"{EntryText.Count(done, "log")} commit to keys of the registry's key for logs of now");
            foreach (var (did, why) in left)
                text.WriteLine($"not {did}: {why.Reason}, {why.Detail}");
        });
        return left.Count == 0 ? ExitCode.Fine : ExitCode.Refused;
    }

    private static async Task<(int Done, List<(string Did, RegistryRefusedException Why)> Left)> RotateAllAsync(RegistryConnection connection, Action<int> report, CancellationToken cancellationToken)
    {
        var (done, left, request) = (0, new List<(string, RegistryRefusedException)>(), new ListAgentsRequest { PageSize = PageSize });
        try
        {
            do
            {
                var page = await connection.Registry.ListAgentsAsync(request, cancellationToken: cancellationToken);
                foreach (var agent in page.Agents.Where(agent => agent.State != AgentState.Revoked))
                {
                    if (await RotateAsync(connection, agent.Did, cancellationToken) is { } why)
                        left.Add((agent.Did, why));
                    else
                        report(++done);
                }
                request.PageToken = page.NextPageToken;
            }
            while (request.PageToken.Length > 0);
        }
        catch (Exception cut) when (done > 0 && !cancellationToken.IsCancellationRequested)
        {
            var failure = Failures.Explain(cut);
            throw new Failure(failure.ExitCode, $"{failure.Message} {EntryText.Count(done, "log")} {(done == 1 ? "was" : "were")} done before.", "Ask agentid rotate-did-key --all again: what is done is passed over.", failure.Reason);
        }
        return (done, left);
    }

    // Null when it is done. What concerns this log alone does not keep the others waiting; who may not do this at all hears it at the first.
    private static async Task<RegistryRefusedException?> RotateAsync(RegistryConnection connection, string did, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await connection.Admin.RotateDidKeyAsync(new RotateDidKeyRequest { Agent = did, IfBehind = true }, cancellationToken: cancellationToken);
                return null;
            }
            catch (RegistryRefusedException refused) when (refused.Refusal is Refusal.DidHeld or Refusal.DidUnchanged or Refusal.AgentUnknown)
            {
                return refused;
            }
            catch (RegistryRefusedException refused) when (refused.IsTransient && attempt < AttemptsMax)
            {
                await Task.Delay(refused.RetryAfter ?? Pause, cancellationToken);
            }
        }
    }
}
