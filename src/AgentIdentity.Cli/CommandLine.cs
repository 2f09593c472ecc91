using System.CommandLine;
using System.CommandLine.Invocation;
using AgentIdentity.Cli.Verbs;

namespace AgentIdentity.Cli;

/// <summary>The tree of verbs, and the way from a list of words to an exit code.</summary>
internal static class CommandLine
{
    private const string Description = """
        Identities for AI agents: enrol them, let them act, see what they did, stop them.

        Exit codes: 0 fine; 1 refused, or not verified; 2 the command line or a file is not right, nothing was sent; 3 nobody answered; 4 a split view: two histories under one key.
        Settings come from options, else from the environment: AGENTID_REGISTRY, AGENTID_CONTROL, AGENTID_HTTP, AGENTID_PUBLIC_URL, AGENTID_CA, AGENTID_HOME, AGENTID_KEY.
        A passphrase for key files comes from AGENTID_PASSPHRASE only, since a command line can be seen by others.
        """;

    public static async Task<int> RunAsync(string[] words, Terminal terminal, CancellationToken cancellationToken)
    {
        var parse = Tree().Parse(words);
        return parse.Action is ParseErrorAction
            ? ErrorReport.Write(UsageFailure(parse), parse.GetValue<bool>(GlobalOptions.Json), terminal)
            : await parse.InvokeAsync(terminal, cancellationToken);
    }

    private static RootCommand Tree()
    {
        var root = new RootCommand(Description)
        {
            BootstrapVerb.Create(),
            OperatorsVerb.Create(),
            TokenVerb.Create(),
            EnrolVerb.Create(),
            IssueVerb.Create(),
            DelegateVerb.Create(),
            ProofVerb.Create(),
            CallVerb.Create(),
            VerifyVerb.Create(),
            RecordVerb.Create(),
            FindVerb.Create(),
            TrailVerb.Create(),
            EntriesVerb.Create(),
            AuditVerb.Create(),
            ResolveLogVerb.Create(),
            AnchorVerb.Create(),
            StopVerb.Create(),
            RecallVerb.Create(),
            StopsVerb.Create(),
            PropagationVerb.Create(),
            CertificateVerb.Create(),
            WhoIsVerb.Create(),
            ChainVerb.Create(),
            RestoreVerb.Create(),
            CutVerb.Create(),
            BreakGlassVerb.Create(),
            RulesVerb.Create(),
            BlueprintVerb.Create(),
            EraseVerb.Create(),
            HoldVerb.Create(),
            ApproveVerb.Create(),
            AgentsVerb.Create(),
            ProveVerb.Create(),
            ReceiptVerb.Create(),
            WitnessesVerb.Create(),
            ExportLogVerb.Create(),
            RotateKeyVerb.Create(),
            ReplaceKeyVerb.Create(),
            RotateIssuerKeyVerb.Create(),
            RotateDidKeyVerb.Create(),
            SponsorKeyVerb.Create(),
            DevCertVerb.Create(),
            DemoVerb.Create(),
            DemoAgentVerb.Create(),
            DrillVerb.Create(),
        };
        foreach (var question in WalkVerbs.Create().Concat(ConductVerbs.Create()).Concat(SpreadVerbs.Create()))
            root.Add(question);
        GlobalOptions.AddTo(root);
        return root;
    }

    private static Failure UsageFailure(ParseResult parse)
    {
        var verb = VerbOf(parse);
        // The library breaks lines between the words that it would have taken; this is one sentence.
        var problems = string.Join(" ", parse.Errors.Select(error => string.Join(' ', error.Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))).Distinct());
        return Failure.Usage(problems, $"See '{verb} --help'.");
    }

    private static string VerbOf(ParseResult parse)
    {
        var names = new List<string>();
        for (var result = parse.CommandResult; result is not null; result = result.Parent as System.CommandLine.Parsing.CommandResult)
            names.Insert(0, result.Command is RootCommand ? "agentid" : result.Command.Name);
        return string.Join(' ', names);
    }
}
