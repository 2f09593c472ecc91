using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Which enrolment tokens there are, and what has become of them. Their texts are nowhere to be read.</summary>
internal static class TokenListVerb
{
    // As with agents: envelopes can be long.
    private const uint PageSize = 100;

    private static readonly Option<string> Sponsor = new("--sponsor") { HelpName = "NAME", Description = "Only those of one sponsor.", DefaultValueFactory = _ => "" };
    private static readonly Option<string> Blueprint = new("--blueprint") { HelpName = "TEXT", Description = "Only those of one blueprint.", DefaultValueFactory = _ => "" };
    private static readonly Option<bool> All = new("--all") { Description = "Also those that enrol nobody any more: withdrawn, expired, used up." };

    public static Command Create() => new Command("list", "List the tokens that still enrol agents, oldest first.") { Sponsor, Blueprint, All }.Does(RunAsync);

    /// <summary>What a token's id is called.</summary>
    internal static string Id(EnrolmentToken token) => SubjectId.Read(token.TokenId.Span).ToString();

    internal static string State(EnrolmentToken token) => token.State switch
    {
        TokenState.TokenOpen => "open",
        TokenState.TokenUsedUp => "used-up",
        TokenState.TokenExpired => "expired",
        TokenState.TokenWithdrawn => "withdrawn",
        _ => "unknown",
    };

    internal static JsonObject ToJson(EnrolmentToken token) => new()
    {
        ["token_id"] = Id(token),
        ["token_hash"] = Hash.Read(token.TokenHash.Span).ToBase64Url(),
        ["state"] = State(token),
        ["sponsor"] = token.Sponsor,
        ["blueprint"] = token.Blueprint,
        ["labels"] = new JsonObject(token.Labels.Select(label => KeyValuePair.Create(label.Name, (JsonNode?)label.Value))),
        ["maximum_envelope"] = JsonNode.Parse(token.MaximumEnvelope),
        ["audiences"] = token.Audiences.ToJson(),
        ["uses"] = token.Uses,
        ["uses_made"] = token.UsesMade,
        ["uses_left"] = token.State == TokenState.TokenOpen ? token.Uses - token.UsesMade : 0,
        ["expires_at"] = Instants.FromMilliseconds(token.ExpiresAt),
        ["evidence"] = token.Evidence.Length == 0 ? null : JsonNode.Parse(token.Evidence),
        ["session_seconds"] = token.SessionSeconds == 0 ? null : token.SessionSeconds,
        ["next_did_key"] = token.NextDidKeyHash.Length == 0 ? null : token.NextDidKeyHash,
        ["ledger_index"] = token.LedgerIndex,
        ["created_at"] = Instants.FromMilliseconds(token.CreatedAt),
        ["created_by"] = Who(token.CreatedBy.Span, token.CreatedByName),
        ["withdrawal"] = token.Withdrawal is { } withdrawal ? ToJson(withdrawal) : null,
    };

    private static JsonObject ToJson(TokenWithdrawal withdrawal) => new()
    {
        ["ledger_index"] = withdrawal.LedgerIndex,
        ["at"] = Instants.FromMilliseconds(withdrawal.WithdrawnAt),
        ["by"] = Who(withdrawal.WithdrawnBy.Span, withdrawal.WithdrawnByName),
        ["reason"] = withdrawal.Reason,
    };

    // Who is removed has no name here any more; entries name them by id for ever.
    private static string Who(ReadOnlySpan<byte> id, string name) => name.Length > 0 ? name : SubjectId.Read(id).ToString();

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var request = new ListEnrolmentTokensRequest { PageSize = PageSize, Sponsor = run.Get(Sponsor), Blueprint = run.Get(Blueprint), WithClosed = run.Get(All) };
        using var key = run.Signer(CallerRole.Operator, CallerRole.Auditor);
        using var connection = run.Connect(key);
        var tokens = await Progress.ShowAsync(run, "Tokens", total: null, report => Pages.ReadAllAsync<EnrolmentToken>(
            async from =>
            {
                request.PageToken = from;
                var page = await connection.Admin.ListEnrolmentTokensAsync(request, cancellationToken: cancellationToken);
                return (page.Tokens, page.NextPageToken);
            },
            report));
        run.Answer(new JsonObject { ["tokens"] = new JsonArray([.. tokens.Select(ToJson)]) }, text => Write(text, tokens));
        return ExitCode.Fine;
    }

    private static void Write(TextWriter text, List<EnrolmentToken> tokens)
    {
        var table = new TextTable("STATE", "TOKEN", "SPONSOR", "BLUEPRINT", "USED", "EXPIRES", "CREATED BY");
        foreach (var token in tokens)
            table.Add(State(token), Id(token), token.Sponsor, token.Blueprint, $"{token.UsesMade} of {token.Uses}", Instants.FromMilliseconds(token.ExpiresAt), Who(token.CreatedBy.Span, token.CreatedByName));
        table.Write(text);
    }
}
