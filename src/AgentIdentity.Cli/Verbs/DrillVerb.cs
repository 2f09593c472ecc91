using System.CommandLine;
using AgentIdentity.Cli.Demo;
using AgentIdentity.Cli.Drill;
using AgentIdentity.Credentials.Entries;

namespace AgentIdentity.Cli.Verbs;

/// <summary>A game day: agents that exist for it are compromised, stopped and asked about, at a registry that runs.</summary>
internal static class DrillVerb
{
    private const int DelegatesMax = 48;

    private static readonly Option<int> Delegates = new("--delegates") { HelpName = "N", Description = $"How many agents the compromised one passes authority on to, 2 to {DelegatesMax}.", DefaultValueFactory = _ => 12 };

    private static readonly Option<string> Until = new Option<string>("--until") { HelpName = "LEVEL", Description = "Wait for this level: enforced, or exhausted, which takes as long as the last credential lives.", DefaultValueFactory = _ => "enforced" }
        .AcceptOnlyFromAmong("enforced", "exhausted");

    public static Command Create() => new Command("drill", "Practise an incident on agents made for it: one is compromised, stopped, and asked about; then all are revoked. Exit code 0 only if everything held.") { Delegates, Until }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        if (run.Get(Delegates) is < 2 or > DelegatesMax)
            throw Failure.Usage($"--delegates is 2 to {DelegatesMax}.", "A person may revoke a hundred agents in an hour, and the drill revokes those that it made.");
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var narrator = new Narrator(run);
        var folder = Directory.CreateTempSubdirectory("agentid-drill-").FullName;
        try
        {
            await using var tool = await DrillTool.OpenAsync(run, connection, Path.Combine(folder, "enforcer"), cancellationToken);
            await using var day = new GameDay(run, narrator, connection, tool, folder);
            await day.RunAsync(run.Get(Delegates), run.Get(Until) == "exhausted", cancellationToken);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        narrator.Check("end", narrator.HasPassed, narrator.HasPassed ? "everything held" : "something did not hold: see above");
        return narrator.HasPassed ? ExitCode.Fine : ExitCode.Refused;
    }
}
