using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.Sequencing;

/// <summary>What the registry promises of one commit group. Signed when the first of its callers asks, and once for all of them.</summary>
public sealed class GroupPromise
{
    // docs/formats.md, "Promise".
    private const long MaximumMergeDelayMilliseconds = 5000;

    private readonly Hash[] _leafHashes;
    private readonly LeafIndex _first;
    private readonly Lazy<(Hash[][] Levels, string Note)> _signed;

    internal GroupPromise(LeafIndex first, Hash[] leafHashes, long sequencedAt, NoteSignerKey logKey)
    {
        _first = first;
        _leafHashes = leafHashes;
        IntegrateBy = sequencedAt + MaximumMergeDelayMilliseconds;
        _signed = new Lazy<(Hash[][], string)>(() =>
        {
            var levels = Levels(leafHashes);
            var promise = new Promise(logKey.Verifier.Name, first, leafHashes.Length, Root(levels), IntegrateBy);
            return (levels, promise.Sign(logKey));
        });
    }

    /// <summary>Ms since 1970.</summary>
    public long IntegrateBy { get; }

    public Hash LeafHash(LeafIndex index) => _leafHashes[index.Value - _first.Value];

    /// <summary>The signed note, and the path from the entry's leaf hash to the root in it.</summary>
    public SignedPromise For(LeafIndex index)
    {
        var (levels, note) = _signed.Value;
        var path = InclusionProof.Build(new LeafIndex(index.Value - _first.Value), new TreeSize((ulong)_leafHashes.Length), (level, at) => levels[level][at]);
        return new SignedPromise(note, path);
    }

    // All complete nodes, so that five hundred paths do not hash the group five hundred times.
    private static Hash[][] Levels(Hash[] leafHashes)
    {
        var levels = new List<Hash[]> { leafHashes };
        while (levels[^1] is { Length: > 1 } below)
        {
            var level = new Hash[below.Length / 2];
            for (var i = 0; i < level.Length; i++)
                level[i] = MerkleHash.Node(in below[2 * i], in below[(2 * i) + 1]);
            levels.Add(level);
        }
        return [.. levels];
    }

    private Hash Root(Hash[][] levels) => MerkleHash.Root(new TreeSize((ulong)_leafHashes.Length), (level, at) => levels[level][at]);
}

/// <summary>A promise as it is handed out.</summary>
public sealed record SignedPromise(string Note, IReadOnlyList<Hash> Path);
