using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Checkpoints;

/// <summary>The newest checkpoint, and what proves that it goes on from the one that the caller knows.</summary>
/// <param name="Links">What leads from the log of the known checkpoint to the one that signs now; none when they are the same, or when it cannot be followed.</param>
public sealed record Consistency(string Checkpoint, Hash[] Path, IReadOnlyList<SuccessionProof> Links);

/// <summary>
/// Holds what others have seen of this log against what it is now. A checkpoint that our key signed and our ledger does not lead to means that the folder
/// was put back to an older state, or that somebody else signs with our key: from then on everybody is denied and nothing is signed, also after a restart.
/// </summary>
/// <remarks>Who can write to the store can remove the document that remembers it; then the next caller who presents such a checkpoint brings it back.</remarks>
public sealed class SeenCheckpoints
{
    private const string Document = "rolled-back";

    private readonly ILedgerStore _store;
    private readonly CheckpointPublisher _publisher;
    private readonly PublishedLog _log;
    private readonly SuccessionReader _successions;
    private readonly Standing _standing;
    private readonly Action<string> _say;
    private readonly Lock _lock = new();

    internal SeenCheckpoints(ILedgerStore store, CheckpointPublisher publisher, PublishedLog log, SuccessionReader successions, Standing standing, Action<string> say)
    {
        (_store, _publisher, _log, _successions, _standing, _say) = (store, publisher, log, successions, standing, say);
        // A recovery opens a successor log with a key of its own, whose first entry names what was lost: then this is over.
        if (store.ReadDocument(Document) is { } held && Checkpoint.TryOpen(held.Content.Span, publisher.Verifier, out _, out _))
            Deny(Encoding.UTF8.GetString(held.Content.Span));
    }

    /// <summary>Takes the largest checkpoint that the caller has seen (empty: none), and proves that the newest one contains it.</summary>
    public Outcome<Consistency> Present(string note)
    {
        Checkpoint? seen = null;
        LogRecord? former = null;
        if (note.Length > 0 && !Checkpoint.TryOpen(Encoding.UTF8.GetBytes(note), _publisher.Verifier, out seen, out var why) && !_successions.TryOpenFormer(note, out former, out seen))
            return Refused.Because(Refusal.CheckpointNotOurs, $"That is no checkpoint that {_publisher.LogKey} has signed: {why}.");
        if (_standing.Everyone == Refusal.RolledBack)
            return RolledBack();
        var newest = _log.Newest;
        // The key of a former log ends nothing: a recovery leaves larger checkpoints of it behind, and whoever stole it could else end its successors too.
        if (seen is not null && !Contains(seen))
            return former is null ? RollBack(note) : Refused.Because(Refusal.CheckpointNotOurs, _successions.Describe(former));
        return newest is null || seen?.Size.Value > newest.Checkpoint.Size.Value
            ? Refused.Because(Refusal.NotIntegrated, "There is no checkpoint yet; try again in a second.")
            : Prove(seen?.Size ?? default, newest, seen is null || former is not null ? _successions.Read(former, newest) : []);
    }

    // A witness may have seen what was signed and is not shown yet.
    private bool Contains(Checkpoint seen) =>
        seen.Size.Value == 0 || (_publisher.Signed is { } signed && seen.Size.Value <= signed.Size.Value && MerkleHash.Root(seen.Size, _log.Under(signed).Node) == seen.Root);

    private static Outcome<Consistency> Prove(TreeSize seen, SignedTree newest, IReadOnlyList<SuccessionProof> links)
    {
        var (size, root) = (newest.Checkpoint.Size, newest.Checkpoint.Root);
        var path = ConsistencyProof.Build(seen, size, newest.Node);
        if (!ConsistencyProof.Verify(seen, size, MerkleHash.Root(seen, newest.Node), root, path))
            throw new LedgerDamagedException($"The stored tree of size {size} does not contain its own beginning of size {seen}.");
        return new Consistency(newest.Checkpoint.Note, path, links);
    }

    // Whoever presents it may have added lines until no document holds it.
    private byte[] OurLine(string note)
    {
        if (!SignedNote.TryParse(Encoding.UTF8.GetBytes(note), out var signed, out var why))
            throw new InvalidOperationException($"A note that was opened is none: {why}.");
        var line = signed.Signatures.First(signature => _publisher.Verifier.Verify(signed.Text.Span, signature));
        return Encoding.UTF8.GetBytes($"{Encoding.UTF8.GetString(signed.Text.Span)}\n{line}\n");
    }

    private static Refused RolledBack() => Refused.Because(Refusal.RolledBack, "This log is not the one that its key has signed before: the registry denies everything until it is recovered.");

    // Denied first: what cannot be written down must not be acknowledged either.
    private Refused RollBack(string note)
    {
        lock (_lock)
        {
            if (_standing.Everyone == Refusal.RolledBack)
                return RolledBack();
            Deny(note);
            try
            {
                _store.TryWriteDocument(Document, _store.ReadDocument(Document)?.Version ?? 0, OurLine(note));
            }
            catch (StoreFullException full)
            {
                _say($"A restart would forget it: {full.Message}");
            }
        }
        return RolledBack();
    }

    private void Deny(string note)
    {
        _standing.RollBack();
        _say($"ROLLED BACK: a checkpoint was presented that this log's key has signed and this ledger does not lead to. Everything is denied and nothing is signed. The ledger has {_store.LastCheckpoint?.Size ?? default} signed entries; the checkpoint reads:\n{note}");
    }
}
