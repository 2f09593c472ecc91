using System.Security.Cryptography;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;
using Entry = AgentIdentity.Credentials.Entries.Entry;
using IssuanceItem = AgentIdentity.Credentials.Entries.IssuanceItem;
using Stop = AgentIdentity.Credentials.Entries.Stop;

namespace AgentIdentity.Cli.Tests.Trails;

/// <summary>Writes a trail as a registry would.</summary>
internal sealed class TrailOfAnAgent
{
    private const string Origin = "localhost:5000";
    private const long Start = 1_730_616_064_000;

    private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.ES256);
    private readonly SubjectId _other = NewId();
    private ulong _sequence;
    private ulong _statement;
    private Hash _previous;

    public SubjectId Agent { get; } = NewId();

    public TrailEntry Enrolled() => Write(new AgentEnrolled(
        Agent, _other, _key.PublicKey, new Grant("Research desk", "summariser/2.1", [], "[]", ["https://tools.example"]), "proof"));

    public TrailEntry Recorded(PrivateKey? signer = null)
    {
        var commitments = new[] { Hash.Read(RandomNumberGenerator.GetBytes(Hash.Size)) };
        var statement = SignedStatement.Encode(Origin, Agent, _key.PublicKey.KeyId, _statement++, _previous, (ulong)Start, StatementKind.Activity, commitments);
        _previous = Sha256.Hash(statement);
        return Write(new Activity(statement, KeyAlgorithm.ES256, (signer ?? _key).Sign(statement), Quarantined: false));
    }

    public TrailEntry Stopped(string reason = "reads too much") => Write(new Stop(Credentials.Entries.Scope.Agent(Agent), StandingState.Frozen, reason, "", 3));

    public TrailEntry Issued()
    {
        var items = new[] { Item(_other), Item(Agent) };
        var leaves = items.Select(item => MerkleHash.Leaf(item.Encode())).ToArray();
        var written = Write(new CredentialsIssued(MerkleHash.Root(leaves), 2));
        written.Items.Add(new Protocol.V1.IssuanceItem { LedgerPosition = 1, Item = ByteString.CopyFrom(items[1].Encode()), Path = { ByteString.CopyFrom(leaves[0].ToArray()) } });
        return written;
    }

    private IssuanceItem Item(SubjectId agent) => new(
        NewId(), agent, _key.PublicKey.KeyId, ["https://tools.example"], Start / 1000, (Start / 1000) + 600, 0, Sha256.Hash("authority"u8));

    private static SubjectId NewId() => SubjectId.New(DateTimeOffset.FromUnixTimeMilliseconds(Start));

    private TrailEntry Write(EntryBody body)
    {
        Hash? label = _sequence == 0 ? Sha256.Hash("label"u8) : null;
        var entry = new Entry(Start + (long)_sequence, [new EntrySubject(Agent, _sequence, label)], _other, body).Encode();
        var salt = RandomNumberGenerator.GetBytes(Leaf.SaltSize);
        var nullifiers = new[] { Leaf.Nullifier(RandomNumberGenerator.GetBytes(Leaf.LabelSize), _sequence) };
        return new TrailEntry
        {
            LedgerIndex = 10 + (2 * _sequence),
            SubjectSequence = _sequence++,
            Entry = ByteString.CopyFrom(entry),
            Salt = ByteString.CopyFrom(salt),
            Leaf = ByteString.CopyFrom(Leaf.Encode((byte)body.Class, nullifiers, salt, entry)),
        };
    }
}
