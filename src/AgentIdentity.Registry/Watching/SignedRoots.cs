using System.Collections.Concurrent;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;

namespace AgentIdentity.Registry.Watching;

/// <summary>The roots that the log had at sizes which enforcers name: a thousand of them name the same few.</summary>
internal sealed class SignedRoots(PublishedLog log)
{
    private const int SizesMax = 64;

    private readonly ConcurrentDictionary<TreeSize, Hash> _roots = new();

    /// <summary>The root of the first entries; null when no checkpoint covers so many.</summary>
    public Hash? Of(TreeSize size)
    {
        if (_roots.TryGetValue(size, out var known))
            return known;
        if (log.Newest is not { } tree || size.Value > tree.Checkpoint.Size.Value)
            return null;
        if (_roots.Count >= SizesMax)
            _roots.Clear();
        return _roots.GetOrAdd(size, MerkleHash.Root(size, tree.Node));
    }
}
