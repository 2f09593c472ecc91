using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

internal static class RotateIssuerKeyVerb
{
    private static readonly Option<bool> DidKey = new("--did-key") { Description = "Rotate the key that makes the keys of DID logs instead." };

    public static Command Create() => new Command("rotate-issuer-key", "Give the registry a new key for signing credentials. Old credentials stay good until they expire.") { DidKey }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var answer = await connection.Admin.RotateIssuerKeyAsync(new RotateIssuerKeyRequest { DidKey = run.Get(DidKey) }, cancellationToken: cancellationToken);
        run.Answer(ToJson(answer), text =>
        {
            text.WriteLine($"key      {answer.KeyId}");
            text.WriteLine($"retired  {answer.RetiredKeyId}, with entry {answer.LedgerIndex}");
        });
        return ExitCode.Fine;
    }

    private static JsonObject ToJson(RotateIssuerKeyResponse answer) => new()
    {
        ["key_id"] = answer.KeyId,
        ["retired_key_id"] = answer.RetiredKeyId,
        ["ledger_index"] = answer.LedgerIndex,
        ["epoch"] = answer.At.Epoch,
    };
}
