using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Witnessing;

namespace AgentIdentity.Registry.Checkpoints;

/// <summary>A public leaf, its path, and the checkpoint that the path leads to.</summary>
public sealed record LeafProof(LeafIndex Index, byte[] Leaf, Hash[] Path, string Checkpoint)
{
    /// <summary>The same as a tlog-proof, which was read back before it leaves.</summary>
    /// <param name="withLeaf">Whether the leaf goes with it as <c>extra</c>: for who has entry and salt, and not the labels that its nullifiers are made with.</param>
    public byte[] ToReceipt(bool withLeaf = false)
    {
        if (!SignedNote.TryParse(Encoding.UTF8.GetBytes(Checkpoint), out var note, out var why))
            throw new LedgerDamagedException($"The stored checkpoint is no signed note: {why}.");
        var receipt = new TlogProof(Index, Path, note, withLeaf ? Leaf : default).ToArray();
        return TlogProof.TryParse(receipt, out var read, out _) && read.Path.SequenceEqual(Path) && read.Index == Index
            ? receipt
            : throw new InvalidOperationException($"The receipt of entry {Index} does not read as it was written.");
    }
}

/// <summary>Proves that an entry is in the log, and checks each proof before it leaves.</summary>
public sealed class ProofReader(ILedgerStore store, PublishedLog log)
{
    /// <summary>Under the newest checkpoint.</summary>
    public Outcome<LeafProof> Prove(LeafIndex index) => Prove(index, log.Newest, $"No checkpoint covers entry {index} yet; try again in a second.");

    /// <summary>Under the newest checkpoint that a quorum of the witnesses has cosigned.</summary>
    public Outcome<LeafProof> ProveWitnessed(LeafIndex index, Cosigning cosigning) =>
        Prove(index, cosigning.Witnessed is { } witnessed ? log.Under(witnessed) : null, $"No checkpoint that a quorum of the witnesses has cosigned covers entry {index} yet.");

    private Outcome<LeafProof> Prove(LeafIndex index, SignedTree? tree, string notYet)
    {
        if (!store.Size.Contains(index))
            return Refused.Because(Refusal.EntryUnknown, $"There is no entry {index}.");
        return tree is not null && tree.Checkpoint.Size.Contains(index)
            ? Prove(store, tree, index)
            : Refused.Because(Refusal.NotIntegrated, notYet);
    }

    /// <summary>Under a given tree, which covers the entry.</summary>
    internal static LeafProof Prove(ILedgerStore store, SignedTree tree, LeafIndex index)
    {
        var checkpoint = tree.Checkpoint;
        var leaf = store.ReadLeaves(index, 1)[0];
        var path = InclusionProof.Build(index, checkpoint.Size, tree.Node);
        if (!InclusionProof.Verify(index, checkpoint.Size, MerkleHash.Leaf(leaf), path, checkpoint.Root))
            throw new LedgerDamagedException($"The leaf of entry {index} is not the one that was signed.");
        return new LeafProof(index, leaf, path, checkpoint.Note);
    }
}
