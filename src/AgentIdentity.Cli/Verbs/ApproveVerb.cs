using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Approvals;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Protocol.V1;
using AgentState = AgentIdentity.Protocol.V1.AgentState;
using Scope = AgentIdentity.Credentials.Entries.Scope;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Signs what takes two people, and sends it when enough have signed.</summary>
internal static class ApproveVerb
{
    private static readonly Argument<string> FileName = new("file") { Description = "The file that another verb wrote: restore, stop and recall with --out, cut, operators add, operators remove, break-glass name, rules set, erase, hold lift." };
    private static readonly Option<bool> Send = new("--send") { Description = "Have it done, when with this signature enough operators have signed." };

    public static Command Create() => new Command("approve", "Sign an act that takes two people, or send one that enough have signed. Read what it says first. With a passkey: the console's page.") { FileName, Send }.Does(RunAsync);

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
            "restore" => Changed("restored", await connection.Control.RestoreAsync(
                new RestoreRequest
                {
                    Stops = { members.GetProperty("stops").EnumerateArray().Select(index => index.GetUInt64()) },
                    Reason = members.GetProperty("reason").GetString(),
                    Approvals = { file.Approvals },
                },
                cancellationToken: cancellationToken)),
            "revoke" => await RevokeAsync(connection, members, file, cancellationToken),
            "cut" => await CutAsync(connection, members, file, cancellationToken),
            "add-operator" => Added(await connection.Admin.AddOperatorAsync(new AddOperatorRequest { Proof = file.Attachment, Approvals = { file.Approvals } }, cancellationToken: cancellationToken)),
            "remove-caller" => Changed("removed", await connection.Admin.RemoveCallerAsync(
                new RemoveCallerRequest { CallerId = Id(members.GetProperty("caller")), Reason = members.GetProperty("reason").GetString(), Approvals = { file.Approvals } },
                cancellationToken: cancellationToken)),
            "set-break-glass-key" => Changed("named", await connection.Admin.SetBreakGlassKeyAsync(
                new SetBreakGlassKeyRequest { Key = new PublicKey { Jwk = file.Attachment }, Approvals = { file.Approvals } }, cancellationToken: cancellationToken)),
            "set-rules" => Changed("set", await connection.Admin.SetRulesAsync(
                new SetRulesRequest
                {
                    Rules = { members.GetProperty("rules").EnumerateArray().Select(rule => rule.GetString()) },
                    Reason = members.GetProperty("reason").GetString(),
                    Approvals = { file.Approvals },
                },
                cancellationToken: cancellationToken)),
            var other => throw Failure.Usage($"This version cannot send the action '{other}'."),
        };
    }

    private static async Task<JsonObject> CutAsync(RegistryConnection connection, JsonElement members, ApprovalFile file, CancellationToken cancellationToken)
    {
        var scope = ReadScope(members);
        var request = new CutRequest { Scope = ScopeText.ToWire(scope), After = members.GetProperty("after").GetUInt64(), Reason = members.GetProperty("reason").GetString(), Approvals = { file.Approvals } };
        var done = await connection.Control.CutAsync(request, cancellationToken: cancellationToken);
        return new JsonObject { ["cut"] = scope.ToString(), ["after"] = request.After, ["ledger_index"] = done.LedgerIndex, ["epoch"] = done.Epoch };
    }

    private static async Task<JsonObject> RevokeAsync(RegistryConnection connection, JsonElement members, ApprovalFile file, CancellationToken cancellationToken)
    {
        // What stands beside the action is signed by nobody.
        if (file.Attachment.Length > 0)
            throw Failure.Usage("The file is of a former agentid, which wrote the incident beside what the operators sign; nothing was sent.", "Begin it again: agentid stop --help says how.");
        var scope = ReadScope(members);
        var incident = members.TryGetProperty("incident", out var named) ? named.GetString() : "";
        var request = new StopRequest { Scope = ScopeText.ToWire(scope), State = AgentState.Revoked, Reason = members.GetProperty("reason").GetString(), Incident = incident, Approvals = { file.Approvals } };
        var done = await connection.Control.StopAsync(request, cancellationToken: cancellationToken);
        return new JsonObject
        {
            ["revoked"] = scope.ToString(),
            ["level"] = PropagationText.Word(done.Level),
            ["ledger_index"] = done.LedgerIndex,
            ["index_pending"] = done.IndexPending,
            ["agents_reached"] = done.AgentsReached,
            ["credentials_reached"] = done.CredentialsReached,
            ["epoch"] = done.Epoch,
        };
    }

    private static Scope ReadScope(JsonElement members) =>
        Scope.TryParse(members.GetProperty("scope").GetString()!, out var scope) ? scope : throw Failure.Usage("The file names a scope that is none.");

    private static Google.Protobuf.ByteString Id(JsonElement caller) => SubjectId.TryParse(caller.GetString(), out var id)
        ? Google.Protobuf.ByteString.CopyFrom(id.ToArray())
        : throw Failure.Usage("The file names a caller that is none.");

    private static JsonObject Changed(string what, RestoreResponse done) =>
        new() { ["done"] = what, ["ledger_index"] = done.LedgerIndex, ["at"] = Instants.FromMilliseconds(done.RestoredAt), ["epoch"] = done.Epoch, ["single_operator"] = done.SingleOperator };

    private static JsonObject Changed(string what, ChangedByTwoResponse done) =>
        new() { ["done"] = what, ["ledger_index"] = done.LedgerIndex, ["epoch"] = done.At.Epoch, ["single_operator"] = done.SingleOperator };

    private static JsonObject Added(RegisterCallerResponse done) =>
        new() { ["done"] = "added", ["name"] = done.Caller.Name, ["jkt"] = done.Caller.Jkt, ["ledger_index"] = done.LedgerIndex, ["epoch"] = done.At.Epoch, ["approves_after_hours"] = 24 };

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
        foreach (var line in file.About)
            text.WriteLine($"about   {line}");
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
