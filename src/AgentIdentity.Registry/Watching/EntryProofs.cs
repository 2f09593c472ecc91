using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>Shows enforcers where the entries behind their deltas stand.</summary>
internal sealed class EntryProofs(ILedgerStore store, ProofReader leaves)
{
    /// <summary>Of an entry that a checkpoint covers.</summary>
    /// <exception cref="LedgerDamagedException">What is stored is not what was signed.</exception>
    public EntryProof Prove(LeafIndex index)
    {
        var proof = leaves.Prove(index);
        if (proof.IsRefused || store.Read(index, 1) is not [var row])
            throw new LedgerDamagedException($"Entry {index} is under a checkpoint and cannot be shown.");
        // An enforcer would take what the disk has changed for forged.
        return new EntryProof(index, row.Entry, Reading.Reading.Genuine(row).Salt, Encoding.UTF8.GetString(proof.Value.ToReceipt(withLeaf: true)));
    }
}
