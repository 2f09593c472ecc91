using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Home;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Cli.Verbs;

/// <summary>
/// An agent of the demo, in a process of its own, as a program that uses the client library would be: enrols with the token that is the first line on
/// standard input, keeps its credential fresh, and does what the following lines say. Each line is answered by one of JSON.
/// </summary>
internal static class DemoAgentVerb
{
    private static readonly Option<string> Name = new("--name") { Required = true };

    public static Command Create() => new Command("demo-agent") { Name }.Hide().Does(RunAsync);

    private static Command Hide(this Command command)
    {
        command.Hidden = true;
        return command;
    }

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var folder = run.Home.Agent(run.Get(Name));
        using var key = HomeFolder.MakeKey(folder.KeyFile, KeyAlgorithm.Ed25519);
        using var connection = run.Connect(key);
        var token = await run.Input.ReadLineAsync(cancellationToken) ?? "";
        var agent = await AgentEnrolment.EnrollAsync(connection, token, key, cancellationToken: cancellationToken);
        await using var keeper = new CredentialKeeper(connection, agent.Credential);
        using var recorder = new ActivityRecorder(connection, agent.State, key, folder.ChainFile, folder.SaltsFile);
        run.Output.WriteLine(new JsonObject { ["did"] = agent.Did, ["ledger_index"] = agent.Credential.LedgerIndex }.ToLine());

        // The end of the input is the end of the demo, however that came about.
        while (await run.Input.ReadLineAsync(cancellationToken) is { } line)
        {
            var words = line.Split(' ', 2);
            var answer = words[0] switch
            {
                "call" => await CallAsync(key, keeper, words[1], cancellationToken),
                "record" => await RecordAsync(recorder, words[1], cancellationToken),
                "renew" => await RenewAsync(connection, agent.Credential, cancellationToken),
                _ => throw Failure.Usage($"'{line}' is not one of: call URL, record TEXT, renew."),
            };
            run.Output.WriteLine(answer.ToLine());
        }
        return ExitCode.Fine;
    }

    private static async Task<JsonObject> CallAsync(PrivateKey key, CredentialKeeper keeper, string url, CancellationToken cancellationToken) =>
        (await ToolCall.SendAsync(key, keeper.GetAsync, () => new HttpRequestMessage(HttpMethod.Get, url), cancellationToken)).ToJson();

    private static async Task<JsonObject> RecordAsync(ActivityRecorder recorder, string text, CancellationToken cancellationToken)
    {
        var recorded = await recorder.RecordAsync([Encoding.UTF8.GetBytes(text)], cancellationToken: cancellationToken);
        return new JsonObject { ["ledger_index"] = recorded.LedgerIndex, ["class"] = recorded.EntryClass.ToString().ToLowerInvariant() };
    }

    private static async Task<JsonObject> RenewAsync(RegistryConnection connection, HeldCredential held, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await connection.Credentials.RenewAsync(new Protocol.V1.RenewRequest { Credential = held.Token }, cancellationToken: cancellationToken);
            return new JsonObject { ["reason"] = "NONE", ["expires_at"] = Instants.FromSeconds(answer.Credential.ExpiresAt) };
        }
        catch (RegistryRefusedException refused)
        {
            return new JsonObject { ["reason"] = refused.Reason };
        }
    }
}
