using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Storage.Sqlite;
using Grpc.Core;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;

namespace AgentIdentity.Server.Tests.Maintenance;

/// <summary>
/// Data folders that earlier versions have left, in order or killed (tests/folders/make), opened by this one: agents, keys, stops, credentials and checkpoint are what they were, and the folder passes fsck before and after.
/// </summary>
public sealed class EarlierFoldersTests : IDisposable
{
    private static readonly string[] OverNames = ["CREDENTIAL_EXPIRED", "CREDENTIAL_INVALID"];

    // Of the day after the folder was left, whatever the machine's own shows: entries are never earlier than the last one, and what is valid from then on is not yet valid before.
    private readonly AdvancedClock _clock = new();
    private readonly DirectoryInfo _left = Directory.CreateTempSubdirectory("agentidentity-");

    public static TheoryData<string> Folders => [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "folders"), "*.tar.gz").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    private string Data => Path.Combine(_left.FullName, "data");

    public void Dispose() => _left.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Folders))]
    public async Task A_folder_of_an_earlier_version_opens_and_everything_in_it_is_as_it_was_left(string folder)
    {
        Unpack(folder);
        await using (var registry = await TestRegistry.StartInAsync(Data, _clock))
        {
            using var first = Connect(registry, KeyOf("operators/first.jwk"));
            await RequireAgentsAsync(first.Registry);
            await RequireAuthorityAsync(registry);
            await RequireLogAsync(registry, first.Ledger);
        }
        Assert.Equal(LedgerSchema.DataVersion, DataVersion());
        (await VerbProcess.RunAsync("fsck", "--signatures", "--data", Data)).RequireDone();
        await using var again = await TestRegistry.StartInAsync(Data, _clock);
        await RequireAuthorityAsync(again);
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public async Task A_folder_of_an_earlier_version_passes_fsck_as_it_lies_there_and_still_opens_under_that_version(string folder)
    {
        Unpack(folder);
        var version = DataVersion();
        Assert.True(version < LedgerSchema.DataVersion);
        (await VerbProcess.RunAsync("fsck", "--signatures", "--data", Data)).RequireDone();
        Assert.Equal(version, DataVersion());
    }

    private void Unpack(string folder)
    {
        using var file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "folders", folder));
        using var unzipped = new GZipStream(file, CompressionMode.Decompress);
        TarFile.ExtractToDirectory(unzipped, _left.FullName, overwriteFiles: false);
        _clock.Ahead = File.GetLastWriteTimeUtc(Path.Combine(_left.FullName, "checkpoint")).AddDays(1) - TimeProvider.System.GetUtcNow().UtcDateTime;
    }

    private long DataVersion()
    {
        using var connection = Connection.OpenReader(Path.Combine(Data, SqliteLedgerStore.FileName), cacheKibibytes: 64);
        return LedgerSchema.ReadDataVersion(connection);
    }

    private RegistryConnection Connect(TestRegistry registry, PrivateKey key) => new(registry.Address with { Clock = _clock }, key);

    // What the version of then said of its agents, stops among it, in the words of its command line.
    private async Task RequireAgentsAsync(Protocol.V1.Registry.RegistryClient registry)
    {
        using var left = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(_left.FullName, "agents.json")));
        var listed = (await registry.ListAgentsAsync(new ListAgentsRequest())).Agents;
        Assert.Equal(left.RootElement.GetProperty("agents").EnumerateArray().Select(Described), listed.Select(Described));
    }

    private static string Described(JsonElement agent) =>
        $"{Text(agent, "did")} {Text(agent, "state")} {Text(agent, "sponsor")} {Text(agent, "blueprint")} {Text(agent.GetProperty("key"), "x")} {agent.GetProperty("enrolled_index")} {agent.GetProperty("statements")} {Stop(agent.GetProperty("stop"))}";

    private static string Described(Agent agent)
    {
        using var key = JsonDocument.Parse(agent.Key.Jwk);
        var stop = agent.Stop is { } stopped ? $"{stopped.Reason} {stopped.LedgerIndex}" : "";
        return $"{agent.Did} {agent.State.ToString().ToLowerInvariant()} {agent.Sponsor} {agent.Blueprint} {Text(key.RootElement, "x")} {agent.EnrolledIndex} {agent.Statements} {stop}";
    }

    private static string Stop(JsonElement stop) => stop.ValueKind == JsonValueKind.Null ? "" : $"{Text(stop, "reason")} {stop.GetProperty("ledger_index")}";

    private static string? Text(JsonElement of, string name) => of.GetProperty(name).GetString();

    // Keys are whose they were; what was stopped is stopped; a credential of then is long over, or of a form that is read no more.
    private async Task RequireAuthorityAsync(TestRegistry registry)
    {
        var key = KeyOf("agents/reader/key.jwk");
        using var reader = Connect(registry, key);
        using var clerk = Connect(registry, KeyOf("agents/clerk/key.jwk"));
        using var gateway = Connect(registry, KeyOf("enforcers/gateway.jwk"));
        Assert.Contains((await gateway.Credentials.VerifyAsync(Presented(CredentialOf("reader"), key))).Reason, OverNames);
        var issued = await reader.Credentials.IssueAsync(new IssueRequest());
        Assert.Equal("NONE", (await gateway.Credentials.VerifyAsync(Presented(issued.Credential.Token, key))).Reason);
        await Refused.BecauseAsync(Refusal.AgentFrozen, StatusCode.PermissionDenied, clerk.Credentials.IssueAsync(new IssueRequest()));
    }

    // The checkpoint of then leads to the one of now, and every entry that it covered is proven under the key of then.
    private async Task RequireLogAsync(TestRegistry registry, Protocol.V1.Ledger.LedgerClient ledger)
    {
        var note = await File.ReadAllTextAsync(Path.Combine(_left.FullName, "checkpoint"));
        Assert.True(NoteVerifierKey.TryParse((await registry.GetAsync("/log-key")).Trim(), out var logKey, out _));
        Assert.True(Checkpoint.TryOpen(Encoding.UTF8.GetBytes(note), logKey, out var then, out _));
        var answer = await ledger.GetConsistencyAsync(new GetConsistencyRequest { KnownCheckpoint = note });
        Assert.True(Checkpoint.TryOpen(Encoding.UTF8.GetBytes(answer.Checkpoint), logKey, out var now, out _));
        Assert.True(ConsistencyProof.Verify(then.Size, now.Size, then.Root, now.Root, [.. answer.Path.Select(hash => Hash.Read(hash.Span))]));
        for (var index = 0ul; index < then.Size.Value; index++)
        {
            var receipt = await ledger.GetReceiptAsync(new GetReceiptRequest { LedgerIndex = index });
            Assert.True(TlogProof.TryParse(receipt.Receipt.Span, out var proof, out _));
            Assert.Equal(TlogProofRefusal.None, proof.Verify(MerkleHash.Leaf(receipt.Leaf.Span), TlogPolicy.LogAlone(logKey), out _, out _));
        }
    }

    private VerifyRequest Presented(string credential, PrivateKey key)
    {
        var shown = TestAgent.Presents(credential, key, _clock);
        shown.Audience = "https://tools.example";
        return shown;
    }

    private string CredentialOf(string agent)
    {
        using var kept = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_left.FullName, "home", "agents", agent, "credential.json")));
        return Text(kept.RootElement, "token")!;
    }

    private PrivateKey KeyOf(string file) =>
        PrivateKey.TryReadKeyFile(File.ReadAllBytes(Path.Combine(_left.FullName, "home", file)), "", out var key, out var problem) ? key : throw new InvalidDataException(problem);
}
