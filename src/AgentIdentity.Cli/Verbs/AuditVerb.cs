using System.CommandLine;
using AgentIdentity.Cli.Chains;
using AgentIdentity.Cli.Proofs;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Credentials.Certificates;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Checks a trail file or a containment certificate with nothing else at hand: no registry, no network, no home folder. Nodes of a chain are asked when they are named.</summary>
internal static class AuditVerb
{
    private static readonly Argument<string> FileName = new("file") { Description = "What agentid trail --out or agentid certificate --out wrote." };

    private static readonly Option<string> LogKeyOption = new("--log-key")
    {
        HelpName = "VKEY",
        Description = "The log's key, from where you trust it: the line itself, or a file that holds it. Without it nothing is proven.",
    };

    // A trail of some millions of entries.
    private const int FileBytesMax = 1 << 30;

    private static readonly Option<string> PolicyOption = new("--policy") { HelpName = "FILE", Description = "Instead of --log-key: a policy (C2SP tlog-policy) with the log, the witnesses and the quorum that you trust." };

    private static readonly Option<string> DidLogOption = new("--did-log") { HelpName = "FILE", Description = "The agent's DID log, as it was fetched: each version of it, up to a move to another host, must stand in the trail." };

    private static readonly Option<string> WithOption = new("--with")
    {
        HelpName = "OTHER",
        Description = "Was somebody else shown the same log? Their trail file, certificate or checkpoint is held against this one; two histories under one key are a split view.",
    };

    private static readonly Option<bool> AskOption = new("--ask") { Description = "With --with, when the two files alone do not decide it: ask the registry to prove that both belong to one history." };

    private static readonly Option<string[]> RpcOption = ChainQuestion.Option();

    public static Command Create() => new Command("audit", "Check a trail file or a certificate offline: exit code 0 only if everything holds under a key that you trust.") { FileName, LogKeyOption, PolicyOption, DidLogOption, WithOption, AskOption, RpcOption }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var bytes = InputText.ReadBytes(run.Get(FileName), FileBytesMax);
        if (run.Find(WithOption) is not null && run.Find(DidLogOption) is not null)
            throw Failure.Usage("--did-log goes with the audit of one trail: leave --with out.");
        var nodes = ChainQuestion.Nodes(run, RpcOption);
        if (run.Find(WithOption) is not null && nodes.Length > 0)
            throw Failure.Usage("--rpc goes with the audit of one file: leave --with out.");
        if (run.Find(WithOption) is { } other)
            return await ViewComparison.RunAsync(run, bytes, InputText.ReadBytes(other, FileBytesMax), Policy(run), run.Get(AskOption), cancellationToken);
        return CertificateFile.Begins(bytes) ? await CheckCertificateAsync(run, bytes, nodes, cancellationToken) : await CheckTrailAsync(run, bytes, nodes, cancellationToken);
    }

    private static async Task<int> CheckCertificateAsync(Invocation run, byte[] bytes, Uri[] nodes, CancellationToken cancellationToken)
    {
        if (run.Find(DidLogOption) is not null)
            throw Failure.Usage("--did-log goes with a trail: a certificate has no enrolment that a DID log could be held against.");
        var verdict = CertificateVerifier.Verify(bytes, Policy(run));
        if (nodes.Length > 0)
            verdict = verdict.Asked(await ChainQuestion.AskAsync(verdict.Anchor, nodes, cancellationToken));
        run.Answer(CertificateText.ToJson(verdict), text => CertificateText.Write(text, verdict));
        return verdict.IsProven ? ExitCode.Fine : ExitCode.Refused;
    }

    private static async Task<int> CheckTrailAsync(Invocation run, byte[] bytes, Uri[] nodes, CancellationToken cancellationToken)
    {
        var verdict = TrailVerifier.Verify(bytes, Policy(run));
        if (nodes.Length > 0)
            verdict = verdict.Asked(await ChainQuestion.AskAsync(verdict.Anchor, nodes, cancellationToken));
        var didLog = run.Find(DidLogOption) is { } file ? DidLogText.Compare(InputText.ReadBytes(file, DidLogText.BytesMax), verdict, run.Clock.GetUtcNow()) : null;
        var isLogGood = didLog is not { Unlogged.Count: > 0 };
        var json = VerdictText.ToJson(verdict, isLogGood);
        if (didLog is not null)
            json["did_log"] = DidLogText.ToJson(didLog);
        run.Answer(json, text =>
        {
            if (didLog is not null)
                DidLogText.Write(text, didLog);
            VerdictText.Write(text, verdict, isLogGood);
        });
        return verdict.IsProven && isLogGood ? ExitCode.Fine : ExitCode.Refused;
    }

    private static TlogPolicy? Policy(Invocation run) => (run.Find(LogKeyOption), run.Find(PolicyOption)) switch
    {
        (null, null) => null,
        ({ } key, null) => TlogPolicy.LogAlone(LogKey.Given(key).Key),
        (null, { } file) => PolicyFile.Read(file),
        _ => throw Failure.Usage("--log-key and --policy say the same thing: give one of them."),
    };
}
