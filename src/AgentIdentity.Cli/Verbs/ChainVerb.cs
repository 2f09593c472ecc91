using System.CommandLine;
using AgentIdentity.Cli.Asking;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Under whose authority somebody acted.</summary>
internal static class ChainVerb
{
    private static readonly Argument<string> Who = Questioning.Who();

    public static Command Create() => new Command("chain", "The chain of command above an agent, a key, a credential or an entry, up to the sponsor.") { Who, Questioning.At, Questioning.PageSize, Questioning.Page, Questioning.Dot }.Does(RunAsync);

    private static Task<int> RunAsync(Invocation run, CancellationToken cancellationToken) => Questioning.AskAsync(
        run,
        async questions => await questions.ChainOfCommandAsync(new ChainOfCommandRequest { Question = Questioning.Question(run), Who = Questioning.Who(run, run.Get(Who)) }, cancellationToken: cancellationToken),
        answer => answer.Answered,
        Write,
        Draw);

    private static void Write(TextWriter text, ChainOfCommandResponse answer)
    {
        foreach (var chain in answer.Chains)
        {
            text.WriteLine(chain.Jti.Length == 0 ? $"{chain.Agent.Did} by its own authority" : $"{chain.Agent.Did} under credential {chain.Jti}");
            foreach (var link in chain.Links)
                text.WriteLine($"  from {link.Parent} under {link.ParentJti}, by entry {link.LedgerIndex}");
            text.WriteLine(chain.Whole ? $"  sponsor '{chain.Root.Sponsor}' answers for it" : "  what stands above that was not found");
        }
    }

    private static void Draw(DotGraph graph, ChainOfCommandResponse answer)
    {
        foreach (var chain in answer.Chains)
        {
            graph.Agent(chain.Agent);
            graph.Agent(chain.Root);
            foreach (var link in chain.Links)
                graph.Edge(link.Parent, link.Child, $"entry {link.LedgerIndex}");
            var sponsor = $"sponsor:{chain.Root.Sponsor}";
            graph.Node(sponsor, chain.Root.Sponsor, isMarked: false);
            graph.Edge(sponsor, chain.Root.Did, "answers for");
        }
    }
}
