using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Home;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Records what an agent did, as salted hashes: the content stays here, and so do the salts.</summary>
internal static class RecordVerb
{
    private const int HexLength = 2 * Hash.Size;

    private static readonly Argument<string[]> Files = new("file") { Description = "What to record: the hash of each file.", Arity = ArgumentArity.ZeroOrMore };
    private static readonly Option<string> Agent = AgentArgument.Name("The agent's name in the home folder.");
    private static readonly Option<bool> StdinHashes = new("--stdin-hashes") { Description = "Take SHA-256 hashes from standard input, one in hexadecimal a line." };

    private static readonly Option<string> Kind =
        new Option<string>("--kind") { HelpName = "KIND", Description = "activity, intent or result.", DefaultValueFactory = _ => "activity" }.AcceptOnlyFromAmong("activity", "intent", "result");

    private static readonly Option<int> PerStatement = new("--per-statement")
    {
        HelpName = "N",
        Description = "Hashes under one signature at most: 1 to 1000.",
        DefaultValueFactory = _ => SignedStatement.CommitmentsMax,
    };

    private static readonly Option<string> Wait =
        new Option<string>("--wait") { HelpName = "LEVEL", Description = "sequenced (durable), integrated (under a signed checkpoint) or witnessed (cosigned by a quorum).", DefaultValueFactory = _ => "sequenced" }.AcceptOnlyFromAmong("sequenced", "integrated", "witnessed");

    public static Command Create() => new Command("record", "Put what an agent did on the record, as hashes signed by the agent.") { Files, Agent, StdinHashes, Kind, PerStatement, Wait }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var perStatement = run.Get(PerStatement) is >= 1 and <= SignedStatement.CommitmentsMax and var n ? n : throw Failure.Usage("--per-statement takes 1 to 1000.");
        using var agent = new ActingAgent(run, run.Get(Agent));
        var hashes = run.Get(StdinHashes) ? await ReadHashesAsync(run, cancellationToken) : await HashFilesAsync(run, cancellationToken);
        if (hashes.Count == 0)
            throw Failure.Usage("There is nothing to record.", "Name files, or give hashes on standard input with --stdin-hashes.");
        var (kind, level) = (Enum.Parse<StatementKind>(run.Get(Kind), ignoreCase: true), Enum.Parse<AckLevel>(run.Get(Wait), ignoreCase: true));
        using var recorder = new ActivityRecorder(agent.Connection, agent.State, agent.Key, agent.Folder.ChainFile, agent.Folder.SaltsFile);
        // What an earlier run left open comes first. Whoever asks for the same again asks what became of it, and not for a second one.
        var settled = await recorder.ResumeAsync(level, cancellationToken);
        var groups = hashes.Chunk(perStatement).ToArray();
        var answered = settled?.Kind == kind ? GroupOf(settled, groups, agent.Folder.SaltsFile) : -1;
        var recorded = new List<RecordedActivity>();
        try
        {
            await Progress.ShowAsync(run, "Recording", hashes.Count, async report =>
            {
                for (var i = 0; i < groups.Length; i++)
                {
                    recorded.Add(i == answered ? settled! : await recorder.RecordHashesAsync(groups[i], kind, level, cancellationToken));
                    report(CountOf(recorded));
                }
                return recorded;
            });
        }
        finally
        {
            // Told though a later one fails: who runs this again must know what is recorded.
            if (settled is not null || recorded.Count > 0)
                run.Answer(ToJson(agent, settled, recorded), text => Write(text, settled, recorded));
        }
        return ExitCode.Fine;
    }

    // Which of them the statement is of, as the salts say that were kept of it; -1 for none.
    private static int GroupOf(RecordedActivity settled, Hash[][] groups, string saltsFile)
    {
        var known = ActivityOpening.CommitmentsTo([.. groups.SelectMany(group => group)], saltsFile).ToHashSet();
        return Array.FindIndex(groups, group => group.Length == settled.Commitments.Count && group.Zip(settled.Commitments).All(known.Contains));
    }

    private static int CountOf(List<RecordedActivity> recorded) => recorded.Sum(statement => statement.Commitments.Count);

    private static async Task<List<Hash>> HashFilesAsync(Invocation run, CancellationToken cancellationToken)
    {
        var hashes = new List<Hash>();
        foreach (var file in run.Get(Files))
        {
            if (!File.Exists(file))
                throw Failure.Usage($"There is no file {file}; nothing was recorded.");
            await using var content = File.OpenRead(file);
            hashes.Add(Hash.Read(await SHA256.HashDataAsync(content, cancellationToken)));
        }
        return hashes;
    }

    private static async Task<List<Hash>> ReadHashesAsync(Invocation run, CancellationToken cancellationToken)
    {
        if (run.Get(Files).Length > 0)
            throw Failure.Usage("Files and --stdin-hashes do not go together.", "Give one of the two.");
        var hashes = new List<Hash>();
        while (await run.Input.ReadLineAsync(cancellationToken) is { } line)
        {
            // sha256sum writes the name of the file behind the hash.
            var text = line.Split(' ', 2)[0];
            if (text.Length != HexLength || !text.All(char.IsAsciiHexDigit))
                throw Failure.Usage($"Line {hashes.Count + 1} of standard input does not begin with a SHA-256 hash in hexadecimal; nothing was recorded.", "For example: sha256sum * | agentid record --agent NAME --stdin-hashes");
            hashes.Add(Hash.Read(Convert.FromHexString(text)));
        }
        return hashes;
    }

    private static JsonObject ToJson(ActingAgent agent, RecordedActivity? settled, List<RecordedActivity> recorded) => new()
    {
        ["agent"] = agent.State.Did,
        ["hashes"] = CountOf(recorded),
        ["salts_file"] = agent.Folder.SaltsFile,
        ["statements"] = new JsonArray([.. recorded.Select(ToJson)]),
        ["settled"] = settled is null ? null : ToJson(settled),
    };

    private static JsonNode ToJson(RecordedActivity recorded)
    {
        var json = new JsonObject
        {
            ["sequence"] = recorded.Sequence,
            ["statement"] = Convert.ToHexStringLower(recorded.Statement.ToArray()),
            ["ledger_index"] = recorded.LedgerIndex,
            ["class"] = Word(recorded.EntryClass),
            ["level"] = Word(recorded.Level),
            ["leaf_hash"] = recorded.LeafHash.ToString(),
            ["recorded_at"] = Instants.FromMilliseconds(recorded.RecordedAt.ToUnixTimeMilliseconds()),
        };
        if (recorded.Promise is { } promise)
            json["promise"] = new JsonObject { ["note"] = promise.Note, ["path"] = new JsonArray([.. promise.Path.Select(hash => (JsonNode)hash.ToString())]) };
        return json;
    }

    private static void Write(TextWriter text, RecordedActivity? settled, List<RecordedActivity> recorded)
    {
        if (settled is not null && !recorded.Contains(settled))
            text.WriteLine($"{Line(settled)}  left open by an earlier run, and not of what was asked for now");
        foreach (var statement in recorded)
            text.WriteLine(statement == settled ? $"{Line(statement)}  left open by an earlier run" : Line(statement));
        text.WriteLine($"{EntryText.Count(CountOf(recorded), "hash", "hashes")} in {EntryText.Count(recorded.Count, "statement")}");
    }

    private static string Line(RecordedActivity recorded) =>
        $"entry {recorded.LedgerIndex}  statement {recorded.Sequence}  {Word(recorded.EntryClass)}  {Word(recorded.Level)}  {Instants.FromMilliseconds(recorded.RecordedAt.ToUnixTimeMilliseconds())}";

    private static string Word(Enum value) => value.ToString().ToLowerInvariant();
}
