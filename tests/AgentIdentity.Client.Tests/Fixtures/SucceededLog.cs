using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;
using EntryClass = AgentIdentity.Credentials.Entries.EntryClass;
using Hash = AgentIdentity.Ledger.Hash;
using PublicKey = AgentIdentity.Credentials.Keys.PublicKey;

namespace AgentIdentity.Client.Tests.Fixtures;

/// <summary>A log that grows, whose key is rotated, and which can be made to lie about it.</summary>
internal sealed class SucceededLog : IDisposable
{
    private static readonly SubjectId RegistryId = SubjectId.New(DateTimeOffset.UnixEpoch);

    private readonly List<byte[]> _leaves = [];
    private readonly List<Ed25519PrivateKey> _keys = [Ed25519PrivateKey.Generate()];
    private readonly List<(int Index, string Note, byte[] Entry, byte[] Salt)> _links = [];

    public SucceededLog(int size) => Grow(size);

    /// <summary>Another log that its own key signs too, as whoever stole it could.</summary>
    public SucceededLog(SucceededLog other, int size)
    {
        Span<byte> seed = stackalloc byte[32];
        other._keys[0].ExportSeed(seed);
        _keys[0].Dispose();
        _keys[0] = Ed25519PrivateKey.FromSeed(seed);
        Grow(size);
    }

    public Ed25519PrivateKey PrivateKey => _keys[^1];

    public NoteSignerKey Key => KeyOf(_keys.Count);

    public int Size => _leaves.Count;

    public NoteSignerKey KeyOf(int number) => new(LogOrigin.Of("localhost:5000", number), _keys[number - 1]);

    public void Grow(int count)
    {
        for (var i = 0; i < count; i++)
            _leaves.Add([(byte)_leaves.Count]);
    }

    /// <summary>Opens the next log, and has two more entries in it.</summary>
    /// <param name="last">What the log before names as its end; its true end without it.</param>
    /// <param name="signer">Who signs the note; the key of the log before without it.</param>
    /// <param name="origin">What the next log is called; the next number without it.</param>
    /// <param name="entryNamesNote">Whether the entry that opens the next log is the one that the note announces.</param>
    public void Rotate(Checkpoint? last = null, Func<string, NoteSignerKey>? signer = null, string? origin = null, bool entryNamesNote = true)
    {
        var before = Key;
        _keys.Add(Ed25519PrivateKey.Generate());
        var next = new NoteSignerKey(origin ?? Key.Verifier.Name, _keys[^1]).Verifier;
        last ??= CheckpointOf(before, Size);
        var note = new SuccessionNote(last, next).Sign(signer?.Invoke(last.Origin) ?? before);
        Assert.True(PublicKey.TryRead(KeyAlgorithm.Ed25519, next.PublicKey.Bytes, out var key));
        var body = new LogSucceeded(before.Verifier.Name, entryNamesNote ? note : "another", next.Name, key, SuccessionReason.KeyRotated, []);
        var entry = new Entry(1, [new EntrySubject(RegistryId, 1)], RegistryId, body).Encode();
        var salt = Sha256.Hash(entry).ToArray();
        _links.Add((Size, note, entry, salt));
        _leaves.Add(Leaf.Encode((byte)EntryClass.Authority, [Sha256.Hash(salt)], salt, entry));
        Grow(2);
    }

    /// <summary>What a registry answers to who has seen the first entries.</summary>
    public GetConsistencyResponse Answer(int known, int firstLink = 0) => new()
    {
        Checkpoint = Encoding.UTF8.GetString(CheckpointOf(Key, Size).Sign(Key).ToArray()),
        Path = { Consistency(known) },
        LogKey = Key.Verifier.ToString(),
        Successions = { _links.Skip(firstLink).Select(Show) },
    };

    public Checkpoint CheckpointOf(NoteSignerKey key, int size) => new(key.Verifier.Name, new TreeSize((ulong)size), MerkleHash.Root(Hashes().AsSpan(0, size)));

    public void Dispose() => _keys.ForEach(key => key.Dispose());

    private LogSuccession Show((int Index, string Note, byte[] Entry, byte[] Salt) link) => new()
    {
        Note = link.Note,
        Path = { Consistency((int)Checkpoint(link.Note).Size.Value) },
        LedgerIndex = (ulong)link.Index,
        Leaf = ByteString.CopyFrom(_leaves[link.Index]),
        LeafPath = { InclusionProof.Build(new LeafIndex((ulong)link.Index), new TreeSize((ulong)Size), Node).Select(hash => ByteString.CopyFrom(hash.ToArray())) },
        Entry = ByteString.CopyFrom(link.Entry),
        Salt = ByteString.CopyFrom(link.Salt),
    };

    private IEnumerable<ByteString> Consistency(int known) =>
        ConsistencyProof.Build(new TreeSize((ulong)known), new TreeSize((ulong)Size), Node).Select(hash => ByteString.CopyFrom(hash.ToArray()));

    private Hash Node(int level, ulong index) => MerkleHash.Root(Hashes().AsSpan((int)(index << level), 1 << level));

    private Hash[] Hashes() => [.. _leaves.Select(leaf => MerkleHash.Leaf(leaf))];

    private static Checkpoint Checkpoint(string note)
    {
        Assert.True(SignedNote.TryParse(Encoding.UTF8.GetBytes(note), out var signed, out _));
        Assert.True(AgentIdentity.Ledger.Checkpoint.TryParse(signed.Text.Span, out var checkpoint, out _));
        return checkpoint;
    }
}
