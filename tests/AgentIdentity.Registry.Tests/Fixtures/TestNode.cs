using System.Diagnostics;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Registry.Enrolling;
using AgentIdentity.Registry.Issuing;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Recording;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Stopping;
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

    public const string Url = "https://localhost:5000";

    /// <summary>How long a test waits for what must come.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private bool _isDisposed;

    private TestNode(string folder, ManualClock clock, ulong snapshotEntries, bool dev, string url, int replayCapacity, bool singleOperator = true, int probesReady = 0, Func<RegistrySettings, RegistrySettings>? with = null)
    {
        Folder = folder;
        Clock = clock;
        Assert.True(RegistryName.TryParse(url, out var name, out _));
        Store = new FaultyStore(SqliteLedgerStore.Open(folder));
        Keys = new FaultyKeys(new FileRegistryKeys(folder));
        try
        {
            Node = RegistryNode.Open(
                (with ?? (settings => settings))(new RegistrySettings(name, dev, singleOperator) { SnapshotEntries = snapshotEntries, ReplayCapacity = replayCapacity, ProbesReady = probesReady }),
                Store, new SnapshotFile(folder), Keys, clock, Log.Add);
        }
        catch
        {
            Store.Dispose();
            throw;
        }
        // A proof from the second in which the registry started is refused: it may have been used before.
        clock.Advance(TimeSpan.FromSeconds(2));
    }

    public string Folder { get; }

    public ManualClock Clock { get; }

    public RegistryNode Node { get; }

    public FaultyStore Store { get; }

    public FaultyKeys Keys { get; }

    public List<string> Log { get; } = [];

    public CallerRecord Operator => Node.State.Callers.First(caller => caller.Role == CallerRole.Operator);

    /// <summary>The keys of those who founded it.</summary>
    public IReadOnlyList<PrivateKey> OperatorKeys { get; set; } = [];

    public static string NewFolder() => Directory.CreateTempSubdirectory("agentidentity-").FullName;

    public static TestNode Open(string? folder = null, ManualClock? clock = null, ulong snapshotEntries = 50_000, bool dev = true, string url = Url, int replayCapacity = 1_000_000, int probesReady = 0, Func<RegistrySettings, RegistrySettings>? with = null) =>
        new(folder ?? NewFolder(), clock ?? new ManualClock(), snapshotEntries, dev, url, replayCapacity, probesReady: probesReady, with: with);

    public static async Task<TestNode> FoundAsync(string? folder = null, ManualClock? clock = null, ulong snapshotEntries = 50_000, int replayCapacity = 1_000_000, int probesReady = 0, Func<RegistrySettings, RegistrySettings>? with = null)
    {
        var node = Open(folder, clock, snapshotEntries, replayCapacity: replayCapacity, probesReady: probesReady, with: with);
        node.Node.Operating.Secret = BootstrapSecret.Create(node.Clock.GetUtcNow(), out var secret);
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        node.OperatorKeys = [key];
        var proof = BootstrapProof.Create(key, Url, BootstrapSecret.HashOf(secret), "first", node.Clock.GetUtcNow());
        Good(await node.Node.Operating.BootstrapAsync(secret, [new FirstOperator("first", proof)]));
        return node;
    }

    /// <summary>The same, with two operators.</summary>
    public static async Task<TestNode> FoundByTwoAsync(string? folder = null, Func<RegistrySettings, RegistrySettings>? with = null)
    {
        var node = new TestNode(folder ?? NewFolder(), new ManualClock(), 50_000, dev: true, Url, 1_000_000, singleOperator: false, with: with);
        node.Node.Operating.Secret = BootstrapSecret.Create(node.Clock.GetUtcNow(), out var secret);
        PrivateKey[] keys = [PrivateKey.Generate(KeyAlgorithm.ES256), PrivateKey.Generate(KeyAlgorithm.Ed25519)];
        string[] names = ["first", "second"];
        var operators = keys.Zip(names, (key, name) => new FirstOperator(name, BootstrapProof.Create(key, Url, BootstrapSecret.HashOf(secret), name, node.Clock.GetUtcNow())));
        Good(await node.Node.Operating.BootstrapAsync(secret, [.. operators]));
        node.OperatorKeys = keys;
        return node;
    }

    public static T Good<T>(Outcome<T> outcome)
    {
        Assert.Equal((Refusal.None, ""), (outcome.Refusal, outcome.Detail ?? ""));
        return outcome.Value;
    }

    /// <summary>The key that signs credentials, as somebody would hold it who had stolen it.</summary>
    public PrivateKey IssuerKey(KeyId? keyId = null) => Keys.Issuer(keyId ?? Node.State.IssuerKeys.Current.KeyId);

    /// <summary>The key that signs checkpoints, likewise.</summary>
    public Ed25519PrivateKey LogKey => Keys.Log(Node.State.Founding!.LogKey.KeyId);

    /// <summary>The key that signs what enforcers are told, likewise.</summary>
    public NoteSignerKey WatchKey => new(WatchNotes.KeyName(Node.State.Log.Origin), Keys.Watch(Node.State.WatchKeys[^1].KeyId));

    public Task<string> NewTokenAsync(uint uses = 1, uint lifetimeSeconds = 0) => NewTokenAsync(new TokenWish("team", "bot/1", [], Envelope, [Audience], uses, lifetimeSeconds));

    public async Task<string> NewTokenAsync(TokenWish wish) => Good(await Node.Operating.CreateTokenAsync(Operator, wish)).Text;

    public string EnrolmentProofFor(PrivateKey key, string token, string? challenge = null, string url = Url, params KeyValuePair<string, string>[] labels) =>
        EnrolmentProof.Create(key, url, challenge ?? Node.Enrolment.NewChallenge(), Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(token)), Clock.GetUtcNow(), labels);

    public Task<Outcome<Enrolled>> EnrollAsync(PrivateKey key, string token) => Node.Enrolment.EnrollAsync(token, EnrolmentProofFor(key, token), [], 0);

    public async Task<TestAgent> EnrollAsync(string? token = null, KeyAlgorithm algorithm = KeyAlgorithm.ES256)
    {
        token ??= await NewTokenAsync();
        var key = PrivateKey.Generate(algorithm);
        var enrolled = Good(await EnrollAsync(key, token));
        return new TestAgent(this, key, enrolled.Agent.Id, enrolled.Credential) { Token = token };
    }

    public Refusal Verify(VerificationRequest request) => Node.Verification.Verify(request).Refusal;

    public Task<Outcome<Stopped>> StopAsync(TestAgent agent, StandingState state = StandingState.Frozen) =>
        StopAsync(Scope.Agent(agent.Id), state);

    public Task<Outcome<Stopped>> StopAsync(Scope scope, StandingState state = StandingState.Frozen) =>
        Node.Stopping.StopAsync(Operator, new StopWish(scope, state, "odd calls", ""));

    /// <summary>All operators' approvals of an action.</summary>
    public string[] ApprovalsOf(string action)
    {
        var nonce = Good(Node.Approvals.Begin(action)).Nonce;
        return [.. OperatorKeys.Select(key => Approval.Create(key, Url, action, nonce, Clock.GetUtcNow()))];
    }

    public Task<Outcome<Decided>> RestoreAsync(params LeafIndex[] stops) =>
        Node.Stopping.RestoreAsync(Operator, stops, "it was a false alarm", ApprovalsOf(ApprovedAction.Restore(stops, "it was a false alarm")));

    /// <summary>Has what is begun decided in one group: meanwhile the writer waits for a write of the agent's.</summary>
    public async Task InOneGroupAsync(TestAgent agent, Action begin)
    {
        var held = Store.HoldAppends();
        var recorded = agent.RecordAsync();
        await held;
        begin();
        Store.LetAppendsGo();
        await recorded;
    }

    /// <summary>Ends when a checkpoint covers the entry, or else all that there is now.</summary>
    public Task WhenSignedAsync(LeafIndex? index = null) =>
        WhileTimePassesAsync(Node.Checkpoints.WhenCoversAsync(index ?? new LeafIndex(Node.State.Position - 1), CancellationToken.None));

    /// <summary>Ends with the task; the clock goes on until then. One step ahead would not do: it may come before the checkpoint that the next one has to wait for.</summary>
    public async Task WhileTimePassesAsync(Task task)
    {
        for (var patience = Stopwatch.StartNew(); !task.IsCompleted && patience.Elapsed < Patience;)
        {
            Clock.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(task, Task.Delay(Look));
        }
        Assert.True(task.IsCompleted, "What was waited for has not come.");
        await task;
    }

    public async Task<T> WhileTimePassesAsync<T>(Task<T> task)
    {
        await WhileTimePassesAsync((Task)task);
        return await task;
    }

    /// <summary>Puts a link into the ledger, as a delegation does.</summary>
    public async Task<SubjectId> LinkAsync(TestAgent parent, SubjectId parentJti, TestAgent child, TimeSpan? life = null)
    {
        var jti = SubjectId.New(Clock.GetUtcNow());
        var expiresAt = Clock.GetUtcNow().Add(life ?? TimeSpan.FromMinutes(5)).ToUnixTimeSeconds();
        Good(await Node.Sequencer.DecideAsync<LeafIndex>(
            Sequencing.Lane.Ordinary, draft => draft.Stage(parent.Id, new Delegated(parent.Id, parentJti, child.Id, jti, Envelope, [Audience], expiresAt, 1, []), parent.Id, child.Id)));
        return jti;
    }

    /// <summary>Every entry as the store holds it, in words that two runs can be compared by.</summary>
    public string DescribeLedger() =>
        string.Join('\n', Store.Read(default, int.MaxValue).Select(row => $"{row.Index} {Sha256.Hash(row.Leaf)} {Sha256.Hash(row.Entry)} {Sha256.Hash(row.Opening)}"));

    public IReadOnlyList<EntryBody> Bodies() =>
        [.. Store.Read(default, int.MaxValue).Select(row => Entry.TryDecode(row.Entry, out var entry) ? entry.Body : throw new InvalidDataException())];

    /// <summary>A test that restarts ends the node itself; the end of its scope then finds nothing to do.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        Store.LetAppendsGo();
        await Node.DisposeAsync();
        Store.Dispose();
        Keys.Dispose();
    }
}

/// <summary>An agent with its key, its credential and its chain.</summary>
internal sealed class TestAgent(TestNode registry, PrivateKey key, SubjectId id, Issued issued)
{
    private ulong _sequence;
    private Hash _previous;

    public TestNode Registry => registry;

    public SubjectId Id => id;

    public PrivateKey Key => key;

    public KeyId KeyId => key.PublicKey.KeyId;

    public string Token { get; init; } = "";

    public string Credential => issued.Token;

    public CredentialClaims Claims => issued.Claims;

    public AgentRecord Record => registry.Node.State.FindAgent(id)!;

    /// <summary>The same agent, at the registry after a restart.</summary>
    public TestAgent At(TestNode other) => new(other, key, id, issued) { Token = Token, _sequence = _sequence, _previous = _previous };

    /// <summary>The credential with its key proof, used at a tool.</summary>
    public VerificationRequest Use(string? credential = null, PrivateKey? proofKey = null, string nonce = "n1", string action = "read", string audience = TestNode.Audience)
    {
        credential ??= Credential;
        var proof = KeyProof.Create(proofKey ?? key, Binding(credential, nonce), registry.Clock.GetUtcNow());
        return new VerificationRequest(
            credential, proof, new RequestedUse("POST", "https://tool.example/x", nonce), audience, new RequestedAction("notes", action, "notes/1"));
    }

    public static RequestBinding Binding(string credential, string nonce = "n1", string url = "https://tool.example/x") =>
        new("POST", url, nonce, Credentials.Tokens.HashText.ToBase64Url(Sha256.Hash(System.Text.Encoding.ASCII.GetBytes(credential))));

    public byte[] Statement(ulong sequence, Hash previous, int commitments = 1, byte fill = 0, string origin = "localhost:5000", KeyId? keyId = null) =>
        SignedStatement.Encode(
        origin, id, keyId ?? KeyId, sequence, previous, 1, StatementKind.Activity, [.. Enumerable.Repeat(Sha256.Hash([fill]), commitments)]);

    /// <summary>A chain of statements, each naming the one before.</summary>
    public byte[][] Chain(int count)
    {
        var chain = new byte[count][];
        for (var i = 0; i < count; i++)
            chain[i] = Statement((ulong)i, i == 0 ? default : Sha256.Hash(chain[i - 1]));
        return chain;
    }

    public Task<Outcome<Recorded>> SendAsync(byte[] statement, byte[]? signature = null) =>
        registry.Node.Recording.RecordAsync(statement, key.PublicKey.Algorithm, signature ?? key.Sign(statement), waitIntegrated: false, CancellationToken.None);

    /// <summary>Continues the agent's chain.</summary>
    public async Task<Outcome<Recorded>> TryRecordAsync()
    {
        var statement = Statement(_sequence, _previous);
        var recorded = await SendAsync(statement);
        if (!recorded.IsRefused)
            (_sequence, _previous) = (_sequence + 1, Sha256.Hash(statement));
        return recorded;
    }

    public async Task<Recorded> RecordAsync() => TestNode.Good(await TryRecordAsync());

    /// <summary>Gives the agent another key, by its own word. This goes on with the old one.</summary>
    public async Task RotateAsync(PrivateKey next)
    {
        var (challenge, now) = (registry.Node.Enrolment.NewChallenge(), registry.Clock.GetUtcNow());
        TestNode.Good(await registry.Node.KeyRotation.RotateAsync(
            RotationProof.Create(next, id, TestNode.Url, challenge, KeyId, now), RotationProof.Create(key, id, TestNode.Url, challenge, next.PublicKey.KeyId, now)));
    }
}
