using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Who cosigns this registry's checkpoints, and whether they do.</summary>
internal static class WitnessesVerb
{
    public static Command Create() => new Command("witnesses", "List the witnesses that the registry asks to cosign its checkpoints, and what is wrong with each. Exit code 1 without a quorum.").Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var connection = run.Connect();
        var answer = await connection.Ledger.ListWitnessesAsync(new ListWitnessesRequest(), cancellationToken: cancellationToken);
        run.Answer(ToJson(answer), text => Write(text, answer));
        return answer.HasQuorum ? ExitCode.Fine : ExitCode.Refused;
    }

    private static JsonObject ToJson(ListWitnessesResponse answer) => new()
    {
        ["witnesses"] = new JsonArray([.. answer.Witnesses.Select(witness => new JsonObject
        {
            ["name"] = witness.Name,
            ["key"] = witness.Key,
            ["url"] = witness.Url,
            ["size"] = witness.Size,
            ["cosigned_at"] = witness.CosignedAt == 0 ? null : Instants.FromMilliseconds(witness.CosignedAt),
            ["problem"] = witness.Problem,
        })]),
        ["has_quorum"] = answer.HasQuorum,
        ["witnessed_size"] = answer.WitnessedSize,
        ["own_key"] = answer.OwnKey,
    };

    private static void Write(TextWriter text, ListWitnessesResponse answer)
    {
        if (answer.Witnesses.Count == 0)
            text.WriteLine("This registry asks nobody to cosign its checkpoints: start it with --witness-policy.");
        else
            WriteTable(text, answer);
        text.WriteLine($"own key as a witness: {answer.OwnKey}");
    }

    private static void WriteTable(TextWriter text, ListWitnessesResponse answer)
    {
        var table = new TextTable("WITNESS", "COSIGNED", "AT", "PROBLEM", "URL");
        foreach (var witness in answer.Witnesses)
            table.Add(witness.Name, $"{witness.Size}", witness.CosignedAt == 0 ? "never" : Instants.FromMilliseconds(witness.CosignedAt), witness.Problem, witness.Url);
        table.Write(text);
        text.WriteLine(answer.HasQuorum ? $"a quorum has cosigned the last checkpoint, {answer.WitnessedSize} entries" : $"NO QUORUM: the last checkpoint that a quorum has cosigned has {answer.WitnessedSize} entries");
    }
}
