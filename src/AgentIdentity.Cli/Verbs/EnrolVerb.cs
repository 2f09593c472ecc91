using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Home;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Makes a key and an agent of it. Repeating it with the same token gives the same agent.</summary>
internal static class EnrolVerb
{
    private const string Example = "For example: agentid token create … | agentid enrol --name summariser";

    private static readonly Option<string> Name = new("--name") { Required = true, HelpName = "NAME", Description = "What you call the agent; its key and state are kept under this name." };
    private static readonly Option<string> Token = new("--token") { HelpName = "TOKEN", Description = "The enrolment token. Others on this machine can see a command line: prefer a file or standard input." };
    private static readonly Option<string> TokenFile = new("--token-file") { HelpName = "FILE", Description = "A file with the token. Without either option: standard input." };

    private static readonly Option<string> Algorithm =
        new Option<string>("--algorithm") { HelpName = "NAME", Description = "es256 (P-256) or ed25519.", DefaultValueFactory = _ => "es256" }.AcceptOnlyFromAmong("es256", "ed25519");

    private static readonly Option<string[]> Labels = new("--label") { HelpName = "NAME=VALUE", Description = "What the agent says of itself; may be repeated. It is shown as its own word.", DefaultValueFactory = _ => [] };

    private static readonly Option<string> EvidenceFile = new("--evidence-file") { HelpName = "FILE", Description = "Evidence that the token demands: a workload token of an issuer, or a JWT-SVID." };
    private static readonly Option<string> Svid = new("--svid") { HelpName = "FILE", Description = "The same, an X.509-SVID and what leads to its bundle, PEM." };
    private static readonly Option<string> SvidKey = new("--svid-key") { HelpName = "FILE", Description = "The SVID's private key, PEM." };
    private static readonly Option<string> VouchedBy = new("--vouched-by") { HelpName = "NAME", Description = "The same, the word of another agent whose key is kept here." };

    public static Command Create() => new Command("enrol", "Give a new agent its identity, with an enrolment token.") { Name, Token, TokenFile, Algorithm, Labels, EvidenceFile, Svid, SvidKey, VouchedBy }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var folder = run.Home.Agent(run.Get(Name));
        var token = await ReadTokenAsync(run, cancellationToken);
        using var key = HomeFolder.MakeKey(folder.KeyFile, Enum.Parse<KeyAlgorithm>(run.Get(Algorithm), ignoreCase: true));
        using var voucher = run.Find(VouchedBy) is { } name ? run.Home.Agent(name).ReadKey() : null;
        using var connection = run.Connect();
        var labels = run.Get(Labels).Select(TokenVerb.ParseLabel).Select(label => KeyValuePair.Create(label.Name, label.Value)).ToArray();
        var agent = await AgentEnrolment.EnrollAsync(connection, token, key, labels: labels, evidence: FindEvidence(run, voucher), cancellationToken: cancellationToken);
        Invocation.Keep(() =>
        {
            folder.WriteState(agent.State);
            folder.WriteCredential(agent.Credential);
        });
        run.Answer(ToJson(agent, folder), text => Write(text, agent, folder));
        return ExitCode.Fine;
    }

    private static BringEvidence? FindEvidence(Invocation run, PrivateKey? voucher)
    {
        var (file, svid, svidKey) = (run.Find(EvidenceFile), run.Find(Svid), run.Find(SvidKey));
        if ((svid is null) != (svidKey is null))
            throw Failure.Usage("--svid and --svid-key belong together.");
        if (new[] { file, svid, svidKey }.FirstOrDefault(path => path is not null && !File.Exists(path)) is { } missing)
            throw Failure.Usage($"There is no file {missing}.");
        return (file, svid, voucher) switch
        {
            (null, null, null) => null,
            ({ }, null, null) => Evidence.FromFile(file),
            (null, { }, null) => Evidence.FromSvid(svid, svidKey!),
            (null, null, { }) => Evidence.FromAgent(voucher, run.Clock),
            _ => throw Failure.Usage("One piece of evidence is brought: --evidence-file, --svid or --vouched-by."),
        };
    }

    private static async Task<string> ReadTokenAsync(Invocation run, CancellationToken cancellationToken)
    {
        if (run.Find(Token) is { } token)
            return token;
        return run.Find(TokenFile) is { } file
            ? File.Exists(file) ? (await File.ReadAllTextAsync(file, cancellationToken)).Trim() : throw Failure.Usage($"There is no file {file}.")
            : await run.ReadInputAsync("The enrolment token", Example, cancellationToken);
    }

    private static JsonObject ToJson(EnrolledAgent agent, AgentFolder folder) => new()
    {
        ["name"] = folder.Name,
        ["did"] = agent.Did,
        ["agent_id"] = agent.AgentId.ToString(),
        ["origin"] = agent.Origin,
        ["key_file"] = folder.KeyFile,
        ["did_document"] = JsonNode.Parse(agent.DidDocument),
        ["credential"] = AgentFolder.CredentialJson(agent.Credential),
    };

    private static void Write(TextWriter text, EnrolledAgent agent, AgentFolder folder)
    {
        text.WriteLine($"agent       {agent.Did}");
        text.WriteLine($"key         {folder.KeyFile}");
        text.WriteLine($"credential  until {Instants.FromSeconds(agent.Credential.ExpiresAt.ToUnixTimeSeconds())}, entry {agent.Credential.LedgerIndex}");
    }
}
