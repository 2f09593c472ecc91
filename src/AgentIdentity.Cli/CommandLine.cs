using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using AgentIdentity.Cli.Verbs;

namespace AgentIdentity.Cli;

/// <summary>The tree of verbs, and the way from a list of words to an exit code.</summary>
internal static class CommandLine
{
    private const string Description = """
        Identities for AI agents: enrol them, let them act, see what they did, stop them.

        Exit codes: 0 fine; 1 refused, or not verified; 2 the command line or a file is not right, nothing was sent; 3 nobody answered, or the answer could not be written; 4 a split view: two histories under one key; 5 a fault in agentid itself; 130 interrupted.
        Settings come from options, else from the environment: AGENTID_REGISTRY, AGENTID_CONTROL, AGENTID_HTTP, AGENTID_PUBLIC_URL, AGENTID_CA, AGENTID_HOME, AGENTID_KEY.
        A passphrase for key files comes from AGENTID_PASSPHRASE only, since a command line can be seen by others.
        """;

    public static async Task<int> RunAsync(string[] words, Terminal terminal, CancellationToken cancellationToken)
    {
        try
        {
            var parse = Tree().Parse(words);
            return parse.Action is ParseErrorAction
                ? ErrorReport.Write(UsageFailure(parse), parse.GetValue<bool>(GlobalOptions.Json), terminal)
                : await parse.InvokeAsync(terminal, cancellationToken);
        }
        catch (Exception failed)
        {
            // What could not be told where it was asked for: standard output is full, for example.
            return ErrorReport.Write(Failures.Explain(failed), asJson: false, terminal);
        }
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
        return Failure.Usage(string.Join(" ", parse.Errors.Select(ProblemOf).Distinct()), $"See '{verb} --help'.");
    }

    private static string ProblemOf(ParseError error) => error.SymbolResult switch
    {
        OptionResult { Option: var option, Tokens: [var told, ..] } when SaysType(error, option.ValueType) => $"'{told.Value}' is not {NumberOf(option.ValueType)} that {option.Name} takes.",
        ArgumentResult { Argument: var argument, Tokens: [var told, ..] } when SaysType(error, argument.ValueType) => $"'{told.Value}' is not {NumberOf(argument.ValueType)} that <{argument.Name}> takes.",
        // The library breaks lines between the words that it would have taken; this is one sentence.
        _ => string.Join(' ', error.Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)),
    };

    // The library's word for what cannot be read names the type that it is read into. What is neither a text nor a file here is a number.
    private static bool SaysType(ParseError error, Type type) => error.Message.Contains(type.ToString(), StringComparison.Ordinal);

    private static string NumberOf(Type type) => type == typeof(double) ? "a number" : "a whole number";

    private static string VerbOf(ParseResult parse)
    {
        var names = new List<string>();
        for (var result = parse.CommandResult; result is not null; result = result.Parent as CommandResult)
            names.Insert(0, result.Command is RootCommand ? "agentid" : result.Command.Name);
        return string.Join(' ', names);
    }
}
