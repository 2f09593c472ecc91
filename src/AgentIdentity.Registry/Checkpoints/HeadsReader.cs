using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Checkpoints;

/// <summary>What shows how many entries are about a subject, under one checkpoint: the heads entry with what opens its leaf, its path, and the map proof for the subject's label.</summary>
public sealed record HeadsProof(Hash Label, byte[] Map, byte[] Entry, Hash Salt, LeafProof Leaf);

/// <summary>Proves the head of a subject: docs/formats.md, "Heads".</summary>
public sealed class HeadsReader(RegistryState state, ILedgerStore store, CheckpointPublisher publisher, ProofReader proofs)
{
    /// <summary>Under the newest checkpoint that a heads entry stands last under. Waits a second at most when there is none yet.</summary>
    public async Task<Outcome<HeadsProof>> ProveAsync(SubjectId subject, CancellationToken cancellation)
    {
        if (state.LastHeads is not { } heads)
            return Refused.Because(Refusal.NotIntegrated, "No heads are committed to yet; try again in a second.");
        // A heads entry is applied a moment before the checkpoint over it is published.
        await publisher.WhenCoversAsync(heads.Index, cancellation).ConfigureAwait(false);
        var leaf = proofs.Prove(heads.Index);
        if (leaf.IsRefused)
            return Refused.Because(leaf.Refusal, leaf.Detail);
        var row = store.Read(heads.Index, 1)[0];
        if (!Opening.TryDecode(row.Opening, out var opening))
            throw new LedgerDamagedException($"The opening of entry {heads.Index} cannot be read.");
        var label = Label(subject);
        return new HeadsProof(label, heads.Map.Prove(label), row.Entry, opening.Salt, leaf.Value);
    }

    // The first entry about a subject opens its label, and never changes.
    private Hash Label(SubjectId subject) =>
        store.ReadBySubject(subject, 0, 1) is [var first] && Opening.TryDecode(first.Opening, out var opening)
            ? opening.Labels.Single(label => label.Id == subject).Label
            : throw new LedgerDamagedException($"The first entry about {subject} cannot be read.");
}
