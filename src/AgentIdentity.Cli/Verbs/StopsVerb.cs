using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Which stops and cuts are in force.</summary>
internal static class StopsVerb
{
    private static readonly Option<string> Incident = new("--incident") { HelpName = "ID", Description = "Only those of an incident.", DefaultValueFactory = _ => "" };
    private static readonly Option<bool> Lifted = new("--lifted") { Description = "Also those that were lifted." };

    public static Command Create() => new Command("stops", "List the stops and cuts in force, oldest first.") { Incident, Lifted }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var key = run.Signer(CallerRole.Operator, CallerRole.Auditor, CallerRole.Sponsor);
        using var connection = run.Connect(key);
        var answer = await connection.Control.ListStopsAsync(new ListStopsRequest { Incident = run.Get(Incident), WithLifted = run.Get(Lifted) }, cancellationToken: cancellationToken);
        var json = new JsonObject { ["stops"] = new JsonArray([.. answer.Stops.Select(ToJson)]), ["epoch"] = answer.At.Epoch, ["single_operator"] = answer.SingleOperator, ["position"] = answer.At.Position };
        run.Answer(json, text => Write(text, run.Get(Incident), answer));
        return ExitCode.Fine;
    }

    private static void Write(TextWriter text, string incident, ListStopsResponse answer)
    {
        if (answer.Stops.Count == 0)
            text.WriteLine(incident.Length > 0 ? $"No stop of the incident {incident} is in force; without --incident all others are listed." : "No stop is in force.");
        foreach (var stop in answer.Stops)
            text.WriteLine(Line(stop));
        if (answer.SingleOperator && answer.Stops.Count > 0)
            text.WriteLine("note: single-operator mode: one person may lift what is not revoked");
    }

    internal static string Line(StopInForce stop)
    {
        var what = stop.HasAfter ? $"not relied on after entry {stop.After}" : Word(stop);
        var end = stop.HasLiftedBy ? $"; lifted by entry {stop.LiftedBy}" : stop.IndexPending ? "; index pending: the disk is full" : "";
        return $"entry {stop.LedgerIndex}  {Instants.FromMilliseconds(stop.At)}  {ScopeText.From(stop.Scope)} is {what}{(stop.Reason.Length > 0 ? $": {stop.Reason}" : "")}{(stop.Incident.Length > 0 ? $" ({stop.Incident})" : "")}{end}";
    }

    private static JsonObject ToJson(StopInForce stop) => new()
    {
        ["ledger_index"] = stop.LedgerIndex,
        ["index_pending"] = stop.IndexPending,
        ["scope"] = ScopeText.From(stop.Scope),
        ["state"] = Word(stop),
        ["after"] = stop.HasAfter ? stop.After : null,
        ["reason"] = stop.Reason,
        ["incident"] = stop.Incident,
        ["rule"] = stop.HasRule ? stop.Rule : null,
        ["epoch"] = stop.Epoch,
        ["at"] = Instants.FromMilliseconds(stop.At),
        ["lifted_by"] = stop.HasLiftedBy ? stop.LiftedBy : null,
    };

    private static string Word(StopInForce stop) => stop.State.ToString().ToLowerInvariant();
}
