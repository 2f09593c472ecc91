using System.Text;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;

namespace AgentIdentity.Client.Tests;

public sealed class InclusionVerifierTests : IDisposable
{
    private const ulong Index = 3;

    private readonly Ed25519PrivateKey _key = Ed25519PrivateKey.Generate();

    private NoteSignerKey LogKey => new("localhost:5000", _key);

    public void Dispose() => _key.Dispose();

    [Fact]
    public void A_leaf_that_the_log_has_signed_for_is_included()
    {
        var proof = Proof();
        var check = InclusionVerifier.Verify(proof, new LeafIndex(Index), LogKey.Verifier);
        Assert.True(check.IsIncluded);
        Assert.Equal(MerkleHash.Leaf(proof.Leaf.Span), check.LeafHash);
        Assert.Equal(5ul, check.Checkpoint!.Size.Value);
    }

    [Fact]
    public void One_wrong_bit_anywhere_is_found()
    {
        var leaf = Proof();
        leaf.Leaf = Flipped(leaf.Leaf);
        Assert.Equal(InclusionVerdict.PathWrong, Judge(leaf));

        for (var i = 0; i < Proof().Path.Count; i++)
        {
            var path = Proof();
            path.Path[i] = Flipped(path.Path[i]);
            Assert.Equal(InclusionVerdict.PathWrong, Judge(path));
        }

        var root = Proof();
        root.Checkpoint = root.Checkpoint.Replace("\n5\n", "\n4\n", StringComparison.Ordinal);
        Assert.Equal(InclusionVerdict.CheckpointInvalid, Judge(root));
    }

    [Fact]
    public void Another_entry_another_logs_signature_and_what_is_no_leaf_are_told_apart()
    {
        Assert.Equal(InclusionVerdict.OtherEntry, InclusionVerifier.Verify(Proof(), new LeafIndex(2), LogKey.Verifier).Verdict);

        using var stranger = Ed25519PrivateKey.Generate();
        Assert.Equal(InclusionVerdict.CheckpointInvalid, InclusionVerifier.Verify(Proof(), new LeafIndex(Index), new NoteSignerKey("localhost:5000", stranger).Verifier).Verdict);

        var malformed = Proof();
        malformed.Leaf = ByteString.CopyFromUtf8("no leaf");
        Assert.Equal(InclusionVerdict.LeafMalformed, Judge(malformed));

        var shortHash = Proof();
        shortHash.Path[0] = ByteString.CopyFrom(new byte[31]);
        Assert.Equal(InclusionVerdict.PathWrong, Judge(shortHash));

        var tooLong = Proof();
        tooLong.Path.Add(ByteString.CopyFrom(new byte[32]));
        Assert.Equal(InclusionVerdict.PathWrong, Judge(tooLong));
    }

    private InclusionVerdict Judge(GetInclusionProofResponse proof) => InclusionVerifier.Verify(proof, new LeafIndex(Index), LogKey.Verifier).Verdict;

    private GetInclusionProofResponse Proof()
    {
        var leaves = Enumerable.Range(0, 5).Select(i => Leaf.Encode(1, [Sha256.Hash([(byte)i])], new byte[Leaf.SaltSize], [(byte)i])).ToArray();
        var hashes = leaves.Select(leaf => MerkleHash.Leaf(leaf)).ToArray();
        var size = new TreeSize(5);
        var path = InclusionProof.Build(new LeafIndex(Index), size, (level, index) => MerkleHash.Root(hashes.AsSpan((int)index << level, 1 << level)));
        var checkpoint = new Checkpoint("localhost:5000", size, MerkleHash.Root(hashes)).Sign(LogKey);
        return new GetInclusionProofResponse
        {
            LedgerIndex = Index,
            Leaf = ByteString.CopyFrom(leaves[Index]),
            Path = { path.Select(hash => ByteString.CopyFrom(hash.ToArray())) },
            Checkpoint = Encoding.UTF8.GetString(checkpoint.ToArray()),
        };
    }

    // The last bit: in a leaf it is of the commitment, so that the leaf stays one.
    private static ByteString Flipped(ByteString bytes)
    {
        var flipped = bytes.ToByteArray();
        flipped[^1] ^= 1;
        return ByteString.CopyFrom(flipped);
    }
}
