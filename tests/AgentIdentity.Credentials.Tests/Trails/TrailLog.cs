using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Trails;

/// <summary>A small log with an agent in it, whose keeper holds the log's key and can lie before he signs and afterwards.</summary>
internal sealed class TrailLog
{
    public const string Origin = "localhost:5000";
    private const long Start = 1_730_616_064_000;

    private readonly NoteSignerKey _logKey = new(Origin, Ed25519PrivateKey.FromSeed(Sha256.Hash("log"u8).ToArray()));
    private readonly List<Row> _rows = [];
    private readonly Dictionary<SubjectId, (Hash Label, ulong Next)> _subjects = [];
    private Hash _previous;
    private Hash[] _leafHashes = [];

    public TrailLog(bool founds = true, string? proof = null, bool hasOneOperator = false)
    {
        if (founds)
            Append(new Genesis("https://" + Origin, Origin, [new(RegistryKeyUse.Credentials, IssuerKey), new(RegistryKeyUse.Log, Public(_logKey))], hasOneOperator ? [Operator(1)] : [Operator(1), Operator(2)], hasOneOperator), Registry);
        Append(new AgentEnrolled(Agent, Token, Key.PublicKey, new Grant("desk", "bot/1", [], "[]", []), proof ?? Proof(Key)), Agent, Token);
    }

    public static SubjectId Registry { get; } = Id(1);

    public static SubjectId Agent { get; } = Id(2);

    public static SubjectId Token { get; } = Id(3);

    public static SubjectId OtherAgent { get; } = Id(4);

    /// <summary>The agent's key of now.</summary>
    public PrivateKey Key { get; private set; } = PrivateKey.FromSecret(KeyAlgorithm.Ed25519, Sha256.Hash("agent"u8).ToArray())!;

    public PublicKey IssuerKey { get; } = PrivateKey.FromSecret(KeyAlgorithm.ES256, Sha256.Hash("issuer"u8).ToArray())!.PublicKey;

    public NoteVerifierKey LogKey => _logKey.Verifier;

    public NoteSignerKey Signer => _logKey;

    public ulong Size => (ulong)_rows.Count;

    public ulong Statements { get; private set; }

    /// <summary>The time of the entries from here on; null counts them.</summary>
    public long? Clock { get; set; }

    /// <summary>What the heads entry is made of, before it is signed.</summary>
    public Func<HeadMap, HeadMap> HeadsLie { get; set; } = static heads => heads;

    public ulong Append(EntryBody body, params SubjectId[] subjects) => Append(body, body.Class, subjects);

    public ulong Append(EntryBody body, EntryClass leafClass, params SubjectId[] subjects)
    {
        Array.Sort(subjects);
        var index = (ulong)_rows.Count;
        var named = subjects.Select(Number).ToArray();
        var entry = new Entry(Clock ?? Start + (long)index, named, Registry, body);
        var salt = Sha256.Hash(Encoding.UTF8.GetBytes($"salt {index}"));
        var nullifiers = named.Select(subject => Leaf.Nullifier(Label(subject.Id).ToArray(), subject.Sequence)).Order().ToArray();
        _rows.Add(new Row(index, entry, salt, Leaf.Encode((byte)leafClass, nullifiers, salt.ToArray(), entry.Encode())));
        return index;
    }

    public static string Proof(PrivateKey key, string publicUrl = "https://" + Origin) =>
        EnrolmentProof.Create(key, publicUrl, "a-challenge", Sha256.Hash("token"u8), DateTimeOffset.FromUnixTimeMilliseconds(Start));

    /// <summary>The agent's next statement, in an entry.</summary>
    public ulong Record(bool quarantined = false, PrivateKey? signer = null, string origin = Origin)
    {
        var statement = Statement(Statements++, _previous, "done", origin);
        _previous = Sha256.Hash(statement);
        return Append(new Activity(statement, Key.PublicKey.Algorithm, (signer ?? Key).Sign(statement), quarantined), Agent);
    }

    public byte[] Statement(ulong sequence, Hash previous, string what, string origin = Origin) => SignedStatement.Encode(
        origin, Agent, Key.PublicKey.KeyId, sequence, previous, (ulong)Start, StatementKind.Activity, [Sha256.Hash(Encoding.UTF8.GetBytes(what))]);

    public ulong Stop(StandingState state = StandingState.Frozen, SubjectId? scope = null) => Append(new Stop(Scope.Agent(scope ?? Agent), state, "odd calls", "", 3), Agent);

    /// <summary>Erases an activity; what stays of it and who approves can be a lie.</summary>
    public void Erase(ulong index, Func<ErasedStub, ErasedStub>? lie = null, Func<ErasedStub, ErasedStub>? liesBoth = null, params byte[] signers)
    {
        var row = _rows[(int)index];
        Assert.True(SignedStatement.TryRead(((Activity)row.Entry.Body).Statement, out var said));
        var by = new LeafIndex((ulong)_rows.Count);
        var stub = new ErasedStub(
            Agent, row.Entry.Subjects[0].Sequence, said.KeyId, said.Sequence, said.Identity, said.Previous, row.Entry.At, ((Activity)row.Entry.Body).Quarantined, by, Clock ?? Start + (long)by.Value);
        stub = liesBoth?.Invoke(stub) ?? stub;
        var approvals = signers.Select(signer => Approve(signer, ApprovedAction.Erase(Agent, [new LeafIndex(index)], "asked for"))).ToArray();
        Append(new ActivitiesErased(Agent, [new LeafIndex(index)], "asked for", approvals, [stub.Hash()]), Agent);
        _rows[(int)index] = row with { Stub = lie?.Invoke(stub) ?? stub };
    }

    /// <summary>Another operator, whose key has that number.</summary>
    public void AddOperator(byte number, params byte[] signers)
    {
        var (key, name) = (OperatorKey(number).PublicKey, $"operator {number}");
        Append(new OperatorAdded(name, key, "proof", [.. signers.Select(signer => Approve(signer, ApprovedAction.AddOperator(key.KeyId, name)))], 4), Id((byte)(20 + number)));
    }

    public void RemoveOperator(byte number, params byte[] signers)
    {
        var id = Id((byte)(20 + number));
        Append(new CallerRemoved(id, "left", [.. signers.Select(signer => Approve(signer, ApprovedAction.RemoveCaller(id, "left")))], 5), id);
    }

    public ulong Hold() => Append(new HoldPlaced(Agent, "a court has asked"), Agent);

    public void Lift(ulong hold, params byte[] signers) =>
        Append(new HoldLifted(Agent, new LeafIndex(hold), "closed", [.. signers.Select(signer => Approve(signer, ApprovedAction.LiftHold(Agent, new LeafIndex(hold), "closed")))]), Agent);

    public ulong Rotate(KeyId retired, byte seed, RegistryKeyUse use = RegistryKeyUse.Credentials) =>
        Append(new RegistryKeyRotated(use, PrivateKey.FromSecret(KeyAlgorithm.ES256, Sha256.Hash([seed]).ToArray())!.PublicKey, retired), Registry);

    /// <summary>Gives the agent another key; what stands behind it can be a lie.</summary>
    public ulong RotateKey(PrivateKey next, Func<AgentKeyRotated, AgentKeyRotated>? lie = null)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(Start);
        var rotated = new AgentKeyRotated(
            Agent, Key.PublicKey.KeyId, next.PublicKey,
            RotationProof.Create(next, Agent, "https://" + Origin, "a-challenge", Key.PublicKey.KeyId, now), RotationProof.Create(Key, Agent, "https://" + Origin, "a-challenge", next.PublicKey.KeyId, now), Order: null);
        (Key, Statements, _previous) = (next, 0, default);
        return Append(lie?.Invoke(rotated) ?? rotated, Agent);
    }

    /// <summary>What a rotation is that an order lets in.</summary>
    public static AgentKeyRotated Ordered(AgentKeyRotated rotated, PrivateKey next, ulong order, string token) => rotated with
    {
        Proof = RotationProof.Create(next, Agent, "https://" + Origin, "a-challenge", Sha256.Hash(Encoding.UTF8.GetBytes(token)), DateTimeOffset.FromUnixTimeMilliseconds(Start)),
        Consent = null,
        Order = new LeafIndex(order),
    };

    public ulong OrderKey(string token, long lifeMilliseconds = 3_600_000) =>
        Append(new KeyReplacementOrdered(Agent, Sha256.Hash(Encoding.UTF8.GetBytes(token)), (Clock ?? Start) + lifeMilliseconds, "copied"), Agent);

    public ulong Issue(KeyId? jkt = null, byte[]? shown = null)
    {
        var items = new[] { Item(OtherAgent, Key.PublicKey.KeyId), Item(Agent, jkt ?? Key.PublicKey.KeyId), Item(Agent, Key.PublicKey.KeyId) };
        var leaves = items.Select(item => MerkleHash.Leaf(item)).ToArray();
        var index = Append(new CredentialsIssued(MerkleHash.Root(leaves), 3), Agent, OtherAgent);
        _rows[^1] = _rows[^1] with { Items = [new OwnItem(1, shown ?? items[1], Join([leaves[0], leaves[2]])), new OwnItem(2, items[2], Join([MerkleHash.Node(leaves[0], leaves[1])]))] };
        return index;
    }

    public static byte[] Item(SubjectId agent, KeyId jkt) => new IssuanceItem(Id(9), agent, jkt, ["https://tools.example"], Start / 1000, (Start / 1000) + 600, 0, Sha256.Hash("authority"u8)).Encode();

    /// <summary>The file, as an honest export would be, or with what the keeper changes in it before he sends it.</summary>
    public byte[] Export(Func<TrailFile, TrailFile>? lie = null, Func<ulong, bool>? opens = null)
    {
        var heads = HeadsLie(Heads());
        Append(new Heads(heads.Root, Math.Max(1, (ulong)heads.Count), default), Registry);
        var hashes = _leafHashes = [.. _rows.Select(row => MerkleHash.Leaf(row.Leaf))];
        AgentEntry About(Row row, int sequence) => row.Stub is { } stub ? Erased(row, sequence, stub) : row.Entry.Body is Activity && opens?.Invoke((ulong)sequence) == false
            ? new AgentEntry((ulong)sequence, row.Leaf, null, [])
            : new AgentEntry((ulong)sequence, row.Leaf, Open(row.Index), row.Items);

        var checkpoint = new Checkpoint(Origin, new TreeSize((ulong)hashes.Length), MerkleHash.Root(hashes)).Sign(_logKey);
        var label = Label(Agent);
        var file = new TrailFile(
            new TrailHeader(LogKey.ToString(), Agent, label, Encoding.UTF8.GetString(checkpoint.ToArray())),
            [.. _rows.Where(row => row.Entry.Body is Genesis or RegistryKeyRotated or OperatorAdded or CallerRemoved).Select(row => Open(row.Index))],
            [.. _rows.Where(row => row.Entry.Subjects.Any(subject => subject.Id == Agent)).Select(About)],
            Open(_rows[^1].Index), heads.Prove(label), null, 0);
        _rows.RemoveAt(_rows.Count - 1);
        _subjects[Registry] = _subjects[Registry] with { Next = _subjects[Registry].Next - 1 };
        return Write(lie?.Invoke(file) ?? file);
    }

    private AgentEntry Erased(Row row, int sequence, ErasedStub stub) =>
        new((ulong)sequence, row.Leaf, null, []) { Erased = new ErasedEntry(new LeafIndex(row.Index), Open(row.Index).Path, stub.Encode()) };

    /// <summary>The tree of the first leaves.</summary>
    public Hash Root(ulong size) => MerkleHash.Root(_rows.Take((int)size).Select(row => MerkleHash.Leaf(row.Leaf)).ToArray());

    /// <summary>A checkpoint over what there is; entries are proven in its tree from here on.</summary>
    public string Sign()
    {
        _leafHashes = [.. _rows.Select(row => MerkleHash.Leaf(row.Leaf))];
        return Encoding.UTF8.GetString(new Checkpoint(Origin, new TreeSize(Size), MerkleHash.Root(_leafHashes)).Sign(_logKey).ToArray());
    }

    /// <summary>That an earlier tree goes on in the one that was signed.</summary>
    public byte[] Consistency(ulong size) => Join(ConsistencyProof.Build(new TreeSize(size), new TreeSize((ulong)_leafHashes.Length), Node));

    private Hash Node(int level, ulong node) => MerkleHash.Root(_leafHashes.AsSpan((int)(node << level), 1 << level));

    /// <summary>Any entry as the tree being exported proves it.</summary>
    public OpenedEntry Open(ulong index)
    {
        var row = _rows[(int)index];
        var path = InclusionProof.Build(new LeafIndex(index), new TreeSize((ulong)_leafHashes.Length), Node);
        return new OpenedEntry(new LeafIndex(index), row.Leaf, Join(path), row.Entry.Encode(), row.Salt);
    }

    public static byte[] Write(TrailFile file)
    {
        var writer = new TrailFileWriter();
        var items = new List<byte[]> { writer.Header(file.Header) };
        items.AddRange(file.RegistryEntries.Select(writer.RegistryEntry));
        items.AddRange(file.Entries.Select(writer.Entry));
        items.Add(writer.HeadsAndEnd(file.Heads, file.MapProof.Span, file.Anchor));
        return [.. items.SelectMany(item => item)];
    }

    public static Hash Label(SubjectId subject) => Sha256.Hash(subject.ToArray());

    private HeadMap Heads()
    {
        var heads = new Dictionary<Hash, Head>();
        foreach (var row in _rows)
        {
            foreach (var subject in row.Entry.Subjects)
                heads[Label(subject.Id)] = heads.GetValueOrDefault(Label(subject.Id)).Then(MerkleHash.Leaf(row.Leaf), new LeafIndex(row.Index));
        }
        return HeadMap.Empty.With([.. heads]);
    }

    private EntrySubject Number(SubjectId id)
    {
        var (label, next) = _subjects.TryGetValue(id, out var known) ? known : (Label(id), 0UL);
        _subjects[id] = (label, next + 1);
        return new EntrySubject(id, next, next == 0 ? SubjectLabel.Commit(label) : null);
    }

    private static GenesisOperator Operator(byte number) => new(Id((byte)(20 + number)), $"operator {number}", OperatorKey(number).PublicKey, "proof");

    private static PrivateKey OperatorKey(byte number) => PrivateKey.FromSecret(KeyAlgorithm.Ed25519, Sha256.Hash([99, number]).ToArray())!;

    public string Approve(byte number, string action) => Approval.Create(
        OperatorKey(number), "https://" + Origin, action, "a-nonce", DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(Clock ?? Start, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())));

    public static byte[] Join(Hash[] path) => [.. path.SelectMany(hash => hash.ToArray())];

    public static SubjectId Id(byte last) => SubjectId.Read([1, 0x92, 0xf0, 0xc1, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, last]);

    private static PublicKey Public(NoteSignerKey key) => PublicKey.TryRead(KeyAlgorithm.Ed25519, key.Verifier.PublicKey.Bytes, out var read) ? read : throw new InvalidOperationException();

    private sealed record Row(ulong Index, Entry Entry, Hash Salt, byte[] Leaf)
    {
        public IReadOnlyList<OwnItem> Items { get; init; } = [];

        public ErasedStub? Stub { get; init; }
    }
}
