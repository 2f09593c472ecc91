using System.CommandLine;
using AgentIdentity.Cli.Asking;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Who somebody was.</summary>
internal static class WhoIsVerb
{
    private static readonly Argument<string> Who = Questioning.Who();

    public static Command Create() => new Command("who-is", "Who an agent, a key, a credential or an entry stands for, and what stops left of it.") { Who, Questioning.At, Questioning.PageSize, Questioning.Page }.Does(RunAsync);

    private static Task<int> RunAsync(Invocation run, CancellationToken cancellationToken) => Questioning.AskAsync(
        run,
        async questions => await questions.WhoIsAsync(new WhoIsRequest { Question = Questioning.Question(run), Who = Questioning.Who(run, run.Get(Who)) }, cancellationToken: cancellationToken),
        answer => answer.Answered,
        Write);

    private static void Write(TextWriter text, WhoIsResponse answer)
    {
        if (answer.CallerName.Length > 0)
            text.WriteLine($"The key of {answer.CallerRole} '{answer.CallerName}'.");
        foreach (var who in answer.Agents)
        {
            text.WriteLine($"{who.Agent.Did}  {WireJson.Word(who.Agent.State)}");
            text.WriteLine($"  sponsor '{who.Agent.Sponsor}', blueprint '{who.Agent.Blueprint}'{string.Concat(who.Labels.Select(label => $", {AgentText.Of(label)}"))}");
            text.WriteLine($"  key {who.Jkt}, enrolled by entry {who.Agent.EnrolledIndex}, {Instants.FromMilliseconds(who.EnrolledAt)}");
            foreach (var stop in who.Stops)
                text.WriteLine($"  {(stop.WasInForce ? "in force" : "lifted  ")}  {StopsVerb.Line(stop.Stop)}");
            foreach (var credential in who.Credentials)
                text.WriteLine($"  credential {credential.Jti} for {string.Join(", ", credential.Audience)}, until {Instants.FromSeconds(credential.ExpiresAt)}");
        }
    }
}
