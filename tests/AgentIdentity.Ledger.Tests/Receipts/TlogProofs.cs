using System.Text;
using AgentIdentity.Ledger.Tests.Notes;
using AgentIdentity.Ledger.Tests.Policies;
using AgentIdentity.Ledger.Tests.Tree;
using Xunit.Abstractions;

namespace AgentIdentity.Ledger.Tests.Receipts;

public sealed class TlogProofs(ITestOutputHelper output)
{
    private const string Hash = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

    private static readonly DateTimeOffset Time = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    private readonly Oracle _oracle = new(20);
    private readonly NoteSignerKey _log = SignedNotes.Signer("localhost:5000", 1);
    private readonly CosignerKey _witness = Cosignatures.Witness("witness.example", 11);

    private TlogPolicy LogAlone => TlogPolicy.LogAlone(_log.Verifier);

    [Fact]
    public void A_receipt_is_the_lines_of_the_specification()
    {
        var proof = Proof(1, 3, [1, 2, 3]);
        var checkpoint = Encoding.UTF8.GetString(Note(3).ToArray());
        var text = $"c2sp.org/tlog-proof@v1\nextra AQID\nindex 1\n{Oracle.LeafHash(0)}\n{Oracle.LeafHash(2)}\n\n{checkpoint}";
        Assert.Equal(text, Encoding.UTF8.GetString(proof.ToArray()));
        Assert.Equal(text.Replace("extra AQID\n", "", StringComparison.Ordinal), Encoding.UTF8.GetString(Proof(1, 3).ToArray()));
    }

    [Fact]
    public void The_receipt_of_every_leaf_is_read_as_it_was_written_and_verifies()
    {
        for (var size = 1; size <= 20; size++)
        {
            for (var index = 0; index < size; index++)
            {
                var read = Read(Proof(index, size).ToArray());
                Assert.Equal(TlogProofRefusal.None, read.Verify(Oracle.LeafHash(index), LogAlone, out var checkpoint, out _));
                Assert.Equal(new Checkpoint("localhost:5000", new TreeSize((ulong)size), _oracle.Root(size)), checkpoint!.Checkpoint);
                Assert.True(read.Extra.IsEmpty);
                if (index > 0)
                    Assert.Equal(TlogProofRefusal.PathRefused, read.Verify(Oracle.LeafHash(index - 1), LogAlone, out _, out _));
            }
        }
    }

    [Fact]
    public void A_path_without_hashes_is_one_only_in_a_tree_of_one_leaf()
    {
        // Else the root of any tree could be passed for a leaf.
        Assert.Equal(TlogProofRefusal.None, new TlogProof(new LeafIndex(0), [], Note(1)).Verify(Oracle.LeafHash(0), LogAlone, out _, out _));
        for (var size = 2; size <= 20; size++)
        {
            var proof = new TlogProof(new LeafIndex((ulong)size - 1), [], Note(size));
            Assert.Equal(TlogProofRefusal.PathRefused, proof.Verify(_oracle.Root(size), LogAlone, out var checkpoint, out _));
            Assert.Null(checkpoint);
        }
        Assert.Equal(TlogProofRefusal.IndexOutsideTree, new TlogProof(new LeafIndex(0), [], Note(0)).Verify(MerkleHash.Empty, LogAlone, out _, out _));
    }

    [Fact]
    public void A_receipt_counts_for_as_much_as_the_policy_says_of_its_checkpoint()
    {
        var policy = PolicyTexts.Parse($"log {_log.Verifier}\nwitness w {_witness.Verifier}\nquorum w\n");
        AssertRefused(NoteRefusal.NoQuorum, Proof(4, 9), policy);
        var cosigned = new TlogProof(new LeafIndex(4), _oracle.Path(4, 9), Note(9).With(_witness.Sign(CheckpointOf(9), Time)));
        Assert.Equal(TlogProofRefusal.None, Read(cosigned.ToArray()).Verify(Oracle.LeafHash(4), policy, out var checkpoint, out _));
        Assert.Equal("w", checkpoint!.Cosignatures.Single().Witness.Name);
        AssertRefused(NoteRefusal.NoKnownSignature, Proof(4, 9), TlogPolicy.LogAlone(SignedNotes.Signer("localhost:5000", 2).Verifier));
        AssertRefused(NoteRefusal.WrongOrigin, Proof(4, 9), TlogPolicy.LogAlone(SignedNotes.Signer("localhost:6000", 1).Verifier));
    }

    [Fact]
    public void Nothing_but_the_extra_can_be_changed_in_a_receipt()
    {
        var bytes = Proof(4, 9, [1, 2, 3]).ToArray();
        var extra = Encoding.ASCII.GetString(bytes).IndexOf("AQID", StringComparison.Ordinal);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            byte[] wrong = [.. bytes];
            wrong[bit / 8] ^= (byte)(1 << (bit % 8));
            var isAccepted = TlogProof.TryParse(wrong, out var proof, out _) && proof.Verify(Oracle.LeafHash(4), LogAlone, out _, out _) == TlogProofRefusal.None;
            if (isAccepted)
                Assert.InRange(bit / 8, extra, extra + 3);
        }
    }

    public static TheoryData<string, TlogProofRefusal> Malformed => new()
    {
        { "", TlogProofRefusal.UnknownVersion },
        { "c2sp.org/tlog-proof@v1", TlogProofRefusal.UnknownVersion },
        { "c2sp.org/tlog-proof@v2\nindex 0\n\n", TlogProofRefusal.UnknownVersion },
        { "c2sp.org/tlog-proof@v1 \nindex 0\n\n", TlogProofRefusal.UnknownVersion },
        { "c2sp.org/tlog-proof@v1\r\nindex 0\r\n\r\n", TlogProofRefusal.UnknownVersion },
        { "c2sp.org/tlog-proof@v1\nextra \nindex 0\n\n", TlogProofRefusal.MalformedExtra },
        { "c2sp.org/tlog-proof@v1\nextra A\nindex 0\n\n", TlogProofRefusal.MalformedExtra },
        { "c2sp.org/tlog-proof@v1\nextra AQ==  \nindex 0\n\n", TlogProofRefusal.MalformedExtra },
        { "c2sp.org/tlog-proof@v1\nextra AR==\nindex 0\n\n", TlogProofRefusal.MalformedExtra },
        { "c2sp.org/tlog-proof@v1\n", TlogProofRefusal.MalformedIndex },
        { "c2sp.org/tlog-proof@v1\nextra AQ==\n", TlogProofRefusal.MalformedIndex },
        { "c2sp.org/tlog-proof@v1\nextra AQ==\nextra AQ==\nindex 0\n\n", TlogProofRefusal.MalformedIndex },
        { "c2sp.org/tlog-proof@v1\nindex 0\nextra AQ==\n\n", TlogProofRefusal.MalformedPath },
        { "c2sp.org/tlog-proof@v1\nextra\nindex 0\n\n", TlogProofRefusal.MalformedIndex },
        { "c2sp.org/tlog-proof@v1\nindex\n\n", TlogProofRefusal.MalformedIndex },
        { "c2sp.org/tlog-proof@v1\nindex 00\n\n", TlogProofRefusal.MalformedIndex },
        { "c2sp.org/tlog-proof@v1\nindex 01\n\n", TlogProofRefusal.MalformedIndex },
        { "c2sp.org/tlog-proof@v1\nindex -1\n\n", TlogProofRefusal.MalformedIndex },
        { "c2sp.org/tlog-proof@v1\nindex 9223372036854775808\n\n", TlogProofRefusal.MalformedIndex },
        { "c2sp.org/tlog-proof@v1\nindex 0\n" + Hash + "\n", TlogProofRefusal.MalformedPath },
        { "c2sp.org/tlog-proof@v1\nindex 0\n" + Hash + "AA\n\n", TlogProofRefusal.MalformedPath },
        { "c2sp.org/tlog-proof@v1\nindex 0\nAQID\n\n", TlogProofRefusal.MalformedPath },
        { "c2sp.org/tlog-proof@v1\nindex 0\n\n", TlogProofRefusal.MalformedCheckpoint },
        { "c2sp.org/tlog-proof@v1\nindex 0\n\no\n1\n" + Hash + "\n", TlogProofRefusal.MalformedCheckpoint },
        { "c2sp.org/tlog-proof@v1\nindex 0\n\no\n1\n\n— o AAAAAAE=\n", TlogProofRefusal.MalformedCheckpoint },
        { "c2sp.org/tlog-proof@v1\nindex 0\n\n\no\n1\n" + Hash + "\n\n— o AAAAAAE=\n", TlogProofRefusal.MalformedCheckpoint },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void A_malformed_receipt_is_refused_by_name(string text, TlogProofRefusal refusal)
    {
        Assert.False(TlogProof.TryParse(Encoding.UTF8.GetBytes(text), out _, out var found));
        Assert.Equal(refusal, found);
    }

    [Fact]
    public void The_largest_receipt_is_read_and_a_larger_one_is_neither_made_nor_read()
    {
        var path = new Hash[TlogProof.PathMax];
        var note = Note(3).With(Enumerable.Range(1, 39).Select(i => new NoteSignature($"witness-{i:00}", 6, new byte[2424])));
        var largest = new TlogProof(new LeafIndex(long.MaxValue), path, note, new byte[TlogProof.ExtraBytesMax]).ToArray();
        Assert.InRange(largest.Length, TlogProof.BytesMax - 10_000, TlogProof.BytesMax);
        Assert.Equal(TlogProof.ExtraBytesMax, Read(largest).Extra.Length);
        Assert.False(TlogProof.TryParse(new byte[TlogProof.BytesMax + 1], out _, out var refusal));
        Assert.Equal(TlogProofRefusal.TooLong, refusal);
        Assert.Throws<ArgumentException>(() => new TlogProof(default, new Hash[TlogProof.PathMax + 1], note));
        Assert.Throws<ArgumentException>(() => new TlogProof(default, [], note, new byte[TlogProof.ExtraBytesMax + 1]));
        Assert.Throws<ArgumentException>(() => new TlogProof(default, [], SignedNote.Sign("no checkpoint\n"u8, _log)));
        var text = Encoding.ASCII.GetString(new TlogProof(default, path, note).ToArray());
        var longer = text.Replace("index 0\n", $"index 0\n{Hash}\n", StringComparison.Ordinal);
        Assert.False(TlogProof.TryParse(Encoding.UTF8.GetBytes(longer), out _, out refusal));
        Assert.Equal(TlogProofRefusal.PathTooLong, refusal);
    }

    [Fact]
    public void A_damaged_receipt_is_refused_or_read_and_never_throws()
    {
        string[] tokens = ["\n", "\n\n", "extra ", "index ", "extra AQ==\n", "index 1\n", Hash + "\n", "— ", "=", "0", "9", "\0"];
        var accepted = 0;
        new Mutation(output, [Proof(4, 9, [1, 2, 3]).ToArray(), Proof(0, 1).ToArray()], [.. tokens.Select(Encoding.UTF8.GetBytes), [0xff]]).Run(bytes =>
        {
            if (TlogProof.TryParse(bytes, out var proof, out var refusal))
            {
                accepted++;
                Assert.Equal(bytes, proof.ToArray());
                if (proof.Verify(Oracle.LeafHash(4), LogAlone, out var checkpoint, out _) == TlogProofRefusal.None)
                    Assert.Equal((CheckpointOf(9), 4UL), (checkpoint!.Checkpoint, proof.Index.Value));
            }
            Assert.Equal(proof is null, refusal != TlogProofRefusal.None);
        });
        Assert.True(accepted > 100, "the damage leaves too little to read");
    }

    private Checkpoint CheckpointOf(int size) => new("localhost:5000", new TreeSize((ulong)size), _oracle.Root(size));

    private SignedNote Note(int size) => CheckpointOf(size).Sign(_log);

    private TlogProof Proof(int index, int size, byte[]? extra = null) =>
        new(new LeafIndex((ulong)index), _oracle.Path(index, size), Note(size), extra ?? []);

    private static TlogProof Read(byte[] bytes)
    {
        Assert.True(TlogProof.TryParse(bytes, out var proof, out var refusal), refusal.ToString());
        Assert.Equal(bytes, proof.ToArray());
        return proof;
    }

    private static void AssertRefused(NoteRefusal refusal, TlogProof proof, TlogPolicy policy)
    {
        Assert.Equal(TlogProofRefusal.CheckpointRefused, proof.Verify(Oracle.LeafHash((int)proof.Index.Value), policy, out var checkpoint, out var found));
        Assert.Null(checkpoint);
        Assert.Equal(refusal, found);
    }
}
