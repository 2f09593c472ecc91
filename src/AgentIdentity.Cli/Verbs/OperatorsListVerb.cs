using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

internal static class OperatorsListVerb
{
    private static readonly Option<string> RoleOption =
        new Option<string>("--role") { HelpName = "ROLE", Description = "Only those of one role." }.AcceptOnlyFromAmong("operator", "auditor", "enforcer", "sponsor");

    public static Command Create() => new Command("list", "List operators, auditors, enforcers and sponsors.") { RoleOption }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var request = new ListCallersRequest { Role = Enum.Parse<Role>(run.Find(RoleOption) ?? nameof(Role.Unspecified), ignoreCase: true) };
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var answer = await connection.Admin.ListCallersAsync(request, cancellationToken: cancellationToken);
        run.Answer(new JsonObject { ["callers"] = new JsonArray([.. answer.Callers.Select(CallerText.ToJson)]) }, text => Write(text, answer.Callers));
        return ExitCode.Fine;
    }

    private static void Write(TextWriter text, IEnumerable<Caller> callers)
    {
        var table = new TextTable("ROLE", "NAME", "KEY", "SINCE", "PASSKEY AT", "AUDIENCES");
        foreach (var caller in callers)
            table.Add(CallerText.Role(caller), caller.Name, caller.Jkt, Instants.FromMilliseconds(caller.RegisteredAt), caller.PasskeyOrigin, string.Join(' ', caller.Audiences));
        table.Write(text);
    }
}
