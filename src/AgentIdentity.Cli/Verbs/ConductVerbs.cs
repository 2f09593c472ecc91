using System.CommandLine;
using System.Globalization;
using AgentIdentity.Cli.Asking;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>What an agent did, and what it could have done.</summary>
internal static class ConductVerbs
{
    private static readonly Argument<string> Agent = AgentArgument.Create();
    private static readonly Option<string> From = Instant("--from", "Only what was written at this time or later.");
    private static readonly Option<string> To = Instant("--to", "Only what was written before this time.");

    public static IEnumerable<Command> Create() =>
    [
        new Command("what-did", "What is on the record about an agent in a period.") { Agent, From, To, Questioning.At, Questioning.PageSize, Questioning.Page }.Does(WhatDidAsync),
        new Command("could-have", "What an agent's own authority and what was passed on to it allowed, less what was stopped.") { Agent, Questioning.At }.Does(CouldHaveAsync),
    ];

    private static Task<int> WhatDidAsync(Invocation run, CancellationToken cancellationToken)
    {
        var request = new WhatDidRequest { Question = Questioning.Question(run), Agent = AgentArgument.Did(run, Agent), From = Milliseconds(run, From), To = Milliseconds(run, To) };
        return Questioning.AskAsync(run, async questions => await questions.WhatDidAsync(request, cancellationToken: cancellationToken), answer => answer.Answered, Write);
    }

    private static Task<int> CouldHaveAsync(Invocation run, CancellationToken cancellationToken)
    {
        var request = new CouldHaveRequest { Question = Questioning.Moment(run), Agent = AgentArgument.Did(run, Agent) };
        return Questioning.AskAsync(run, async questions => await questions.CouldHaveAsync(request, cancellationToken: cancellationToken), answer => answer.Answered, Write);
    }

    private static void Write(TextWriter text, WhatDidResponse answer)
    {
        foreach (var deed in answer.Deeds)
        {
            var what = deed.Commitments > 0 ? $", {EntryText.Count(deed.Commitments, "hash", "hashes")}" : "";
            var worth = $"{(deed.Quarantined ? ", quarantined" : "")}{(deed.Erased ? ", erased" : "")}{(deed.HasCutBy ? $", not relied on (cut by entry {deed.CutBy})" : "")}";
            text.WriteLine($"entry {deed.LedgerIndex}  {Instants.FromMilliseconds(deed.SequencedAt)}  {EntryText.Kind((EntryKind)deed.Kind)}{what}{worth}");
        }
        text.WriteLine($"{EntryText.Count(answer.Statements, "statement")} with {EntryText.Count(answer.Commitments, "hash", "hashes")} here: {answer.Quarantined} quarantined, {answer.NotReliedOn} not relied on, {answer.Erased} erased; {EntryText.Count(answer.Forks, "forked chain")}.");
        foreach (var admitted in answer.Admitted)
            text.WriteLine($"{(admitted.Name.Length > 0 ? admitted.Name : "an enforcer that was removed")} has let it in {EntryText.Count((long)admitted.Times, "time")}, last said {Instants.FromMilliseconds(admitted.LastAt)}.");
        text.WriteLine(answer.Basis);
    }

    private static void Write(TextWriter text, CouldHaveResponse answer)
    {
        text.WriteLine($"{answer.Agent.Did}  {WireJson.Word(answer.Agent.State)}");
        foreach (var authority in answer.Authorities)
        {
            var source = authority.Link is { } link ? $"from {link.Parent} by entry {link.LedgerIndex}, until {Instants.FromSeconds(link.ExpiresAt)}" : "its own";
            text.WriteLine($"{source}: {WireJson.Word(authority.State)}{(authority.Reason.Length > 0 ? $" ({authority.Reason})" : "")}");
            text.WriteLine($"  {authority.Envelope}");
            text.WriteLine($"  at {string.Join(", ", authority.Audiences)}{(authority.StoppedAudiences.Count > 0 ? $"; stopped: {string.Join(", ", authority.StoppedAudiences)}" : "")}");
        }
        foreach (var location in answer.StoppedLocations)
            text.WriteLine($"nobody might use {location}");
    }

    private static Option<string> Instant(string name, string description) => new(name) { HelpName = "TIME", Description = description, DefaultValueFactory = _ => "" };

    private static long Milliseconds(Invocation run, Option<string> option)
    {
        var text = run.Get(option);
        if (text.Length == 0)
            return 0;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.ToUnixTimeMilliseconds()
            : throw Failure.Usage($"'{text}' is no time.", "A time is written as 2026-11-21T09:30:00Z.");
    }
}
