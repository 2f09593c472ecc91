using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Asks, as an enforcer, whether a presented credential may be relied on now. The exit code is the answer.</summary>
internal static class VerifyVerb
{
    private const string Example = "For example: echo \"$CREDENTIAL\" | agentid verify --proof \"$PROOF\" --method GET --url https://tools.example/documents --nonce \"$NONCE\" --audience https://tools.example";

    private static readonly Option<string> Proof = new("--proof") { Required = true, HelpName = "JWS", Description = "The DPoP proof that came with the credential." };
    private static readonly Option<string> Method = new("--method") { HelpName = "METHOD", Description = "The HTTP method of the request.", DefaultValueFactory = _ => "GET" };
    private static readonly Option<string> Url = new("--url") { Required = true, HelpName = "URL", Description = "The request's target, without query and fragment." };
    private static readonly Option<string> Nonce = new("--nonce") { Required = true, HelpName = "NONCE", Description = "The nonce that you gave the agent." };
    private static readonly Option<string> Audience = new("--audience") { Required = true, HelpName = "AUDIENCE", Description = "Your audience, exactly as the credential must name it." };
    private static readonly Option<string> ActionOption = new("--action") { HelpName = "TYPE:ACTION:LOCATION", Description = "What the request does; must be allowed by the credential." };

    private static readonly Option<string[]> Spend = BudgetOption.Create("--spend", "What the use costs: counted, and refused when a budget has not so much left; may be repeated.");

    public static Command Create() => new Command("verify", "Decide whether the credential on standard input may be relied on: exit code 0 or 1.")
    {
        Proof, Method, Url, Nonce, Audience, ActionOption, Spend,
    }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var request = Request(run, await run.ReadInputAsync("The credential", Example, cancellationToken));
        using var key = run.Signer(CallerRole.Enforcer);
        using var connection = run.Connect(key);
        var answer = await connection.Credentials.VerifyAsync(request, cancellationToken: cancellationToken);
        run.Answer(ToJson(answer), text => Write(text, answer));
        return answer.Allowed ? ExitCode.Fine : ExitCode.Refused;
    }

    private static VerifyRequest Request(Invocation run, string credential) => new()
    {
        Credential = credential,
        Proof = run.Get(Proof),
        Method = run.Get(Method),
        Url = run.Get(Url),
        Nonce = run.Get(Nonce),
        Audience = run.Get(Audience),
        Action = run.Find(ActionOption) is { } action ? ParseAction(action) : null,
        Spend = { BudgetOption.Read(run, Spend) },
    };

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
