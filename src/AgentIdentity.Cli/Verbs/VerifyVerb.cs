using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Checking;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>
/// With the proof that came with it: asks, as an enforcer, whether a presented credential may be relied on now. Without one: checks the credential itself, in either form, against files or against what the
/// registry serves to everybody. The exit code is the answer.
/// </summary>
internal static class VerifyVerb
{
    private const string Example = "For example: agentid verify credential.json --did-document did.json; or echo \"$CREDENTIAL\" | agentid verify --proof \"$PROOF\" --method GET --url https://tools.example/documents --nonce \"$NONCE\" --audience https://tools.example";

    private static readonly Argument<string> FileName = new("file") { Description = "The credential: a file, or '-' for standard input.", DefaultValueFactory = _ => InputText.Standard };
    private static readonly Option<string> Proof = new("--proof") { HelpName = "JWS", Description = "The DPoP proof that came with the credential: ask the registry, as an enforcer. Without it the credential alone is checked." };
    private static readonly Option<string> Method = new("--method") { HelpName = "METHOD", Description = "The HTTP method of the request.", DefaultValueFactory = _ => "GET" };
    private static readonly Option<string> Url = new("--url") { HelpName = "URL", Description = "The request's target, without query and fragment." };
    private static readonly Option<string> Nonce = new("--nonce") { HelpName = "NONCE", Description = "The nonce that you gave the agent." };
    private static readonly Option<string> Audience = new("--audience") { HelpName = "AUDIENCE", Description = "Your audience, exactly as the credential must name it. Needed with --proof." };
    private static readonly Option<string> ActionOption = new("--action") { HelpName = "TYPE:ACTION:LOCATION", Description = "What the request does; must be allowed by the credential." };

    private static readonly Option<string[]> Spend = BudgetOption.Create("--spend", "What the use costs: counted, and refused when a budget has not so much left; may be repeated.");

    public static Command Create() => new Command("verify", "Decide whether a credential may be relied on: exit code 0 or 1.")
    {
        FileName, Proof, Method, Url, Nonce, Audience, ActionOption, Spend, CheckSources.Jwks, CheckSources.DidDocument, CheckSources.DidLog, CheckSources.StatusList,
    }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var credential = await InputText.ReadAsync(run, run.Get(FileName), "The credential", Example, cancellationToken);
        return run.Find(Proof) is { } proof ? await AskAsync(run, Request(run, credential, proof), cancellationToken) : await CheckAsync(run, credential, cancellationToken);
    }

    private static async Task<int> CheckAsync(Invocation run, string credential, CancellationToken cancellationToken)
    {
        var check = await CheckSources.CheckAsync(run, credential, run.Find(Audience), cancellationToken);
        run.Answer(check.ToJson(run.Registry), text => check.Write(text, run.Registry));
        return check.IsGood ? ExitCode.Fine : ExitCode.Refused;
    }

    private static async Task<int> AskAsync(Invocation run, VerifyRequest request, CancellationToken cancellationToken)
    {
        using var key = run.Signer(CallerRole.Enforcer);
        using var connection = run.Connect(key);
        var answer = await connection.Credentials.VerifyAsync(request, cancellationToken: cancellationToken);
        run.Answer(ToJson(answer), text => Write(text, answer));
        return answer.Allowed ? ExitCode.Fine : ExitCode.Refused;
    }

    private static VerifyRequest Request(Invocation run, string credential, string proof) => new()
    {
        Credential = credential,
        Proof = proof,
        Method = run.Get(Method),
        Url = HttpUrl.Read(Url.Name, Needed(run, Url)).OriginalString,
        Nonce = Needed(run, Nonce),
        Audience = Needed(run, Audience),
        Action = run.Find(ActionOption) is { } action ? ParseAction(action) : null,
        Spend = { BudgetOption.Read(run, Spend) },
    };

    private static string Needed(Invocation run, Option<string> option) => run.Find(option) ?? throw Failure.Usage($"{Proof.Name} needs {option.Name} as well.", Example);

    private static Protocol.V1.Action ParseAction(string text)
    {
        var parts = text.Split(':', 3);
        return parts.Length == 3
            ? new Protocol.V1.Action { Type = parts[0], Action_ = parts[1], Location = parts[2] }
            : throw Failure.Usage($"'{text}' is no action: TYPE:ACTION:LOCATION is expected.", "For example --action documents:read:https://tools.example/documents/7");
    }

    private static JsonObject ToJson(VerifyResponse answer) => new()
    {
        ["allowed"] = answer.Allowed,
        ["reason"] = answer.Reason,
        ["epoch"] = answer.At.Epoch,
        ["position"] = answer.At.Position,
        ["rely_until"] = answer.RelyUntil == 0 ? null : Instants.FromMilliseconds(answer.RelyUntil),
        ["left"] = BudgetOption.ToJson(answer.Left),
        ["presented"] = answer.Presented is null ? null : ToJson(answer.Presented),
    };

    private static JsonObject ToJson(Presented presented) => new()
    {
        ["did"] = presented.Did,
        ["sponsor"] = presented.Sponsor,
        ["blueprint"] = presented.Blueprint,
        ["jti"] = presented.Jti,
        ["authorization_details"] = JsonNode.Parse(presented.AuthorizationDetails),
        ["chain"] = new JsonArray([.. presented.Chain.Select(above => new JsonObject { ["did"] = above.Did, ["sponsor"] = above.Sponsor })]),
        ["expires_at"] = Instants.FromSeconds(presented.ExpiresAt),
        ["ledger_index"] = presented.LedgerIndex,
        ["jkt"] = presented.Jkt,
    };

    private static void Write(TextWriter text, VerifyResponse answer)
    {
        text.WriteLine(answer.Allowed ? $"allowed  until {Instants.FromMilliseconds(answer.RelyUntil)}" : $"refused  {answer.Reason}");
        text.WriteLine($"at       epoch {answer.At.Epoch}, position {answer.At.Position}");
        foreach (var left in answer.Left)
            text.WriteLine($"left     {left.Amount} {left.Unit}");
        if (answer.Presented is not { } presented)
            return;
        text.WriteLine($"agent    {presented.Did}, of sponsor '{presented.Sponsor}', as {presented.Blueprint}");
        foreach (var above in presented.Chain)
            text.WriteLine($"for      {above.Did}, of sponsor '{above.Sponsor}'");
    }
}
