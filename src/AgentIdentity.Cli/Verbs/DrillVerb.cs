using System.CommandLine;
using AgentIdentity.Cli.Demo;
using AgentIdentity.Cli.Drill;
using AgentIdentity.Cli.Home;
using AgentIdentity.Credentials.Entries;

namespace AgentIdentity.Cli.Verbs;

/// <summary>A game day: agents that exist for it are compromised, stopped and asked about, at a registry that runs.</summary>
internal static class DrillVerb
{
    private const int DelegatesMax = 48;

    private static readonly Option<int> Delegates = new("--delegates") { HelpName = "N", Description = $"How many agents the compromised one passes authority on to, 2 to {DelegatesMax}.", DefaultValueFactory = _ => 12 };

    private static readonly Option<string> Until = new Option<string>("--until") { HelpName = "LEVEL", Description = "Wait for this level: enforced, or exhausted, which takes as long as the last credential lives.", DefaultValueFactory = _ => "enforced" }
        .AcceptOnlyFromAmong("enforced", "exhausted");

    private static readonly Option<string> Tool = new("--tool") { HelpName = "URL", Description = "Let the agents call this tool too, with GET. Its enforcer is then among those that the stop waits for." };
    private static readonly Option<string> Audience = new("--audience") { HelpName = "AUDIENCE", Description = "With --tool: whom its credentials are for." };
    private static readonly Option<string> Allow = new("--allow") { HelpName = "TYPE:ACTION:LOCATION", Description = "With --tool: what the call takes." };

    public static Command Create() => new Command("drill", "Practise an incident on agents made for it: one is compromised, stopped, and asked about; then all are revoked. Exit code 0 only if everything held.") { Delegates, Until, Tool, Audience, Allow }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        if (run.Get(Delegates) is < 2 or > DelegatesMax)
            throw Failure.Usage($"--delegates is 2 to {DelegatesMax}.", "A person may revoke a hundred agents in an hour, and the drill revokes those that it made.");
        var named = Named(run);
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var narrator = new Narrator(run);
        var folder = PrivateFiles.MakeTemporaryFolder("agentid-drill-");
        try
        {
            await using var tool = await DrillTool.OpenAsync(run, connection, named, Path.Combine(folder, "enforcer"), cancellationToken);
            await using var day = new GameDay(run, narrator, key, connection, tool, folder);
            await day.RunAsync(run.Get(Delegates), run.Get(Until) == "exhausted", cancellationToken);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        narrator.Check("end", narrator.HasPassed, narrator.HasPassed ? "everything held" : "something did not hold: see above");
        return narrator.HasPassed ? ExitCode.Fine : ExitCode.Refused;
    }

    private static NamedTool? Named(Invocation run) => (run.Find(Tool), run.Find(Audience), run.Find(Allow)) switch
    {
        (null, null, null) => null,
        ({ } url, { } audience, { } allow) => new NamedTool(HttpUrl.Read(Tool.Name, url), audience, allow),
        _ => throw Failure.Usage("--tool URL, --audience and --allow go together.", "For example --tool https://tools.example/weather --audience https://tools.example --allow tool:read:https://tools.example/weather"),
    };
}
