using System.Text.Json.Nodes;

namespace AgentIdentity.Cli.Demo;

/// <summary>Runs agentid's own verbs within the demo, so that it shows what they do and nothing that they cannot.</summary>
internal sealed class OwnVerbs(params string[] settings)
{
    public async Task<JsonObject> RunAsync(CancellationToken cancellationToken, params string[] words)
    {
        using var output = new StringWriter();
        var terminal = new Terminal { Input = TextReader.Null, Output = output, Error = TextWriter.Null, EnableDefaultExceptionHandler = false };
        var exitCode = await CommandLine.RunAsync([.. words, .. settings, GlobalOptions.Json], terminal, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        var answer = JsonNode.Parse(output.ToString())!.AsObject();
        if (exitCode == ExitCode.Fine)
            return answer;
        var error = answer["error"];
        throw new Failure(exitCode, $"agentid {words[0]}: {(string?)error?["message"] ?? output.ToString().Trim()}", (string?)error?["next"], (string?)error?["reason"]);
    }
}
