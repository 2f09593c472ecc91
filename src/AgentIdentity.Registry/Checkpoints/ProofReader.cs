using AgentIdentity.Credentials;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Registry.Checkpoints;

/// <summary>A public leaf, its path, and the checkpoint that the path leads to.</summary>
public sealed record LeafProof(LeafIndex Index, byte[] Leaf, Hash[] Path, string Checkpoint);

/// <summary>Proves that an entry is in the log, and checks each proof before it leaves.</summary>
public sealed class ProofReader(ILedgerStore store, CheckpointPublisher publisher)
{
    public Outcome<LeafProof> Prove(LeafIndex index)
    {
        if (!store.Size.Contains(index))
            return Refused.Because(Refusal.EntryUnknown, $"There is no entry {index}.");
        if (publisher.Last is not { } checkpoint || !checkpoint.Size.Contains(index))
            return Refused.Because(Refusal.NotIntegrated, $"No checkpoint covers entry {index} yet; try again in a second.");
        var nodes = new TileNodeReader(tile => store.ReadTile(tile.Level, tile.Index) ?? throw new InvalidDataException($"The tile {Tile.Path(tile)} is missing."));
        var leaf = store.Read(index, 1)[0].Leaf;
        var path = InclusionProof.Build(index, checkpoint.Size, nodes.Read);
        if (!InclusionProof.Verify(index, checkpoint.Size, MerkleHash.Leaf(leaf), path, checkpoint.Root))
            throw new InvalidDataException($"Entry {index} as stored is not the one under the signed root.");
        return new LeafProof(index, leaf, path, checkpoint.Note);
    }
}
