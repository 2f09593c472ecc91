using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Reading;

/// <summary>Entries on their way into a file: each is checked before it leaves. What is stored and does not lead to the signed root, or does not open its leaf, ends the export.</summary>
internal sealed class SignedEntries(SignedTree tree)
{
    public TreeSize Size => tree.Checkpoint.Size;

    public OpenedEntry Open(StoredEntry row, out Opening opening)
    {
        var path = Path(row);
        opening = Reading.Genuine(row);
        return new OpenedEntry(row.Index, row.Leaf, Join(path), row.Entry, opening.Salt);
    }

    public Hash[] Path(StoredEntry row)
    {
        var path = InclusionProof.Build(row.Index, Size, tree.Node);
        return InclusionProof.Verify(row.Index, Size, MerkleHash.Leaf(row.Leaf), path, tree.Checkpoint.Root)
            ? path
            : throw new LedgerDamagedException($"The leaf of entry {row.Index} is not the one that was signed.");
    }

    /// <summary>Some items of an entry, with their paths to its root.</summary>
    public static IEnumerable<TrailItem> Items(IReadOnlyList<byte[]> items, Func<int, bool> isShown)
    {
        var hashes = items.Select(item => MerkleHash.Leaf(item)).ToArray();
        Hash Node(int level, ulong index) => MerkleHash.Root(hashes.AsSpan((int)(index << level), 1 << level));
        for (var i = 0; i < items.Count; i++)
        {
            if (isShown(i))
                yield return new TrailItem((uint)i, items[i], InclusionProof.Build(new LeafIndex((ulong)i), new TreeSize((ulong)items.Count), Node));
        }
    }

    /// <summary>As a file shows it.</summary>
    public static OwnItem Show(TrailItem item) => new(item.Position, item.Item, Join(item.Path));

    public static byte[] Join(ReadOnlySpan<Hash> path)
    {
        var bytes = new byte[path.Length * Hash.Size];
        for (var i = 0; i < path.Length; i++)
            path[i].CopyTo(bytes.AsSpan(i * Hash.Size));
        return bytes;
    }
}
