using System.Text;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Client;

/// <summary>What checking an inclusion proof came to.</summary>
public enum InclusionVerdict
{
    /// <summary>The leaf stands at that index in the tree that the log has signed.</summary>
    Included,

    /// <summary>The answer is about another entry than the one asked for.</summary>
    OtherEntry,

    /// <summary>The bytes are no leaf.</summary>
    LeafMalformed,

    /// <summary>The checkpoint is not signed by the log's key, or is not a checkpoint.</summary>
    CheckpointInvalid,

    /// <summary>The path does not lead from the leaf to the root.</summary>
    PathWrong,
}

/// <summary>The verdict, with what was checked: the leaf's hash, and the checkpoint when its signature is good.</summary>
public sealed record InclusionCheck(InclusionVerdict Verdict, Hash LeafHash, Checkpoint? Checkpoint)
{
    public bool IsIncluded => Verdict == InclusionVerdict.Included;
}

/// <summary>Checks inclusion proofs without trusting the server that gave them: only the log's key is trusted, which the caller has from elsewhere.</summary>
public static class InclusionVerifier
{
    public static InclusionCheck Verify(GetInclusionProofResponse proof, LeafIndex index, NoteVerifierKey logKey)
    {
        var leafHash = MerkleHash.Leaf(proof.Leaf.Span);
        var isSigned = Checkpoint.TryOpen(Encoding.UTF8.GetBytes(proof.Checkpoint), logKey, out var checkpoint, out _);
        return new InclusionCheck(Judge(), leafHash, checkpoint);

        InclusionVerdict Judge()
        {
            if (proof.LedgerIndex != index.Value)
                return InclusionVerdict.OtherEntry;
            if (!Leaf.TryDecode(proof.Leaf.Span, out _))
                return InclusionVerdict.LeafMalformed;
            if (!isSigned)
                return InclusionVerdict.CheckpointInvalid;
            return LeadsToRoot(proof, index, leafHash, checkpoint!) ? InclusionVerdict.Included : InclusionVerdict.PathWrong;
        }
    }

    private static bool LeadsToRoot(GetInclusionProofResponse proof, LeafIndex index, Hash leafHash, Checkpoint checkpoint) =>
        proof.Path.All(hash => hash.Length == Hash.Size)
        && InclusionProof.Verify(index, checkpoint.Size, leafHash, proof.Path.Select(hash => Hash.Read(hash.Span)).ToArray(), checkpoint.Root);
}
