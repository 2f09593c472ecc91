using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Approvals;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Protocol.V1;
using AgentState = AgentIdentity.Protocol.V1.AgentState;
using Scope = AgentIdentity.Credentials.Entries.Scope;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Stops whatever a scope covers, and says how far that is proven.</summary>
internal static class StopVerb
{
    internal static readonly Option<string> State = new Option<string>("--state")
    {
        Required = true,
        HelpName = "STATE",
        Description = "restricted: only what its blueprint calls a read; frozen: nothing, until two people restore it; revoked: nothing, for ever.",
    }.AcceptOnlyFromAmong("restricted", "frozen", "revoked");

    internal static readonly Option<string> Reason = new("--reason") { Required = true, HelpName = "TEXT", Description = "For the record." };
    internal static readonly Option<string> Incident = new("--incident") { HelpName = "ID", Description = "Ties several stops together.", DefaultValueFactory = _ => "" };
    internal static readonly Option<bool> DryRun = new("--dry-run") { Description = "Say what the stop would reach, and stop nothing." };
    internal static readonly Option<string?> Out = new("--out") { HelpName = "FILE", Description = "To revoke more than one person may: where to write what two operators are to sign (agentid approve). Nothing is stopped before; freeze first." };
    private static readonly Argument<string> ScopeArgument = ScopeText.Create();
    private static readonly Option<bool> Force = new("--force") { Description = "Also when it leaves too few operators to restore anything." };

    public static Command Create() => new Command("stop", "Stop an agent, or whatever a scope covers: it is refused from the moment of the answer on. A sponsor stops its own agents.") { ScopeArgument, State, Reason, Incident, Force, DryRun, Out, StopWatch.Watch, StopWatch.Until, StopWatch.Timeout }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var scope = ScopeText.Read(run, run.Get(ScopeArgument));
        if (run.Find(Out) is { } file)
            return await AskAsync(run, scope, file, cancellationToken);
        using var key = run.Signer(CallerRole.Operator, CallerRole.Sponsor);
        using var connection = run.Connect(key);
        if (run.Get(DryRun))
        {
            var reach = await connection.Control.PreviewStopAsync(new PreviewStopRequest { Scope = ScopeText.ToWire(scope) }, cancellationToken: cancellationToken);
            run.Answer(ToJson(scope, reach), text => Write(text, scope, reach));
            return ExitCode.Fine;
        }
        var answer = await connection.Control.StopAsync(Request(run, scope), cancellationToken: cancellationToken);
        run.Answer(ToJson(run, scope, answer), text => Write(text, run, scope, answer));
        return run.Get(StopWatch.Watch)
            ? await StopWatch.FollowAsync(run, connection, new PropagationRequest { Stop = answer.LedgerIndex }, cancellationToken)
            : ExitCode.Fine;
    }

    /// <summary>Writes the revocation that two operators sign.</summary>
    internal static Task<int> AskAsync(Invocation run, Scope scope, string file, CancellationToken cancellationToken)
    {
        if (run.Get(State) != "revoked" || run.Get(DryRun) || run.Find(Force) || run.Find(StopWatch.Watch))
            throw Failure.Usage($"{Out.Name} is for --state revoked, and goes with none of {DryRun.Name}, {Force.Name} and {StopWatch.Watch.Name}: nothing is stopped yet.", "One person freezes at once: --state frozen.");
        return ApprovalFile.AskAsync(run, ApprovedAction.Revoke(scope, run.Get(Reason), run.Get(Incident)), file, cancellationToken, about: connection => AboutAsync(connection, scope, cancellationToken));
    }

    private static async Task<IReadOnlyList<string>> AboutAsync(RegistryConnection connection, Scope scope, CancellationToken cancellationToken)
    {
        var text = new StringWriter();
        Write(text, scope, await connection.Control.PreviewStopAsync(new PreviewStopRequest { Scope = ScopeText.ToWire(scope) }, cancellationToken: cancellationToken));
        return text.ToString().Split(text.NewLine, StringSplitOptions.RemoveEmptyEntries);
    }

    internal const string IndexPending =
        "index pending: the registry's disk is full. The stop is durable in its control journal, and nothing proves it before there is room for its entry; make room. Until then every other write is refused.";

    internal static StopRequest Request(Invocation run, Scope scope) => new()
    {
        Scope = ScopeText.ToWire(scope),
        State = Enum.Parse<AgentState>(run.Get(State), ignoreCase: true),
        Reason = run.Get(Reason),
        Incident = run.Get(Incident),
        Force = run.Find(Force),
    };

    internal static JsonObject ToJson(Invocation run, Scope scope, StopResponse answer) => new()
    {
        [scope.Kind == ScopeKind.Agent ? "agent" : "scope"] = Name(run, scope),
        ["state"] = Word(answer),
        ["level"] = Level(answer),
        ["ledger_index"] = answer.LedgerIndex,
        ["index_pending"] = answer.IndexPending,
        ["stopped_at"] = Instants.FromMilliseconds(answer.StoppedAt),
        ["agents_reached"] = answer.AgentsReached,
        ["credentials_reached"] = answer.CredentialsReached,
        ["agents_concerned"] = answer.AgentsConcerned,
        ["live_credentials"] = answer.LiveCredentials,
        ["matches_nobody"] = answer.MatchesNobody,
        ["epoch"] = answer.Epoch,
        ["single_operator"] = answer.SingleOperator,
        ["position"] = answer.At.Position,
    };

    internal static void Write(TextWriter text, Invocation run, Scope scope, StopResponse answer)
    {
        text.WriteLine($"{Word(answer),-7} {Name(run, scope)}");
        text.WriteLine($"level   {Level(answer)}: durable, and this registry refuses {(scope.Kind == ScopeKind.Agent ? "the agent" : "what it covers")}{(answer.State == AgentState.Restricted ? ", but for what its blueprint calls reading" : "")}");
        if (answer.MatchesNobody)
            text.WriteLine("reach   matches nobody now: the registry knows nothing of that name. It stands for what comes");
        else if (IsOfThings(scope))
            text.WriteLine($"reach   {Things(answer.AgentsConcerned)}, with {EntryText.Count((long)answer.LiveCredentials, "unexpired credential")}, lose it; none is stopped as a whole");
        else if (scope.Kind != ScopeKind.Agent || answer.CredentialsReached > 0)
            text.WriteLine($"reach   {EntryText.Count((long)answer.AgentsReached, "agent")} as a whole, and {EntryText.Count((long)answer.CredentialsReached, "credential")} that stood under what is stopped");
        text.WriteLine($"entry   {answer.LedgerIndex}, epoch {answer.Epoch}, {Instants.FromMilliseconds(answer.StoppedAt)}");
        if (answer.SingleOperator && answer.State != AgentState.Revoked)
            text.WriteLine("note    single-operator mode: one person may lift this");
        if (answer.IndexPending)
            text.WriteLine(IndexPending);
    }

    internal static JsonObject ToJson(Scope scope, PreviewStopResponse reach) => new()
    {
        ["scope"] = scope.ToString(),
        ["dry_run"] = true,
        ["agents_reached"] = reach.AgentsReached,
        ["credentials_reached"] = reach.CredentialsReached,
        ["live_credentials"] = reach.LiveCredentials,
        ["agents_concerned"] = reach.AgentsConcerned,
        ["matches_nobody"] = reach.MatchesNobody,
        ["agents_without_model"] = reach.AgentsWithoutModel,
        ["agents"] = new JsonArray([.. reach.Agents.Select(agent => (JsonNode)agent)]),
    };

    internal static void Write(TextWriter text, Scope scope, PreviewStopResponse reach)
    {
        if (reach.MatchesNobody)
            text.WriteLine($"{scope}: matches nobody now; a stop would stand for what comes. Nothing was stopped.");
        else if (IsOfThings(scope))
            text.WriteLine($"{scope}: {Things(reach.AgentsConcerned)} would lose it, and none be stopped as a whole. Nothing was stopped.");
        else
            text.WriteLine($"{scope}: would reach {EntryText.Count((long)reach.AgentsReached, "agent")} with {EntryText.Count((long)reach.LiveCredentials, "unexpired credential")}, and {EntryText.Count((long)reach.CredentialsReached, "credential")} that stand under what it covers. Nothing was stopped.");
        if (reach.AgentsWithoutModel > 0)
            text.WriteLine($"  not reached: {EntryText.Count((long)reach.AgentsWithoutModel, "agent")} whose blueprint names no model (agentid blueprint define)");
        foreach (var agent in reach.Agents.Take(20))
            text.WriteLine($"  {agent}");
        if (reach.AgentsReached > 20)
            text.WriteLine($"  and {reach.AgentsReached - 20} more; --json names up to a thousand");
    }

    // These stop a use or a credential, and cover no agent as a whole.
    private static bool IsOfThings(Scope scope) => scope.Kind is ScopeKind.Audience or ScopeKind.Resource or ScopeKind.Credential or ScopeKind.IssuerKey;

    private static string Things(ulong agents) => EntryText.Count((long)agents, "agent");

    private static string Name(Invocation run, Scope scope) => scope.Kind == ScopeKind.Agent ? run.Registry.AgentDid(scope.Id) : scope.ToString();

    private static string Word(StopResponse answer) => answer.State.ToString().ToLowerInvariant();

    // "Stopped" without a level is never said: a level that this version does not know is an error, not a guess.
    private static string Level(StopResponse answer) => answer.Level == StopLevel.Recorded
        ? "RECORDED"
        : throw Failure.Refused($"The registry names the level {answer.Level}, which this version does not know.", "Update agentid; do not count the agent as stopped before.");
}
