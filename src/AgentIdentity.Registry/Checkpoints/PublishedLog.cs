using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Registry.Checkpoints;

/// <summary>The log as the public may see it: what the last published checkpoint covers, and nothing beyond. For all threads.</summary>
public sealed class PublishedLog(ILedgerStore store, CheckpointPublisher publisher)
{
    private readonly TileCache _cache = new();
    private volatile SignedTree? _newest;

    /// <summary>The tree under the last published checkpoint, or null before the first.</summary>
    /// <exception cref="State.LedgerDamagedException">What is stored is not what was signed.</exception>
    public SignedTree? Newest
    {
        get
        {
            if (publisher.Last is not { } last)
                return null;
            var newest = _newest;
            // Two who come at once both read the edge, to the same effect.
            if (newest?.Checkpoint != last)
                _newest = newest = new SignedTree(store, last, _cache);
            return newest;
        }
    }
}
