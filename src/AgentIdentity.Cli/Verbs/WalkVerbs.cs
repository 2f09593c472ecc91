using System.CommandLine;
using AgentIdentity.Cli.Asking;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>The verbs whose answer is a walk over agents.</summary>
internal static class WalkVerbs
{
    private static readonly Argument<string> Agent = AgentArgument.Create();
    private static readonly Argument<string> Scope = ScopeText.Create();
    private static readonly Argument<string> Target = new("target") { Description = "A location, a pattern ending in /*, or an audience." };
    private static readonly Option<uint> Hops = new("--hops") { HelpName = "N", Description = "How far, 1 to 32.", DefaultValueFactory = _ => 3 };
    private static readonly Option<string[]> Edges =
        new Option<string[]>("--edge") { HelpName = "KIND", Description = "Only these edges: delegates-to, calls, same-blueprint; may be repeated.", DefaultValueFactory = _ => [] };

    public static IEnumerable<Command> Create() =>
    [
        Walk("descendants", "Whom authority of an agent has come to.", Agent).Does((run, cancellation) => LineageAsync(run, (questions, request) => questions.DescendantsAsync(request, cancellationToken: cancellation).ResponseAsync, isUpward: false)),
        Walk("ancestors", "Whose authority has come to an agent.", Agent).Does((run, cancellation) => LineageAsync(run, (questions, request) => questions.AncestorsAsync(request, cancellationToken: cancellation).ResponseAsync, isUpward: true)),
        Walk("blast-radius", "How far trouble with an agent or a scope can have come: nearest first, then who was busiest lately.", Scope, Hops, Edges).Does(BlastRadiusAsync),
        Walk("path-to", "Who can use a location or address an audience, by itself or over a delegation.", Target).Does(PathToAsync),
    ];

    private static Command Walk(string name, string description, Argument<string> argument, params ReadOnlySpan<Option> options)
    {
        var command = new Command(name, description) { argument, Questioning.At, Questioning.PageSize, Questioning.Page, Questioning.Dot };
        foreach (var option in options)
            command.Options.Add(option);
        return command;
    }

    private static Task<int> LineageAsync(Invocation run, Func<Questions.QuestionsClient, LineageRequest, Task<WalkResponse>> ask, bool isUpward)
    {
        var request = new LineageRequest { Question = Questioning.Question(run), Agent = AgentArgument.Did(run, Agent) };
        return ShowAsync(run, questions => ask(questions, request), isUpward);
    }

    private static Task<int> BlastRadiusAsync(Invocation run, CancellationToken cancellationToken)
    {
        var request = new BlastRadiusRequest
        {
            Question = Questioning.Question(run),
            Scope = ScopeText.ToWire(ScopeText.Read(run, run.Get(Scope))),
            HopsMax = run.Get(Hops),
            Edges = { run.Get(Edges).Select(Edge) },
        };
        return ShowAsync(run, questions => questions.BlastRadiusAsync(request, cancellationToken: cancellationToken).ResponseAsync, isUpward: false);
    }

    private static Task<int> PathToAsync(Invocation run, CancellationToken cancellationToken)
    {
        var request = new PathToRequest { Question = Questioning.Question(run), Target = run.Get(Target) };
        return ShowAsync(run, questions => questions.PathToAsync(request, cancellationToken: cancellationToken).ResponseAsync, isUpward: false);
    }

    private static Task<int> ShowAsync(Invocation run, Func<Questions.QuestionsClient, Task<WalkResponse>> ask, bool isUpward) =>
        Questioning.AskAsync(run, ask, answer => answer.Answered, Write, (graph, answer) => Draw(graph, answer, isUpward));

    private static EdgeKind Edge(string word) => word switch
    {
        "delegates-to" => EdgeKind.DelegatesTo,
        "calls" => EdgeKind.Calls,
        "same-blueprint" => EdgeKind.SameBlueprint,
        _ => throw Failure.Usage($"'{word}' is no edge.", "An edge is delegates-to, calls or same-blueprint."),
    };

    private static void Write(TextWriter text, WalkResponse answer)
    {
        var table = new TextTable("HOPS", "AGENT", "STATE", "BY", "VIA", "LATELY", "SPENT", "SPONSOR", "BLUEPRINT");
        foreach (var reached in answer.Agents)
        {
            var (agent, isStart) = (reached.Agent, reached.Via.Length == 0);
            table.Add($"{reached.Hops}", agent.Did, agent.State == AgentState.Unspecified ? "" : WireJson.Word(agent.State), isStart ? "" : By(reached), reached.Via, $"{reached.Weight}", string.Join(", ", reached.Budgets.Select(use => $"{use.Spent} of {use.Amount} {use.Unit}")), agent.Sponsor, agent.Blueprint);
        }
        table.Write(text);
        text.WriteLine($"{answer.ByHops.Aggregate(0UL, (sum, count) => sum + count)} agents: {string.Join(", ", answer.ByHops.Select((count, hops) => $"{count} at {EntryText.Count(hops, "hop")}"))}.");
    }

    private static string By(ReachedAgent reached) => reached.Edge == EdgeKind.DelegatesTo ? $"delegates-to ({(reached.FirstLink == reached.LastLink ? $"entry {reached.FirstLink}" : $"entries {reached.FirstLink} to {reached.LastLink}")})" : WireJson.Word(reached.Edge);

    private static void Draw(DotGraph graph, WalkResponse answer, bool isUpward)
    {
        foreach (var reached in answer.Agents)
        {
            graph.Agent(reached.Agent, reached.Weight > 0 ? $"\n{reached.Weight} lately" : "");
            if (reached.Via.Length > 0)
                graph.Edge(isUpward ? reached.Agent.Did : reached.Via, isUpward ? reached.Via : reached.Agent.Did, WireJson.Word(reached.Edge));
        }
    }
}
