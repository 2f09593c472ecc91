using System.CommandLine;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Credentials.Dids;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Resolves the log of any did:webvh DID with nothing else at hand: no registry, no network, no home folder.</summary>
internal static class ResolveLogVerb
{
    private static readonly Argument<string> FileName = new("file") { Description = "The log: what a did:webvh DID has at did.jsonl; '-' for standard input." };
    private static readonly Option<string> WitnessOption = new("--witness") { HelpName = "FILE", Description = "The witness proofs: what stands beside it at did-witness.json." };
    private static readonly Option<string> DidOption = new("--did") { HelpName = "DID", Description = "The DID that it must be the log of. Without it a log of any DID will do." };
    private static readonly Option<int?> VersionOption = new("--version-number") { HelpName = "N", Description = "An older version than the last." };

    public static Command Create() =>
        new Command("resolve-log", "Check a did:webvh log offline, line by line, and give the DID document: exit code 0 only if the whole log is good.") { FileName, WitnessOption, DidOption, VersionOption }.Does(RunAsync);

    private static Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var log = InputText.ReadBytes(run, run.Get(FileName), DidLogText.BytesMax);
        var witnesses = run.Find(WitnessOption) is { } file ? InputText.ReadBytes(file, DidLogText.BytesMax) : [];
        var resolved = WebvhResolver.Resolve(log, witnesses, run.Find(DidOption), run.Clock.GetUtcNow());
        var history = resolved.History ?? throw DidLogText.Refused(resolved);
        var wanted = run.Find(VersionOption);
        var version = wanted is null ? history.Latest : history.Versions.FirstOrDefault(version => version.Number == wanted) ?? throw Failure.Refused($"The log has {history.Versions.Count} versions, and no version {wanted}.");
        run.Answer(DidResolution.Of(history, version).ToJson(), text => Write(text, history, version));
        return Task.FromResult(ExitCode.Fine);
    }

    private static void Write(TextWriter text, WebvhHistory history, WebvhVersion version)
    {
        text.WriteLine($"{version.Did}  version {version.Number} of {history.Versions.Count}, {version.TimeText}{(history.IsDeactivated ? "  deactivated" : "")}");
        if (!history.IsDeactivated || version != history.Latest)
            text.WriteLine(version.Document);
    }
}
