using System.CommandLine;
using System.Text;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Ends an enrolment token. One operator suffices, as for a stop: it only takes away.</summary>
internal static class TokenWithdrawVerb
{
    private const string Prefix = "aie_";

    private static readonly Argument<string> Token = new("token") { Description = "Its id, as agentid token list shows it, or the token itself, of which only the hash is sent; - takes either from standard input." };
    private static readonly Option<string> Reason = new("--reason") { Required = true, HelpName = "TEXT", Description = "For the record." };

    public static Command Create() => new Command("withdraw", "End a token: it enrols nobody any more. The agents that it has enrolled stay what they are.") { Token, Reason }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var text = run.Get(Token);
        if (text == InputText.Standard)
            text = await run.ReadInputAsync("The token, or its id", "For example: agentid token withdraw - --reason 'it was in a public file' < token", cancellationToken);
        var request = Request(text);
        request.Reason = run.Get(Reason);
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var token = (await connection.Admin.WithdrawEnrolmentTokenAsync(request, cancellationToken: cancellationToken)).Token;
        run.Answer(TokenListVerb.ToJson(token), output => Write(output, token));
        return ExitCode.Fine;
    }

    private static WithdrawEnrolmentTokenRequest Request(string text) => SubjectId.TryParse(text, out var id)
        ? new WithdrawEnrolmentTokenRequest { TokenId = ByteString.CopyFrom(id.ToArray()) }
        : text.StartsWith(Prefix, StringComparison.Ordinal)
            ? new WithdrawEnrolmentTokenRequest { TokenHash = ByteString.CopyFrom(Sha256.Hash(Encoding.UTF8.GetBytes(text)).ToArray()) }
            : throw Failure.Usage("That is neither the id of a token nor an enrolment token.", "agentid token list --all shows the ids.");

    private static void Write(TextWriter output, EnrolmentToken token)
    {
        output.WriteLine($"withdrawn by entry {token.Withdrawal.LedgerIndex}, {Instants.FromMilliseconds(token.Withdrawal.WithdrawnAt)}: {TokenListVerb.Id(token)} enrols nobody any more");
        if (token.UsesMade > 0)
            output.WriteLine($"{EntryText.Count(token.UsesMade, "agent", "agents")} came in with it before: agentid agents list --token {TokenListVerb.Id(token)}");
    }
}
