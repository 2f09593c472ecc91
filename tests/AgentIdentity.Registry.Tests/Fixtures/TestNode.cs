using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Verifying;
using AgentIdentity.Storage.Keys;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Registry.Tests.Fixtures;

/// <summary>A registry on a folder of its own, without the network: what the server hosts.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    public const string Audience = "https://tool.example";
    public const string Envelope = """[{"type":"notes","actions":["read","write"],"locations":["notes/*"]}]""";

    private readonly SqliteLedgerStore _store;
    private readonly FileRegistryKeys _keys;

    private TestNode(string folder, TimeProvider clock, ulong snapshotEntries)
    {
        Folder = folder;
        Clock = clock;
        Assert.True(RegistryName.TryParse("https://localhost:5000", out var name, out _));
        _store = SqliteLedgerStore.Open(folder);
        _keys = new FileRegistryKeys(folder);
        Node = RegistryNode.Open(
            new RegistrySettings(name, Dev: true, SingleOperator: true) { SnapshotEntries = snapshotEntries }, _store, new SnapshotFile(folder), _keys, clock, Log.Add);
        // A proof from the second in which the registry started is stale; tests do not wait for the next one.
        (clock as ShiftedClock)?.Advance(TimeSpan.FromSeconds(1));
    }

    public string Folder { get; }

    public TimeProvider Clock { get; }

    public RegistryNode Node { get; }

    public SqliteLedgerStore Store => _store;

    public List<string> Log { get; } = [];

    public CallerRecord Operator => Node.State.Callers.Single(caller => caller.Role == CallerRole.Operator);

    public static string NewFolder() => Directory.CreateTempSubdirectory("agentidentity-").FullName;

    public static TestNode Open(string? folder = null, TimeProvider? clock = null, ulong snapshotEntries = 50_000) => new(folder ?? NewFolder(), clock ?? new ShiftedClock(), snapshotEntries);

    public static async Task<TestNode> FoundAsync(string? folder = null, TimeProvider? clock = null, ulong snapshotEntries = 50_000)
    {
        var node = Open(folder, clock, snapshotEntries);
        node.Node.Operating.Secret = BootstrapSecret.Create(node.Clock.GetUtcNow(), out var secret);
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var proof = BootstrapProof.Create(key, "https://localhost:5000", BootstrapSecret.HashOf(secret), "first", node.Clock.GetUtcNow());
        Good(await node.Node.Operating.BootstrapAsync(secret, [new FirstOperator("first", proof)]));
        return node;
    }

    public static T Good<T>(Outcome<T> outcome)
    {
        Assert.Equal((Refusal.None, ""), (outcome.Refusal, outcome.Detail ?? ""));
        return outcome.Value;
    }

    public async Task<string> NewTokenAsync(uint uses = 1) =>
        Good(await Node.Operating.CreateTokenAsync(Operator, new TokenWish("team", "bot/1", [], Envelope, [Audience], uses, 0))).Text;

    public string EnrolmentProofFor(PrivateKey key, string token) =>
        EnrolmentProof.Create(key, "https://localhost:5000", Node.Enrolment.NewChallenge(), Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(token)), Clock.GetUtcNow());

    public async Task<TestAgent> EnrollAsync(string? token = null, KeyAlgorithm algorithm = KeyAlgorithm.ES256)
    {
        token ??= await NewTokenAsync();
        var key = PrivateKey.Generate(algorithm);
        var enrolled = Good(await Node.Enrolment.EnrollAsync(token, EnrolmentProofFor(key, token), [], 0));
        return new TestAgent(this, key, enrolled.Agent.Id, enrolled.Credential.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        _store.Dispose();
        _keys.Dispose();
    }
}

/// <summary>An agent with its key, its credential and its chain.</summary>
internal sealed class TestAgent(TestNode registry, PrivateKey key, SubjectId id, string credential)
{
    private ulong _sequence;
    private Hash _previous;

    public SubjectId Id => id;

    public PrivateKey Key => key;

    public string Credential { get; set; } = credential;

    public AgentRecord Record => registry.Node.State.FindAgent(id)!;

    public VerificationRequest Use(string nonce = "n1", string action = "read")
    {
        var binding = new RequestBinding("POST", "https://tool.example/x", nonce, Credentials.Tokens.HashText.ToBase64Url(Sha256.Hash(System.Text.Encoding.ASCII.GetBytes(Credential))));
        return new VerificationRequest(
            Credential, KeyProof.Create(key, binding, registry.Clock.GetUtcNow()), new RequestedUse("POST", "https://tool.example/x", nonce), TestNode.Audience,
            new RequestedAction("notes", action, "notes/1"));
    }

    public byte[] Statement(ulong sequence, Hash previous, int commitments = 1) => SignedStatement.Encode(
        "localhost:5000", id, key.PublicKey.KeyId, sequence, previous, 1, StatementKind.Activity, new Hash[commitments]);

    public Task<Outcome<Recording.Recorded>> SendAsync(byte[] statement) =>
        registry.Node.Recording.RecordAsync(statement, key.PublicKey.Algorithm, key.Sign(statement), waitIntegrated: false, CancellationToken.None);

    public async Task<Recording.Recorded> RecordAsync()
    {
        var statement = Statement(_sequence, _previous);
        var recorded = TestNode.Good(await SendAsync(statement));
        _sequence++;
        _previous = Sha256.Hash(statement);
        return recorded;
    }
}
