using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;
using Scope = AgentIdentity.Credentials.Entries.Scope;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Stops a part of the fleet: whatever has one of these models, blueprints, sponsors or labels.</summary>
internal static class RecallVerb
{
    private static readonly Option<string[]> Models = Many("--model", "NAME", "Agents whose blueprint names this model; may be repeated.");
    private static readonly Option<string[]> Blueprints = Many("--blueprint", "NAME", "Agents of this blueprint; may be repeated.");
    private static readonly Option<string[]> Sponsors = Many("--sponsor", "NAME", "Agents of this sponsor; may be repeated.");
    private static readonly Option<string[]> Labels = Many("--label", "NAME=VALUE", "Agents with this label; may be repeated.");

    public static Command Create() =>
        new Command("recall", "Stop a part of the fleet: one stop for each model, blueprint, sponsor or label, tied together by an incident. Look first: --dry-run.")
        {
            Models, Blueprints, Sponsors, Labels, StopVerb.State, StopVerb.Reason, StopVerb.Incident, StopVerb.DryRun, StopVerb.Out,
        }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        Scope[] scopes =
        [
            .. run.Get(Models).Select(name => new Scope(ScopeKind.Model, name)), .. run.Get(Blueprints).Select(name => new Scope(ScopeKind.Blueprint, name)),
            .. run.Get(Sponsors).Select(name => new Scope(ScopeKind.Sponsor, name)), .. run.Get(Labels).Select(label => new Scope(ScopeKind.Label, label)),
        ];
        if (scopes.Length == 0)
            throw Failure.Usage("A recall names at least one model, blueprint, sponsor or label.", "For example agentid recall --model model-x/5 --state frozen --reason \"it leaks\" --dry-run");
        foreach (var scope in scopes.Where(scope => !scope.IsValid))
            throw Failure.Usage($"'{scope}' is no scope.", "A label is NAME=VALUE; names are not empty.");
        if (run.Find(StopVerb.Out) is { } file)
            return await AskAsync(run, scopes, file, cancellationToken);
        using var key = run.Signer(CallerRole.Operator);
        var isDry = run.Get(StopVerb.DryRun);
        var (done, failed) = (new JsonArray(), new List<(Scope Scope, Failure Failure)>());
        // Text as it comes: who recalls a fleet wants to see the first stop before the last, and the others are stopped though one name is refused or one answer is lost.
        foreach (var scope in scopes)
        {
            try
            {
                // A connection for each: over one that hangs no other would be stopped.
                using var connection = run.Connect(key);
                done.Add((JsonNode)(isDry ? await PreviewAsync(run, connection, scope, cancellationToken) : await StopAsync(run, connection, scope, cancellationToken)));
            }
            catch (Exception problem) when (scopes.Length > 1)
            {
                var failure = cancellationToken.IsCancellationRequested ? Failures.Interrupted : Failures.Explain(problem);
                failed.Add((scope, failure));
                ErrorReport.Write(new Failure(failure.ExitCode, $"{scope}: {failure.Message}", IsUnknown(failure) ? null : failure.Next, failure.Reason), run.Error);
            }
        }
        Tell(run, isDry ? "reach" : "stops", done, failed);
        return failed.Select(one => one.Failure.ExitCode).Append(ExitCode.Fine).Max();
    }

    private static bool IsUnknown(Failure failure) => failure.ExitCode is not (ExitCode.Refused or ExitCode.Usage);

    private static void Tell(Invocation run, string name, JsonArray done, List<(Scope Scope, Failure Failure)> failed)
    {
        var unknown = failed.FindAll(one => IsUnknown(one.Failure));
        if (run.IsJson)
            run.Answer(new JsonObject { [name] = done, ["refused"] = ToJson(failed.Except(unknown)), ["unknown"] = ToJson(unknown) }, _ => { });
        else if (unknown.Count > 0)
            ErrorReport.Write(new Failure(ExitCode.Unreachable, $"The outcome is unknown of {string.Join(", ", unknown.Select(one => one.Scope))}.", unknown[^1].Failure.Next), run.Error);
    }

    private static JsonArray ToJson(IEnumerable<(Scope Scope, Failure Failure)> failed) =>
        [.. failed.Select(one => new JsonObject { ["scope"] = one.Scope.ToString(), ["reason"] = one.Failure.Reason, ["message"] = one.Failure.Message, ["next"] = one.Failure.Next })];

    // What two people sign is one action, and what is revoked for ever is signed scope by scope.
    private static async Task<int> AskAsync(Invocation run, Scope[] scopes, string file, CancellationToken cancellationToken)
    {
        for (var i = 0; i < scopes.Length; i++)
            await StopVerb.AskAsync(run, scopes[i], scopes.Length == 1 ? file : $"{file}-{i + 1}", cancellationToken);
        return ExitCode.Fine;
    }

    private static async Task<JsonObject> PreviewAsync(Invocation run, RegistryConnection connection, Scope scope, CancellationToken cancellationToken)
    {
        var reach = await connection.Control.PreviewStopAsync(new PreviewStopRequest { Scope = ScopeText.ToWire(scope) }, cancellationToken: cancellationToken);
        if (!run.IsJson)
            StopVerb.Write(run.Text, scope, reach);
        return StopVerb.ToJson(scope, reach);
    }

    private static async Task<JsonObject> StopAsync(Invocation run, RegistryConnection connection, Scope scope, CancellationToken cancellationToken)
    {
        var answer = await connection.Control.StopAsync(StopVerb.Request(run, scope), cancellationToken: cancellationToken);
        if (!run.IsJson)
            Invocation.Keep(() => StopVerb.Write(run.Text, run, scope, answer));
        return StopVerb.ToJson(run, scope, answer);
    }

    private static Option<string[]> Many(string name, string helpName, string description) => new(name) { HelpName = helpName, Description = description, DefaultValueFactory = _ => [] };
}
