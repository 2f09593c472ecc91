using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Approvals;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Signs what takes two people, and sends it when enough have signed.</summary>
internal static class ApproveVerb
{
    private static readonly Argument<string> FileName = new("file") { Description = "The file that agentid erase or agentid hold lift wrote." };
    private static readonly Option<bool> Send = new("--send") { Description = "Have it done, when with this signature enough operators have signed." };

    public static Command Create() => new Command("approve", "Sign an act that takes two people. Read what it says first.") { FileName, Send }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var key = run.Signer(CallerRole.Operator);
        var file = ApprovalFile.Read(run.Get(FileName)).SignedBy(key, run);
        file.Write(run.Get(FileName));
        if (!run.Get(Send))
        {
            run.Answer(ToJson(file), text => Write(text, run.Get(FileName), file));
            return ExitCode.Fine;
        }
        if (!file.IsComplete)
            throw Failure.Usage($"{file.Approvals.Count} of {file.OperatorsNeeded} operators have signed; nothing was sent.", "Give the file to another operator, who signs with agentid approve.");
        using var connection = run.Connect(key);
        var done = await SendAsync(connection, file, cancellationToken);
        run.Answer(done, text => Write(text, done));
        return ExitCode.Fine;
    }

    private static async Task<JsonObject> SendAsync(RegistryConnection connection, ApprovalFile file, CancellationToken cancellationToken)
    {
        using var action = JsonDocument.Parse(file.Action);
        var members = action.RootElement;
        return members.GetProperty("type").GetString() switch
        {
            "erase" => ToJson(await connection.Admin.EraseAsync(
                new EraseRequest
                {
                    Agent = members.GetProperty("agent").GetString(),
                    LedgerIndexes = { members.GetProperty("indexes").EnumerateArray().Select(index => index.GetUInt64()) },
                    Reason = members.GetProperty("reason").GetString(),
                    Approvals = { file.Approvals },
                },
                cancellationToken: cancellationToken)),
            "lift-hold" => HoldVerb.ToJson("lifted", await connection.Admin.LiftHoldAsync(
                new LiftHoldRequest
                {
                    Agent = members.GetProperty("agent").GetString(),
                    HoldIndex = members.GetProperty("hold").GetUInt64(),
                    Reason = members.GetProperty("reason").GetString(),
                    Approvals = { file.Approvals },
                },
                cancellationToken: cancellationToken)),
            var other => throw Failure.Usage($"This version cannot send the action '{other}'."),
        };
    }

    private static JsonObject ToJson(ApprovalFile file) => new()
    {
        ["action"] = JsonNode.Parse(file.Action),
        ["approvals"] = file.Approvals.Count,
        ["operators_needed"] = file.OperatorsNeeded,
        ["complete"] = file.IsComplete,
        ["expires_at"] = Instants.FromMilliseconds(file.ExpiresAt),
    };

    private static JsonObject ToJson(EraseResponse done) => new()
    {
        ["erased"] = done.Erased,
        ["ledger_index"] = done.LedgerIndex,
        ["at"] = Instants.FromMilliseconds(done.ErasedAt),
        ["gone_from_disk"] = done.GoneFromDisk,
        ["backups_must_be_redone"] = done.BackupsMustBeRedone,
        ["single_operator"] = done.SingleOperator,
    };

    private static void Write(TextWriter text, string path, ApprovalFile file)
    {
        text.WriteLine($"signed  {file.Action}");
        text.WriteLine($"by      {file.Approvals.Count} of {file.OperatorsNeeded} operators; good until {Instants.FromMilliseconds(file.ExpiresAt)}");
        text.WriteLine(file.IsComplete ? $"send    agentid approve {path} --send" : $"next    another operator: agentid approve {path} --send");
    }

    private static void Write(TextWriter text, JsonObject done)
    {
        foreach (var (name, value) in done)
            text.WriteLine($"{name,-24}{value}");
        if (done.ContainsKey("backups_must_be_redone"))
            text.WriteLine("Backups that were made before still hold what was erased: make them again, and destroy the old ones.");
    }
}
