using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
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

    private static readonly Option<string> CertificateFile = new("--certificate")
    {
        HelpName = "FILE",
        Description = "A client certificate that the caller, for example a gateway, shows instead of signing its requests; PEM or DER, of a P-256 or Ed25519 key. Its key is what is registered.",
    };

    public static Command Create() =>
        new Command("register", "Register an auditor, an enforcer or a sponsor.") { RoleOption, Name, Audiences, PublicKeyFile, CertificateFile }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var role = Enum.Parse<CallerRole>(run.Get(RoleOption), ignoreCase: true);
        var request = new RegisterCallerRequest { Role = (Role)role, Name = run.Get(Name), Key = new Protocol.V1.PublicKey { Jwk = Jwk(run, role) } };
        request.Audiences.Add(run.Get(Audiences));
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var answer = await connection.Admin.RegisterCallerAsync(request, cancellationToken: cancellationToken);
        var keyFile = run.Find(PublicKeyFile) is null && run.Find(CertificateFile) is null ? run.Home.KeyFile(role, request.Name) : null;
        run.Answer(ToJson(answer, keyFile), text => Write(text, answer, keyFile));
        return ExitCode.Fine;
    }

    private static string Jwk(Invocation run, CallerRole role)
    {
        if (run.Find(PublicKeyFile) is not null && run.Find(CertificateFile) is not null)
            throw Failure.Usage("One of --public-key-file and --certificate says which key it is.");
        if (run.Find(PublicKeyFile) is { } file)
            return ReadPublicKey(file).ToJwk();
        if (run.Find(CertificateFile) is { } certificate)
            return ReadCertificateKey(certificate).ToJwk();
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

    private static PublicKey ReadCertificateKey(string file)
    {
        if (!File.Exists(file))
            throw Failure.Usage($"There is no file {file}.");
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificateFromFile(file);
            return PublicKey.TryReadSubjectPublicKeyInfo(certificate.PublicKey.ExportSubjectPublicKeyInfo(), out var key)
                ? key
                : throw Failure.Usage($"The key of the certificate {file} is neither P-256 nor Ed25519.", $"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj /CN=gateway -keyout gateway.key -out {file}");
        }
        catch (CryptographicException)
        {
            throw Failure.Usage($"{file} holds no certificate: PEM or DER is expected.");
        }
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
