using System.CommandLine;
using AgentIdentity.Cli.Asking;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>What of a scope is alive, who is like an agent, and what a stop would break.</summary>
internal static class SpreadVerbs
{
    private static readonly Argument<string> Agent = AgentArgument.Create();
    private static readonly Argument<string> Scope = ScopeText.Create();
    private static readonly Option<string> State =
        new Option<string>("--state") { HelpName = "STATE", Description = "The stop to try.", DefaultValueFactory = _ => "frozen" }.AcceptOnlyFromAmong("restricted", "frozen", "revoked");

    public static IEnumerable<Command> Create() =>
    [
        new Command("still-alive", "What of a scope has not expired: credentials, and what was delegated onward.") { Scope, Questioning.At, Questioning.PageSize, Questioning.Page }.Does(StillAliveAsync),
        new Command("who-else", "Who shares enrolment token, blueprint, attested image or sponsor with an agent, nearest first.") { Agent, Questioning.At, Questioning.PageSize, Questioning.Page }.Does(WhoElseAsync),
        new Command("what-if", "Whom a stop would have refused lately, at enforcers and here. Nothing is stopped.") { Scope, State, Questioning.At, Questioning.PageSize, Questioning.Page }.Does(WhatIfAsync),
    ];

    private static Task<int> StillAliveAsync(Invocation run, CancellationToken cancellationToken)
    {
        var request = new StillAliveRequest { Question = Questioning.Question(run), Scope = ScopeText.ToWire(ScopeText.Read(run, run.Get(Scope))) };
        return Questioning.AskAsync(run, async questions => await questions.StillAliveAsync(request, cancellationToken: cancellationToken), answer => answer.Answered, Write);
    }

    private static Task<int> WhoElseAsync(Invocation run, CancellationToken cancellationToken)
    {
        var request = new WhoElseRequest { Question = Questioning.Question(run), Agent = AgentArgument.Did(run, Agent) };
        return Questioning.AskAsync(run, async questions => await questions.WhoElseAsync(request, cancellationToken: cancellationToken), answer => answer.Answered, Write);
    }

    private static Task<int> WhatIfAsync(Invocation run, CancellationToken cancellationToken)
    {
        var request = new WhatIfRequest
        {
            Question = Questioning.Question(run),
            Scope = ScopeText.ToWire(ScopeText.Read(run, run.Get(Scope))),
            State = Enum.Parse<AgentState>(run.Get(State), ignoreCase: true),
        };
        return Questioning.AskAsync(run, async questions => await questions.WhatIfAsync(request, cancellationToken: cancellationToken), answer => answer.Answered, Write);
    }

    private static void Write(TextWriter text, StillAliveResponse answer)
    {
        var table = new TextTable("AGENT", "STATE", "CREDENTIALS", "PASSED ON TO IT", "LAST EXPIRY");
        foreach (var alive in answer.Agents)
        {
            var last = alive.Credentials.Count > 0 ? Instants.FromSeconds(alive.Credentials.Max(credential => credential.ExpiresAt)) : "";
            table.Add(alive.Agent.Did, WireJson.Word(alive.Agent.State), $"{alive.Credentials.Count}", $"{alive.Links.Count}", last);
        }
        table.Write(text);
        if (answer.HasCredentials)
            text.WriteLine($"{EntryText.Count(answer.AgentsInScope, "agent")} with {EntryText.Count(answer.Credentials, "unexpired credential")}{(answer.HasLastExpiry ? $", the last until {Instants.FromSeconds(answer.LastExpiry)}" : "")}; {answer.Onward} delegated onward.");
        else
            text.WriteLine($"{EntryText.Count(answer.AgentsInScope, "agent")}; credentials were looked up for those shown.");
        foreach (var enforcer in answer.Enforcers)
            text.WriteLine($"{enforcer.Name} {Stands(enforcer)} ({string.Join(", ", enforcer.Audiences)})");
    }

    private static string Stands(AliveEnforcer enforcer) =>
        (enforcer.Watching ? "watches" : $"does not watch, its lease ends or ended {Instants.FromMilliseconds(enforcer.LeaseUntil)}") + (enforcer.ObserveOnly ? ", and refuses nothing" : enforcer.Epoch > 0 ? $", has signed epoch {enforcer.Epoch}" : ", has signed nothing");

    private static void Write(TextWriter text, WhoElseResponse answer)
    {
        var table = new TextTable("AGENT", "STATE", "SHARES", "SPONSOR", "BLUEPRINT");
        foreach (var kin in answer.Agents)
            table.Add(kin.Agent.Did, WireJson.Word(kin.Agent.State), kin.SameToken ? "token" : kin.SameBlueprint ? "blueprint" : kin.SameImage ? "image" : "sponsor", kin.Agent.Sponsor, kin.Agent.Blueprint);
        table.Write(text);
        text.WriteLine($"{answer.SameToken} of the same token, {answer.SameBlueprint} of the same blueprint, {answer.SameImage} of the same attested image, {answer.SameSponsor} of the same sponsor.");
    }

    private static void WriteAdmissions(TextWriter text, WhatIfResponse answer)
    {
        var table = new TextTable("AGENT", "LET IN BY", "TIMES", "WOULD BE");
        foreach (var turned in answer.Admissions)
            table.Add(turned.Agent, turned.Enforcer, $"{turned.Times}", turned.Unsure ? "refused, or some of them" : "refused");
        table.Write(text);
    }

    private static void Write(TextWriter text, WhatIfResponse answer)
    {
        var table = new TextTable("AGENT", "AUDIENCE", "ALLOWED", "WOULD BE REFUSED");
        foreach (var turned in answer.Turned)
            table.Add(turned.Agent, turned.Audience, $"{turned.Allowed}", $"{turned.Refused}{(turned.Unsure > 0 ? $", and up to {turned.Unsure} more" : "")}");
        if (answer.Turned.Count > 0)
            table.Write(text);
        if (answer.Admissions.Count > 0)
            WriteAdmissions(text, answer);
        text.WriteLine(!answer.HasAdmitted
            ? "What enforcers let in is counted for now alone: without --at it is tried as well."
            : $"Of {EntryText.Count((long)answer.Admitted, "time")} that {answer.EnforcersReporting} of {EntryText.Count(answer.Enforcers, "enforcer")} let a credential in, {answer.AdmittedRefused} would be refused"
            + (answer.AdmittedUnsure > 0 ? $", and up to {answer.AdmittedUnsure} more: they do not say what was asked for, or what stood above was not found" : "") + ".");
        var since = answer.HasSince ? $"since {Instants.FromMilliseconds(answer.Since)}" : "(none is remembered)";
        text.WriteLine($"Of {EntryText.Count(answer.Allowed, "decision")} that this registry was asked for and allowed {since}, {answer.Refused} would be refused{(answer.Unsure > 0 ? $", and up to {answer.Unsure} more: what stood above what was shown was not found in as much of the ledger as one question reads" : "")}. It reaches {EntryText.Count((long)answer.AgentsReached, "agent")}{(answer.HasCredentialsReached ? $" and {EntryText.Count((long)answer.CredentialsReached, "delegated credential")}" : "")}.");
        if (answer.MatchesNobody)
            text.WriteLine("It matches nobody.");
        text.WriteLine("Not counted: credentials that expired more than a quarter of an hour ago, what enforcers have not reported yet, and whoever asks no enforcer. Few are no sign that a stop does no harm.");
    }
}
