using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Home;
using AgentIdentity.Client;
using AgentIdentity.Credentials;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Gives an agent of the home folder another key: by its own word, or with the token of an order. Repeating it after a failure finishes it.</summary>
internal static class RotateKeyVerb
{
    private static readonly Option<string> Agent = AgentArgument.Name("The agent's name in the home folder.");
    private static readonly Option<string> TokenFile = new("--token-file") { HelpName = "FILE", Description = "A file with the token of an order (agentid replace-key), when the old key is stopped; - is standard input." };

    public static Command Create() => new Command("rotate-key", "Give an agent another key. What the old one signed stays good; it signs nothing more.") { Agent, TokenFile }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var agent = new ActingAgent(run, run.Get(Agent));
        var token = run.Find(TokenFile) is { } file ? await ReadTokenAsync(run, file, cancellationToken) : null;
        // On disk before anybody hears of it: an answer that is lost must not take the key with it.
        using var next = HomeFolder.MakeKey(agent.Folder.NextKeyFile, agent.Key.PublicKey.Algorithm);
        if (token is null)
        {
            await SettleAsync(run, agent, cancellationToken);
            await AgentKeyRotation.RotateAsync(agent.Connection, agent.State.AgentId, agent.Key, next, cancellationToken);
        }
        else
        {
            await AgentKeyRotation.ReplaceAsync(agent.Connection, agent.State.AgentId, token, next, cancellationToken);
        }
        Invocation.Keep(() => agent.Folder.TakeNextKey(agent.Key.PublicKey.KeyId));
        run.Answer(ToJson(agent, next.PublicKey.KeyId.ToString()), text =>
        {
            text.WriteLine($"agent    {agent.State.Did}");
            text.WriteLine($"key      {next.PublicKey.KeyId}");
            text.WriteLine($"retired  {agent.Key.PublicKey.KeyId}");
        });
        return ExitCode.Fine;
    }

    // A statement that nobody knows the fate of can be sent under its own key only.
    private static async Task SettleAsync(Invocation run, ActingAgent agent, CancellationToken cancellationToken)
    {
        if (!File.Exists(agent.Folder.ChainFile))
            return;
        using var recorder = new ActivityRecorder(agent.Connection, agent.State, agent.Key, agent.Folder.ChainFile, agent.Folder.SaltsFile);
        try
        {
            await recorder.ResumeAsync(cancellationToken: cancellationToken);
        }
        catch (RegistryRefusedException refusal) when (refusal.Refusal == Refusal.KeyRotated)
        {
            // An earlier attempt rotated the key, and only its answer was lost.
            await run.Error.WriteLineAsync("A statement of the retired key was never recorded, and now cannot be: record what it was about again.");
        }
    }

    private static async Task<string> ReadTokenAsync(Invocation run, string file, CancellationToken cancellationToken) => file == "-"
        ? await run.ReadInputAsync("The token", "For example: agentid replace-key … | agentid rotate-key --agent NAME --token-file -", cancellationToken)
        : File.Exists(file) ? (await File.ReadAllTextAsync(file, cancellationToken)).Trim() : throw Failure.Usage($"There is no file {file}.");

    private static JsonObject ToJson(ActingAgent agent, string next) => new()
    {
        ["did"] = agent.State.Did,
        ["key_id"] = next,
        ["retired_key_id"] = agent.Key.PublicKey.KeyId.ToString(),
        ["key_file"] = agent.Folder.KeyFile,
    };
}
