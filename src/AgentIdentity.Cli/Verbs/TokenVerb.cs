using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

internal static class TokenVerb
{
    private static readonly Option<string> Sponsor = new("--sponsor") { Required = true, HelpName = "NAME", Description = "Who answers for the agents: a person's or a team's name." };
    private static readonly Option<string> Blueprint = new("--blueprint") { Required = true, HelpName = "TEXT", Description = "What they are instances of: software, model, version." };
    private static readonly Option<string[]> Audiences = AuthorityOptions.Audiences("Whom their credentials may address; may be repeated.", required: true);
    private static readonly Option<string[]> Allow = AuthorityOptions.Allow("The most that a credential may carry");
    private static readonly Option<string> EnvelopeFile = AuthorityOptions.EnvelopeFile();
    private static readonly Option<int> Depth = AuthorityOptions.Depth();
    private static readonly Option<uint> Uses = new("--uses") { HelpName = "N", Description = "How many agents it enrols.", DefaultValueFactory = _ => 1 };
    private static readonly Option<uint> Lifetime = new("--lifetime") { HelpName = "SECONDS", Description = "How long it is good: 60 to 2592000.", DefaultValueFactory = _ => 3600 };

    private static readonly Option<string> NextDidKey = new("--next-did-key") { HelpName = "HASH", Description = "The sponsor holds the next key of the agents' DIDs: what agentid sponsor-key new printed." };
    private static readonly Option<string> EvidenceFile = new("--evidence") { HelpName = "FILE", Description = "What evidence the token demands, an array of rules in JSON (docs/formats.md, \"Evidence\"). Such a token need not be kept secret." };
    private static readonly Option<uint> Session = new("--session") { HelpName = "SECONDS", Description = "After how long an agent brings evidence again: 300 to 31622400; by default a day with --evidence, and never without.", DefaultValueFactory = _ => 0 };

    private static readonly Option<string[]> Labels = new("--label")
    {
        HelpName = "NAME=VALUE",
        Description = "A label of the agents, for example jurisdiction=eu; may be repeated.",
        DefaultValueFactory = _ => [],
    };

    public static Command Create() => new("token", "Enrolment tokens.")
    {
        new Command("create", "Create a token that enrols agents. It is shown once.") { Sponsor, Blueprint, Audiences, Allow, Depth, EnvelopeFile, Uses, Lifetime, Labels, NextDidKey, EvidenceFile, Session }.Does(RunAsync),
        TokenListVerb.Create(),
        TokenWithdrawVerb.Create(),
    };

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var request = Request(run);
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var answer = await connection.Admin.CreateEnrolmentTokenAsync(request, cancellationToken: cancellationToken);
        // The token alone, so that $(agentid token create …) is one.
        run.Answer(ToJson(answer), text => text.WriteLine(answer.Token));
        return ExitCode.Fine;
    }

    private static CreateEnrolmentTokenRequest Request(Invocation run)
    {
        var request = new CreateEnrolmentTokenRequest
        {
            Sponsor = run.Get(Sponsor),
            Blueprint = run.Get(Blueprint),
            MaximumEnvelope = AuthorityOptions.Envelope(run, Allow, EnvelopeFile, Depth)
                ?? throw Failure.Usage("Nothing is allowed.", "Say what agents may do, for example --allow 'documents:read,list:https://tools.example/documents/*', or give --envelope FILE."),
            Uses = run.Get(Uses),
            LifetimeSeconds = run.Get(Lifetime),
            NextDidKeyHash = run.Find(NextDidKey) ?? "",
            Evidence = run.Find(EvidenceFile) is { } file ? ReadPolicy(file) : "",
            SessionSeconds = run.Get(Session),
        };
        request.Audiences.Add(run.Get(Audiences));
        request.Labels.Add(run.Get(Labels).Select(ParseLabel));
        return request;
    }

    private static string ReadPolicy(string file)
    {
        if (!File.Exists(file))
            throw Failure.Usage($"There is no file {file}.");
        return EvidencePolicy.TryParse(File.ReadAllText(file), out var policy)
            ? policy.Canonical
            : throw Failure.Usage($"{file}: these are no rules for evidence: 1 to 8 objects of type oidc, spiffe or vouch.", "docs/formats.md, \"Evidence\", has an example.");
    }

    internal static Label ParseLabel(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0
            ? new Label { Name = text[..equals], Value = text[(equals + 1)..] }
            : throw Failure.Usage($"'{text}' is no label: NAME=VALUE is expected.");
    }

    private static JsonObject ToJson(CreateEnrolmentTokenResponse answer) => new()
    {
        ["token"] = answer.Token,
        ["token_id"] = Credentials.Identifiers.SubjectId.Read(answer.TokenId.Span).ToString(),
        ["expires_at"] = Instants.FromMilliseconds(answer.ExpiresAt),
        ["ledger_index"] = answer.LedgerIndex,
        ["epoch"] = answer.At.Epoch,
    };
}
