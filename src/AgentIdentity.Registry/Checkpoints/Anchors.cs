using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Checkpoints;

/// <summary>What is known of the chain that holds this log's checkpoints: told by whoever anchors, asked by everybody who shows a proof. For all threads.</summary>
/// <remarks>
/// That the chain has what the ledger does not lead to is the word of a node, and no signed evidence: nothing is signed while it stands, and nobody is denied for it. It ends when
/// the chain is seen without it.
/// </remarks>
public sealed class Anchors
{
    private readonly CheckpointPublisher _publisher;
    private volatile AnchorNote? _newest;
    private volatile string? _contradiction;
    private TaskCompletionSource _grown = NewSignal();

    private volatile SignedAnchor? _note;

    internal Anchors(CheckpointPublisher publisher)
    {
        _publisher = publisher;
        // Until the chain was asked what it has of this log.
        publisher.Hold(SigningHold.Chain);
    }

    /// <summary>The newest that is final; null before the first.</summary>
    public AnchorNote? Newest => _newest;

    /// <summary>What the chain has and the ledger does not lead to, in words; null when there is nothing.</summary>
    public string? Contradiction => _contradiction;

    /// <summary>Takes an anchor that the chain calls final.</summary>
    public void Take(AnchorNote anchor)
    {
        if (anchor == _newest)
            return;
        _newest = anchor;
        Interlocked.Exchange(ref _grown, NewSignal()).TrySetResult();
    }

    /// <summary>Takes what was found when the chain was held against the ledger; null when it has nothing that the ledger does not lead to. With a finding nothing is signed until there is none.</summary>
    public void Compare(string? contradiction)
    {
        _contradiction = contradiction;
        if (contradiction is null)
            _publisher.Release(SigningHold.Chain);
        else
            _publisher.Hold(SigningHold.Chain);
    }

    /// <summary>Ends when a final anchor covers the entry.</summary>
    public async Task WhenAnchoredAsync(LeafIndex index, CancellationToken cancellation)
    {
        while (true)
        {
            var grown = Volatile.Read(ref _grown).Task;
            if (_newest is { } newest && newest.Size.Contains(index))
                return;
            await grown.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>The newest anchor beside a tree that goes on from it; null when there is none of this log, or none yet that is so small.</summary>
    /// <exception cref="LedgerDamagedException">The tree does not begin with what was anchored.</exception>
    internal ShownAnchor? Beside(SignedTree tree)
    {
        var size = tree.Checkpoint.Size;
        // Nothing is signed while the key is held.
        if (_newest is not { } anchor || anchor.Size.Value > size.Value || _publisher.IsHeld)
            return null;
        var path = ConsistencyProof.Build(anchor.Size, size, tree.Node);
        return ConsistencyProof.Verify(anchor.Size, size, anchor.Root, tree.Checkpoint.Root, path)
            ? new ShownAnchor(SignedNoteOf(anchor), SignedEntries.Join(path))
            : throw new LedgerDamagedException($"The signed tree of {size} entries does not begin with the one of {anchor.Size} that was anchored.");
    }

    // Strangers may ask for it, and a key may lie in a token that signs a few times a second.
    private string SignedNoteOf(AnchorNote anchor)
    {
        if (_note is not { } held || held.Anchor != anchor)
            _note = held = new SignedAnchor(anchor, anchor.Sign(_publisher.Signer));
        return held.Note;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed record SignedAnchor(AnchorNote Anchor, string Note);
}
