using System.CommandLine;
using AgentIdentity.Cli.Proofs;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Checks a trail file with nothing else at hand: no registry, no network, no home folder.</summary>
internal static class AuditVerb
{
    private static readonly Argument<string> FileName = new("file") { Description = "A trail file, as agentid trail --out writes it." };

    private static readonly Option<string> LogKeyOption = new("--log-key")
    {
        HelpName = "VKEY",
        Description = "The log's key, from where you trust it: the line itself, or a file that holds it. Without it nothing is proven.",
    };

    public static Command Create() => new Command("audit", "Check a trail file offline: exit code 0 only if everything holds under a key that you trust.") { FileName, LogKeyOption }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var logKey = run.Find(LogKeyOption) is { } given ? LogKey.Given(given).Key : null;
        var verdict = TrailVerifier.Verify(await File.ReadAllBytesAsync(run.Get(FileName), cancellationToken), logKey);
        run.Answer(VerdictText.ToJson(verdict), text => VerdictText.Write(text, verdict));
        return verdict.IsProven ? ExitCode.Fine : ExitCode.Refused;
    }
}
