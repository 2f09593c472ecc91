using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;
using PublicKey = AgentIdentity.Credentials.Keys.PublicKey;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Registers an auditor, enforcer or sponsor, with a key made here or one that was made elsewhere.</summary>
internal static class OperatorsRegisterVerb
{
    private static readonly Option<string> RoleOption =
        new Option<string>("--role") { Required = true, HelpName = "ROLE", Description = "What the caller is for." }.AcceptOnlyFromAmong("auditor", "enforcer", "sponsor");

    private static readonly Option<string> Name = new("--name") { Required = true, HelpName = "NAME", Description = "Unique within the role. A sponsor's name is the sponsor of its agents, which it sees and may stop." };

    private static readonly Option<string[]> Audiences = new("--audience")
    {
        HelpName = "AUDIENCE",
        Description = "For an enforcer: an audience that it answers for; may be repeated.",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };

    private static readonly Option<string> PublicKeyFile = new("--public-key-file")
    {
        HelpName = "FILE",
        Description = "The public JWK of a key that the caller keeps elsewhere. Without it a key is made in the home folder.",
    };

    public static Command Create() =>
        new Command("register", "Register an auditor, an enforcer or a sponsor.") { RoleOption, Name, Audiences, PublicKeyFile }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var role = Enum.Parse<CallerRole>(run.Get(RoleOption), ignoreCase: true);
        var request = new RegisterCallerRequest { Role = (Role)role, Name = run.Get(Name), Key = new Protocol.V1.PublicKey { Jwk = Jwk(run, role) } };
        request.Audiences.Add(run.Get(Audiences));
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var answer = await connection.Admin.RegisterCallerAsync(request, cancellationToken: cancellationToken);
        var keyFile = run.Find(PublicKeyFile) is null ? run.Home.KeyFile(role, request.Name) : null;
        run.Answer(ToJson(answer, keyFile), text => Write(text, answer, keyFile));
        return ExitCode.Fine;
    }

    private static string Jwk(Invocation run, CallerRole role)
    {
        if (run.Find(PublicKeyFile) is { } file)
            return ReadPublicKey(file).ToJwk();
        using var key = run.Home.MakeKey(role, run.Get(Name));
        return key.PublicKey.ToJwk();
    }

    internal static PublicKey ReadPublicKey(string file)
    {
        if (!File.Exists(file))
            throw Failure.Usage($"There is no file {file}.");
        return PublicKey.TryParseJwk(Encoding.UTF8.GetBytes(File.ReadAllText(file).Trim()), out var key)
            ? key
            : throw Failure.Usage($"{file} holds no public JWK: P-256 or Ed25519, without a private member, is expected.");
    }

    private static JsonObject ToJson(RegisterCallerResponse answer, string? keyFile) => new()
    {
        ["caller"] = CallerText.ToJson(answer.Caller),
        ["key_file"] = keyFile,
        ["ledger_index"] = answer.LedgerIndex,
        ["epoch"] = answer.At.Epoch,
    };

    private static void Write(TextWriter text, RegisterCallerResponse answer, string? keyFile)
    {
        text.WriteLine($"{CallerText.Role(answer.Caller)} {answer.Caller.Name} registered, entry {answer.LedgerIndex}");
        text.WriteLine(keyFile is null ? $"key  {answer.Caller.Jkt}" : $"key  {keyFile}");
    }
}
