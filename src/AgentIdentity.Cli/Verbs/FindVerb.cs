using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Home;
using AgentIdentity.Cli.Trails;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Finds where files were recorded: by the salts that were kept when they were, since the registry knows commitments only.</summary>
internal static class FindVerb
{
    private const int HexLength = 2 * Hash.Size;

    private static readonly Argument<string[]> Files = new("file") { Description = "What to look for: the content of each file.", Arity = ArgumentArity.ZeroOrMore };
    private static readonly Option<string[]> Commitments = new("--commitment") { HelpName = "HEX", Description = "Look for a commitment, as a trail shows it." };
    private static readonly Option<string> Agent = new("--agent") { HelpName = "NAME", Description = "Ask as this agent of the home folder, with its salts, among what it recorded itself." };
    private static readonly Option<string> Salts = new("--salts") { HelpName = "FILE", Description = "Ask as auditor or operator, with the salts that an agent has handed over." };

    public static Command Create() => new Command("find", "Find the entries that record a file. Searches of auditors and operators are on the record too.") { Files, Commitments, Agent, Salts }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        using var asker = Asker.Of(run, run.Find(Agent));
        var wanted = run.Find(Commitments)?.Select(ReadCommitment).ToList() ?? [];
        var unsalted = await AddFilesAsync(run, asker.SaltsFile ?? run.Find(Salts), wanted, cancellationToken);
        if (wanted.Count == 0 && unsalted.Count == 0)
            throw Failure.Usage("There is nothing to look for.", "Name files, or give commitments with --commitment.");
        var search = await CommitmentLookup.RunAsync(asker.Connection, [.. wanted.Select(one => one.Commitment)], cancellationToken);
        var missing = wanted.Where((_, i) => search.Found.TrueForAll(found => found.Wanted != i)).ToList();
        run.Answer(ToJson(wanted, unsalted, missing, search), text => Write(text, wanted, unsalted, missing, search));
        return unsalted.Count + missing.Count == 0 ? ExitCode.Fine : ExitCode.Refused;
    }

    private static WantedCommitment ReadCommitment(string hex) => hex.Length == HexLength && hex.All(char.IsAsciiHexDigit)
        ? new WantedCommitment(hex.ToLowerInvariant(), Hash.Read(Convert.FromHexString(hex)))
        : throw Failure.Usage($"'{hex}' is no commitment: {HexLength} hexadecimal digits.", "agentid trail --json shows them.");

    // Answers which files no salt is kept for.
    private static async Task<List<string>> AddFilesAsync(Invocation run, string? saltsFile, List<WantedCommitment> wanted, CancellationToken cancellationToken)
    {
        var files = run.Get(Files);
        if (files.Length == 0)
            return [];
        if (saltsFile is null)
            throw Failure.Usage("A file is found by the salts that were kept when it was recorded.", "Say whose: --agent NAME, or --salts FILE.");
        if (!File.Exists(saltsFile))
            throw Failure.Usage($"There is no file {saltsFile}, so no salts.", "Nothing was recorded from here, or the salts are elsewhere: --salts FILE.");
        var hashes = new Dictionary<string, Hash>();
        foreach (var file in files)
            hashes[file] = await HashAsync(file, cancellationToken);
        var commitments = ActivityOpening.CommitmentsTo(hashes.Values, saltsFile).ToLookup(one => one.PayloadHash, one => one.Commitment);
        foreach (var (file, hash) in hashes)
            wanted.AddRange(commitments[hash].Select(commitment => new WantedCommitment(file, commitment)));
        return [.. hashes.Where(file => !commitments.Contains(file.Value)).Select(file => file.Key)];
    }

    private static async Task<Hash> HashAsync(string file, CancellationToken cancellationToken)
    {
        if (!File.Exists(file))
            throw Failure.Usage($"There is no file {file}; nothing was sent.");
        await using var content = File.OpenRead(file);
        return Hash.Read(await SHA256.HashDataAsync(content, cancellationToken));
    }

    private static JsonObject ToJson(List<WantedCommitment> wanted, List<string> unsalted, List<WantedCommitment> missing, LookupResult search) => new()
    {
        ["found"] = new JsonArray([.. search.Found.Select(found => (JsonNode)ToJson(wanted[found.Wanted], found.Activity))]),
        ["not_found"] = new JsonArray([.. missing.Select(one => (JsonNode)new JsonObject { ["what"] = one.What, ["commitment"] = Hex(one.Commitment) })]),
        ["without_salt"] = unsalted.ToJson(),
        ["searched"] = search.Searched,
        ["complete"] = search.IsComplete,
    };

    private static JsonObject ToJson(WantedCommitment wanted, FoundCommitment found) => new JsonObject
    {
        ["what"] = wanted.What,
        ["commitment"] = Hex(wanted.Commitment),
        ["ledger_index"] = found.LedgerIndex,
        ["agent"] = found.Agent,
        ["subject_sequence"] = found.SubjectSequence,
        ["sequence"] = found.Sequence,
        ["statement"] = Convert.ToHexStringLower(found.Statement.Span),
        ["at"] = Instants.FromMilliseconds(found.SequencedAt),
        ["class"] = Class(found),
    };

    private static void Write(TextWriter text, List<WantedCommitment> wanted, List<string> unsalted, List<WantedCommitment> missing, LookupResult search)
    {
        if (search.Found.Count > 0)
        {
            var table = new TextTable("ENTRY", "TIME", "AGENT", "STATEMENT", "CLASS", "WHAT");
            foreach (var (which, found) in search.Found)
                table.Add($"{found.LedgerIndex}", Instants.FromMilliseconds(found.SequencedAt), found.Agent, $"{found.Sequence}", Class(found), wanted[which].What);
            table.Write(text);
        }
        foreach (var file in unsalted)
            text.WriteLine($"{file}: no salt of it is kept, so it was not recorded with these salts");
        foreach (var one in missing)
            text.WriteLine($"{one.What}: not found{(one.What == Hex(one.Commitment) ? "" : $" by the commitment {Hex(one.Commitment)}")}; not recorded, or erased, or another agent's");
        if (!search.IsComplete)
            text.WriteLine($"The registry makes its index again and has searched {EntryText.Count((long)search.Searched, "entry", "entries")} so far: ask again.");
    }

    private static string Hex(Hash hash) => Convert.ToHexStringLower(hash.ToArray());

    private static string Class(FoundCommitment found) => found.EntryClass.ToString().ToLowerInvariant();

    // Who asks: an agent of the home folder, or whoever's key is there.
    private sealed class Asker(IDisposable held, RegistryConnection connection, string? saltsFile) : IDisposable
    {
        public RegistryConnection Connection => connection;

        public string? SaltsFile => saltsFile;

        public static Asker Of(Invocation run, string? agentName)
        {
            if (agentName is not null)
            {
                var agent = new ActingAgent(run, agentName);
                return new Asker(agent, agent.Connection, agent.Folder.SaltsFile);
            }
            var key = run.Signer(CallerRole.Auditor, CallerRole.Operator);
            return new Asker(key, run.Connect(key), null);
        }

        public void Dispose()
        {
            connection.Dispose();
            held.Dispose();
        }
    }
}

/// <summary>A commitment that is looked for, and what it stands for: a file, or itself in hexadecimal.</summary>
internal sealed record WantedCommitment(string What, Hash Commitment);
