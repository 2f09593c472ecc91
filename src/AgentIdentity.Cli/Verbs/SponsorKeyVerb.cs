using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Home;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>The next key of an agent's DID, held by its sponsor and not by the registry. Making it and signing with it need no network.</summary>
internal static class SponsorKeyVerb
{
    private static readonly Argument<string> KeyFile = new("key-file") { Description = "The file of the key. Keep it where the registry is not." };
    private static readonly Argument<string> Agent = AgentArgument.Create();
    private static readonly Argument<string> ChangeFile = new("change-file") { Description = "What agentid sponsor-key change wrote." };
    private static readonly Option<string> Out = new("--out") { Required = true, HelpName = "FILE", Description = "The change file to write." };
    private static readonly Option<string> MoveTo = new("--move-to") { HelpName = "PLACE", Description = "Let the DID's log go on at another host, which is named as in a did:webvh DID: agents.example, or agents.example%3A8443:research:reader. This registry writes no line of it after that." };
    private static readonly Option<string> MayMoveTo = new("--move-to") { HelpName = "PLACE", Description = "The place that the change takes the DID to. Without it none that takes it anywhere is signed: that is for good." };
    private static readonly Option<string> SigningKey = new("--sponsor-key") { Required = true, HelpName = "FILE", Description = "The key that the DID's log commits to." };
    private static readonly Option<string> NextKey = new("--next") { HelpName = "FILE", Description = "The key after it, from agentid sponsor-key new. A change that ends the DID takes none." };

    public static Command Create() => new("sponsor-key", "Hold the next key of an agent's DID yourself: the registry alone cannot change the DID then.")
    {
        new Command("new", "Make a key, and print its hash for agentid token create --next-did-key.") { KeyFile }.Does(NewAsync),
        new Command("change", "Ask what an agent's DID should say next, for its sponsor to sign.") { Agent, Out, MoveTo }.Does(ChangeAsync),
        new Command("sign", "Sign a change, offline, after a look at what it says.") { ChangeFile, SigningKey, NextKey, MayMoveTo }.Does(SignAsync),
        new Command("send", "Give a signed change to the registry.") { ChangeFile }.Does(SendAsync),
    };

    private static Task<int> NewAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        HomeFolder.WriteKey(run.Get(KeyFile), key);
        var hash = HashOf(key);
        run.Answer(new JsonObject { ["key_file"] = run.Get(KeyFile), ["hash"] = hash }, text => text.WriteLine(hash));
        return Task.FromResult(ExitCode.Fine);
    }

    private static async Task<int> ChangeAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var answer = await connection.Admin.GetDidChangeAsync(new GetDidChangeRequest { Agent = AgentArgument.Did(run, Agent), Place = run.Find(MoveTo) ?? "" }, cancellationToken: cancellationToken);
        var change = Parse(Encoding.UTF8.GetBytes(answer.ChangeFile), "The registry's answer");
        Write(run, run.Get(Out), change);
        return ExitCode.Fine;
    }

    private static Task<int> SignAsync(Invocation run, CancellationToken cancellationToken)
    {
        var change = ReadChange(run);
        using var key = HomeFolder.ReadKey(run.Get(SigningKey));
        var signed = change.Sign(key, NextHash(run, change), run.Find(MayMoveTo), run.Clock.GetUtcNow(), out var problem) ?? throw Failure.Refused(problem);
        Write(run, run.Get(ChangeFile), signed);
        return Task.FromResult(ExitCode.Fine);
    }

    private static async Task<int> SendAsync(Invocation run, CancellationToken cancellationToken)
    {
        var change = ReadChange(run);
        if (change.Line.Length == 0)
            throw Failure.Usage("Nobody has signed this change.", $"agentid sponsor-key sign {run.Get(ChangeFile)} --sponsor-key FILE --next FILE");
        using var key = run.Signer(CallerRole.Operator);
        using var connection = run.Connect(key);
        var answer = await connection.Admin.SubmitDidVersionAsync(new SubmitDidVersionRequest { Agent = change.Agent.ToString(), Line = change.Line }, cancellationToken: cancellationToken);
        run.Answer(new JsonObject { ["agent"] = change.Agent.ToString(), ["ledger_index"] = answer.LedgerIndex }, text => text.WriteLine($"the DID of {change.Agent} says so with entry {answer.LedgerIndex}"));
        return ExitCode.Fine;
    }

    // What is signed is shown, so that nobody signs unseen; by its name first, since a change of that takes the DID elsewhere.
    private static void Write(Invocation run, string file, DidChange change)
    {
        File.WriteAllText(file, change.ToJson() + "\n");
        var did = (JsonNode.Parse(change.Document) as JsonObject)?["id"];
        run.Answer(new JsonObject { ["agent"] = change.Agent.ToString(), ["change_file"] = file, ["document"] = JsonNode.Parse(change.Document), ["deactivates"] = change.Deactivates, ["signed"] = change.Line.Length > 0 }, text =>
        {
            text.WriteLine($"{change.Agent}  {(change.Deactivates ? "the end" : "another document")} of {did}, {(change.Line.Length > 0 ? "signed" : "to be signed")}: {file}");
            text.WriteLine(change.Document);
        });
    }

    private static string? NextHash(Invocation run, DidChange change)
    {
        if (run.Find(NextKey) is not { } file)
            return change.Deactivates ? null : throw Failure.Usage("Give the key that signs the next change with --next.", "Make one: agentid sponsor-key new FILE");
        using var next = HomeFolder.ReadKey(file);
        return HashOf(next);
    }

    private static DidChange ReadChange(Invocation run) => File.Exists(run.Get(ChangeFile))
        ? Parse(File.ReadAllBytes(run.Get(ChangeFile)), run.Get(ChangeFile))
        : throw Failure.Usage($"There is no file {run.Get(ChangeFile)}.");

    private static DidChange Parse(byte[] bytes, string what) => DidChange.TryParse(bytes, out var change) ? change : throw Failure.Refused($"{what} is no change of a DID.");

    private static string HashOf(PrivateKey key) => Multikey.NextKeyHash(Multikey.Of(key.PublicKey));
}
