using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;
using PublicKey = AgentIdentity.Credentials.Keys.PublicKey;
using Scope = AgentIdentity.Credentials.Entries.Scope;

namespace AgentIdentity.Tests.Watch;

/// <summary>A registry's side of the watch, with all its keys: what it says can be the truth, or what somebody says who has stolen them.</summary>
internal sealed class ScriptedRegistry
{
    public const string Audience = "https://tool.example";
    public const string Blueprint = "summariser/2.1";
    public const string PublicUrl = "http://localhost:5000";

    private const string Origin = "localhost:5000";

    private readonly Ed25519PrivateKey _logSecret = Ed25519PrivateKey.Generate();
    private readonly Ed25519PrivateKey _watchSecret = Ed25519PrivateKey.Generate();
    private readonly List<(byte[] Entry, byte[] Salt, byte[] Leaf)> _rows = [];
    private readonly TimeProvider _clock;

    public ScriptedRegistry(TimeProvider clock)
    {
        _clock = clock;
        LogKey = new NoteSignerKey(Origin, _logSecret);
        WatchKey = new NoteSignerKey(WatchNotes.KeyName(Origin), _watchSecret);
        Founders = [NewOperator("Anna"), NewOperator("Bela")];
        Append(new Stop(Scope.Everything, StandingState.Frozen, "stands for genesis", "", 1), Id(1));
    }

    public NoteSignerKey LogKey { get; }

    public NoteSignerKey WatchKey { get; set; }

    public IReadOnlyList<Operator> Founders { get; }

    public PrivateKey Issuer { get; } = PrivateKey.Generate(KeyAlgorithm.ES256);

    public PrivateKey BreakGlass { get; } = PrivateKey.Generate(KeyAlgorithm.Ed25519);

    public DenyList Denials { get; private set; } = new();

    public ulong Epoch { get; set; } = 1;

    public Hash View { get; set; } = ViewId.Of([Audience]);

    /// <summary>The answers' lease.</summary>
    public uint LeaseMilliseconds { get; set; } = 10_000;

    /// <summary>Leases that classes of actions have of their own, ms.</summary>
    public IReadOnlyDictionary<string, uint> ClassLeases { get; set; } = new Dictionary<string, uint>();

    /// <summary>The agents among the enforcer's audiences, as it says.</summary>
    public IReadOnlyList<Actor> Callees { get; set; } = [];

    public string LastApprovalNonce { get; private set; } = "";

    /// <summary>The registry's name.</summary>
    public static RegistryName Name { get; } = RegistryName.TryParse(PublicUrl, out var name, out var problem) ? name : throw new InvalidOperationException(problem);

    public static SubjectId Id(int number) => SubjectId.Read(Convert.FromHexString($"0192f0c1800070008000{number:x12}"));

    public static Operator NewOperator(string name) => new(SubjectId.New(TimeProvider.System.GetUtcNow()), name, PrivateKey.Generate(KeyAlgorithm.Ed25519));

    public RegistryMessage Greeting(Action<WatchTerms>? lie = null, Action<WatchGreeting>? liesBeside = null, TreeSize? size = null)
    {
        var said = new WatchTerms
        {
            BreakGlassKey = Wire(BreakGlass.PublicKey),
            LeaseMilliseconds = LeaseMilliseconds,
            ClassLeases = { ClassLeases.Select(one => new WatchClassLease { Name = one.Key, Milliseconds = one.Value }) },
            Operators = { Founders.Select(founder => Named(founder, isOfGenesis: true)) },
            IssuerKeys = { new IssuerKeyPeriod { Key = Wire(Issuer.PublicKey) } },
            Blueprints = { new BlueprintReads { Name = Blueprint, Reads = { new ReadAction { Type = "tool", Action = "read" } } } },
            Callees = { Callees.Select(Wire) },
        };
        lie?.Invoke(said);
        var terms = said.ToByteArray();
        var greeting = new WatchGreeting
        {
            WatchKeyNote = new WatchKeyNote(Origin, WatchKey.Verifier).Sign(LogKey),
            LogKey = LogKey.Verifier.ToString(),
            Origin = Origin,
            Terms = ByteString.CopyFrom(terms),
            TermsNote = new TermsNote(size ?? Size, Sha256.Hash(terms)).Sign(WatchKey),
        };
        liesBeside?.Invoke(greeting);
        return new RegistryMessage { Greeting = greeting };
    }

    public static WatchOperator Named(Operator one, bool isOfGenesis) =>
        new() { CallerId = ByteString.CopyFrom(one.Caller.ToArray()), Name = one.Name, Key = Wire(one.Key.PublicKey), OfGenesis = isOfGenesis };

    public static Protocol.V1.PublicKey Wire(PublicKey key) => new() { Jwk = key.ToJwk() };

    public static WatchCallee Wire(Actor agent) => new()
    {
        AgentId = ByteString.CopyFrom(agent.Agent.ToArray()),
        KeyId = ByteString.CopyFrom(agent.Key.Value.ToArray()),
        Sponsor = agent.Sponsor,
        Blueprint = agent.Blueprint,
        Labels = { agent.Labels.Select(label => new Label { Name = label.Key, Value = label.Value }) },
    };

    public RegistryMessage Snapshot() => Snapshot(Denials, Epoch);

    public RegistryMessage Snapshot(DenyList denials, ulong epoch) => new()
    {
        Snapshot = new WatchSnapshot
        {
            Note = new SnapshotNote(View, epoch, (ulong)denials.Count, denials.Digest).Sign(WatchKey),
            Denials = { denials.Denials.Select(denial => ByteString.CopyFrom(DenialFormat.Encode(denial))) },
        },
    };

    public static DenyList Listed(params IEnumerable<Denial> denials)
    {
        var list = new DenyList();
        foreach (var denial in denials)
            list.Add(denial);
        return list;
    }

    /// <summary>A stop: its entry in the ledger, its denial, and the delta that brings it.</summary>
    public (Denial Denial, RegistryMessage Delta) Stop(Scope scope, StandingState state = StandingState.Frozen, LeafIndex? after = null, string? order = null, params IReadOnlyList<SubjectId> probes)
    {
        Epoch++;
        EntryBody body = after is null ? new Stop(scope, state, "odd calls", "", Epoch, order) { Probes = probes } : new CompromiseCut(scope, after.Value, "odd calls", "", Epoch, []);
        var denial = new Denial(Append(body, Id(1)), Epoch, state, scope, after, [], probes, []);
        Denials.Add(denial);
        return (denial, Delta(DeltaKind.Deny, DenialFormat.Encode(denial)));
    }

    /// <summary>A restore: its entry, and the delta that announces it.</summary>
    public (LeafIndex Index, RegistryMessage Delta) Restore(IReadOnlyList<Denial> stops, IReadOnlyList<string> approvals)
    {
        Epoch++;
        var index = Append(new Restored([.. stops.Select(stop => stop.Index)], "looked at", approvals, Epoch), Id(1));
        foreach (var stop in stops)
            Denials.Remove(stop.Index);
        return (index, Delta(DeltaKind.Lift, Entry(index)));
    }

    public IReadOnlyList<string> ApproveRestore(IReadOnlyList<Denial> stops, params IEnumerable<Operator> operators) =>
        Approve(ApprovedAction.Restore([.. stops.Select(stop => stop.Index)], "looked at"), operators);

    public IReadOnlyList<string> Approve(string action, params IEnumerable<Operator> operators)
    {
        LastApprovalNonce = CanonicalBase64Url.Encode(Sha256.Hash([(byte)_rows.Count]).ToArray());
        return [.. operators.Select(one => Approval.Create(one.Key, PublicUrl, action, LastApprovalNonce, _clock.GetUtcNow()))];
    }

    /// <summary>An epoch that changes something else, or nothing for this view.</summary>
    public (LeafIndex Index, RegistryMessage Delta) Other(EntryBody body, SubjectId about)
    {
        Epoch++;
        var index = Append(body, about);
        return (index, Delta(DeltaKind.Other, Entry(index)));
    }

    public RegistryMessage Nothing()
    {
        Epoch++;
        return Delta(DeltaKind.None, []);
    }

    public RegistryMessage Delta(DeltaKind kind, byte[] payload) => new()
    {
        Delta = new WatchDelta
        {
            Note = new DeltaNote(View, Epoch, (ulong)Denials.Count, Denials.Digest, kind, kind == DeltaKind.None ? null : Sha256.Hash(payload)).Sign(WatchKey),
            Payload = ByteString.CopyFrom(payload),
        },
    };

    public RegistryMessage Proof(LeafIndex index, Action<WatchProof>? lie = null)
    {
        var (entry, salt, leaf) = _rows[(int)index.Value];
        var receipt = new TlogProof(index, InclusionProof.Build(index, Size, Read), CheckpointNote(), leaf);
        var proof = new WatchProof { LedgerIndex = index.Value, Entry = ByteString.CopyFrom(entry), Salt = ByteString.CopyFrom(salt), Receipt = Encoding.UTF8.GetString(receipt.ToArray()) };
        lie?.Invoke(proof);
        return new RegistryMessage { Proof = proof };
    }

    public RegistryMessage Heartbeat(WatchNonce nonce, Func<HeartbeatNote, HeartbeatNote>? lie = null, Action<WatchHeartbeat>? liesBeside = null)
    {
        var note = new HeartbeatNote(View, CanonicalBase64Url.Encode(nonce.Nonce.Span), Epoch, (ulong)Denials.Count, Denials.Digest, LeaseMilliseconds, Size, Root);
        var heartbeat = new WatchHeartbeat { Note = (lie?.Invoke(note) ?? note).Sign(WatchKey), Checkpoint = Encoding.UTF8.GetString(CheckpointNote().ToArray()) };
        if (nonce.TreeSize > 0 && nonce.TreeSize <= Size.Value)
            heartbeat.Consistency.AddRange(ConsistencyProof.Build(new TreeSize(nonce.TreeSize), Size, Read).Select(hash => ByteString.CopyFrom(hash.ToArray())));
        liesBeside?.Invoke(heartbeat);
        return new RegistryMessage { Heartbeat = heartbeat };
    }

    public LeafIndex Append(EntryBody body, SubjectId about)
    {
        var bytes = new Entry(_clock.GetUtcNow().ToUnixTimeMilliseconds(), [new EntrySubject(about, 1)], Id(2), body).Encode();
        var salt = Sha256.Hash([(byte)_rows.Count, 7]).ToArray();
        _rows.Add((bytes, salt, Leaf.Encode((byte)body.Class, [Sha256.Hash(salt)], salt, bytes)));
        return new LeafIndex((ulong)_rows.Count - 1);
    }

    /// <summary>A credential for an agent, as the registry would sign it; whether the ledger holds it is another question.</summary>
    public string Issue(PublicKey key, SubjectId agent, Func<CredentialClaims, CredentialClaims>? change = null)
    {
        if (!Envelope.TryParse($$"""[{"type":"tool","actions":["read","write"],"locations":["{{Audience}}/*"]}]""", out var envelope))
            throw new InvalidOperationException("The envelope is none.");
        var now = _clock.GetUtcNow().ToUnixTimeSeconds();
        var claims = new CredentialClaims(SubjectId.New(_clock.GetUtcNow()), agent, key.KeyId, "Research desk", Blueprint, [], [Audience], envelope, null, now, now, now + 600, 0, 0, 0);
        return CredentialWriter.Sign(change?.Invoke(claims) ?? claims, Name, Issuer);
    }

    /// <summary>Somebody puts the ledger back.</summary>
    public void Forget(int entries) => _rows.RemoveRange(_rows.Count - entries, entries);

    /// <summary>Somebody puts the deny state back.</summary>
    public void Forget(Denial denial) => Denials.Remove(denial.Index);

    private byte[] Entry(LeafIndex index) => _rows[(int)index.Value].Entry;

    private TreeSize Size => new((ulong)_rows.Count);

    private Hash Root => MerkleHash.Root([.. _rows.Select(row => MerkleHash.Leaf(row.Leaf))]);

    private SignedNote CheckpointNote() => new Checkpoint(Origin, Size, Root).Sign(LogKey);

    private Hash Read(int level, ulong index)
    {
        var count = 1 << level;
        return MerkleHash.Root([.. _rows.Skip((int)index * count).Take(count).Select(row => MerkleHash.Leaf(row.Leaf))]);
    }
}

internal sealed record Operator(SubjectId Caller, string Name, PrivateKey Key);
