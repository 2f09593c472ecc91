using System.CommandLine;
using AgentIdentity.Cli.Verbs;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;

namespace AgentIdentity.Cli.Asking;

/// <summary>What the verbs that ask have in common: the moment, the page, and the way to the registry and back.</summary>
internal static class Questioning
{
    public static readonly Option<ulong?> At = new("--at") { HelpName = "ENTRY", Description = "As of this entry of the ledger; without it, now." };
    public static readonly Option<uint> PageSize = new("--page-size") { HelpName = "N", Description = "How much to show, 1 to 1,000.", DefaultValueFactory = _ => 100 };
    public static readonly Option<string> Page = new("--page") { HelpName = "TOKEN", Description = "The next page, which is about the moment of the first.", DefaultValueFactory = _ => "" };
    public static readonly Option<bool> Dot = new("--dot") { Description = "Answer as a graph for Graphviz." };

    /// <summary>Somebody by whatever is known of them.</summary>
    public static Argument<string> Who() => new("who") { Description = "An agent (its DID, UUID, or name in the home folder), or credential:JTI, key:THUMBPRINT, entry:N." };

    public static Asked Who(Invocation run, string text) => text.Split(':', 2) switch
    {
        ["credential", var jti] => new Asked { Credential = jti },
        ["key", var key] => new Asked { Key = key },
        ["entry", var entry] => new Asked { Entry = ulong.TryParse(entry, out var index) ? index : throw Failure.Usage($"'{entry}' is no entry.", "An entry is named by its number, for example entry:12.") },
        _ => new Asked { Agent = AgentArgument.Did(run, text) },
    };

    public static Question Question(Invocation run)
    {
        var question = Moment(run);
        (question.PageSize, question.PageToken) = (run.Get(PageSize), run.Get(Page));
        return question;
    }

    /// <summary>A question whose answer has one page.</summary>
    public static Question Moment(Invocation run) => run.Find(At) is { } entry ? new Question { AtEntry = entry } : new Question();

    /// <summary>Asks, and shows the answer as JSON or as text, with the moment that it is about.</summary>
    public static async Task<int> AskAsync<T>(Invocation run, Func<Questions.QuestionsClient, Task<T>> ask, Func<T, Answered> answered, Action<TextWriter, T> write)
        where T : IMessage
    {
        var answer = await AskAsync(run, ask);
        run.Answer(WireJson.From(answer), text =>
        {
            write(text, answer);
            WriteMoment(text, answered(answer));
        });
        return ExitCode.Fine;
    }

    public static async Task<T> AskAsync<T>(Invocation run, Func<Questions.QuestionsClient, Task<T>> ask)
    {
        using var key = run.Signer(CallerRole.Operator, CallerRole.Auditor, CallerRole.Sponsor);
        using var connection = run.Connect(key);
        return await ask(connection.Questions);
    }

    /// <summary>The same for answers that are graphs.</summary>
    public static async Task<int> AskAsync<T>(Invocation run, Func<Questions.QuestionsClient, Task<T>> ask, Func<T, Answered> answered, Action<TextWriter, T> write, Action<DotGraph, T> draw)
        where T : IMessage
    {
        if (!run.Get(Dot))
            return await AskAsync(run, ask, answered, write);
        if (run.IsJson)
            throw Failure.Usage("--dot and --json are two forms of one answer.", "Ask for one of them.");
        var graph = new DotGraph();
        draw(graph, await AskAsync(run, ask));
        graph.Write(run.Output);
        return ExitCode.Fine;
    }

    private static void WriteMoment(TextWriter text, Answered answered)
    {
        text.WriteLine($"As of entry {answered.Entry}, {Instants.FromMilliseconds(answered.Time)}.");
        if (answered.NextPageToken.Length > 0)
            text.WriteLine($"There is more: --page {answered.NextPageToken}");
    }
}
