using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Checkpoints;

/// <summary>What shows how many entries are about a subject, under one checkpoint: the heads entry with what opens its leaf, its path, and the map proof for the subject's label.</summary>
public sealed record HeadsProof(Hash Label, byte[] Map, byte[] Entry, Hash Salt, LeafProof Leaf);

/// <summary>A subject's head in the map of a heads entry, which is the last entry of the tree.</summary>
internal sealed record SubjectView(SignedTree Tree, CommittedHeads Heads, Hash Label, Head Head);

/// <summary>Proves the head of a subject: docs/formats.md, "Heads".</summary>
public sealed class HeadsReader(RegistryState state, ILedgerStore store, CheckpointPublisher publisher, PublishedLog log)
{
    // The heads entry is applied a moment before its checkpoint is published; by then there may be the next. Twice is rare, this often does not happen.
    private const int AttemptsMax = 5;

    public async Task<Outcome<HeadsProof>> ProveAsync(SubjectId subject, CancellationToken cancellation)
    {
        if (await FindAsync(subject, cancellation).ConfigureAwait(false) is not { } view)
            return NotCovered();
        var index = view.Heads.Index;
        var leaf = ProofReader.Prove(store, view.Tree, index);
        var row = store.Read(index, 1)[0];
        return new HeadsProof(view.Label, view.Heads.Map.Prove(view.Label), row.Entry, Reading.Reading.Genuine(row).Salt, leaf);
    }

    /// <summary>Under the newest checkpoint; null when none covers the subject's first entry yet.</summary>
    internal async Task<SubjectView?> FindAsync(SubjectId subject, CancellationToken cancellation)
    {
        for (var attempt = 0; attempt < AttemptsMax && state.LastHeads is { } heads; attempt++)
        {
            await publisher.WhenCoversAsync(heads.Index, cancellation).ConfigureAwait(false);
            if (log.Newest is not { } tree || tree.Checkpoint.Size.Value != heads.Index.Value + 1)
                continue;
            var label = Label(subject);
            return heads.Map.TryFind(label, out var head) ? new SubjectView(tree, heads, label, head) : null;
        }
        return null;
    }

    internal static Refused NotCovered() => Refused.Because(Refusal.NotIntegrated, "No checkpoint covers this agent's enrolment yet; try again in a second.");

    // The first entry about a subject opens its label, and never changes.
    private Hash Label(SubjectId subject) =>
        store.ReadBySubject(subject, 0, 1) is [var first] && Opening.TryDecode(first.Opening, out var opening)
            ? opening.Labels.Single(label => label.Id == subject).Label
            : throw new LedgerDamagedException($"The first entry about {subject} cannot be read.");
}
