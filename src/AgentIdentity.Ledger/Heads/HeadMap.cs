namespace AgentIdentity.Ledger;

/// <summary>
/// A map from keys of 32 bytes (the labels of subjects) to their heads, with one hash over all of it (docs/formats.md, "Heads map"):
/// a binary trie that branches only where keys differ. The order of insertion leaves no trace in the hash.
/// </summary>
/// <remarks>
/// Immutable: a change gives a new map that shares all but the changed paths with the old one, so a version that somebody reads or
/// proves from stays as it is. Safe for any number of readers. Hashes are computed when a root or a proof is asked for, once for
/// each node; versions that nobody asks are never hashed. About 170 bytes of memory for each key.
/// </remarks>
public sealed class HeadMap
{
    private readonly Node? _root;

    private HeadMap(Node? root, int count)
    {
        _root = root;
        Count = count;
    }

    /// <summary>The map without keys. Its root is <see cref="MerkleHash.Empty"/>.</summary>
    public static HeadMap Empty { get; } = new(null, 0);

    /// <summary>Keys in the map.</summary>
    public int Count { get; }

    /// <summary>The root: leaf H(0x00 ‖ key ‖ count ‖ hash ‖ index), inner node H(0x01 ‖ depth ‖ left ‖ right).</summary>
    public Hash Root => _root?.Hash() ?? MerkleHash.Empty;

    /// <summary>The head under a key. False if the key is not in the map.</summary>
    public bool TryFind(in Hash key, out Head head)
    {
        var leaf = _root is null ? null : Reach(_root, in key);
        var isFound = leaf is not null && leaf.Key == key;
        head = isFound ? leaf!.Head : default;
        return isFound;
    }

    /// <summary>The map with this head under this key, in place of the one that may stand there.</summary>
    public HeadMap With(in Hash key, in Head head) => With([KeyValuePair.Create(key, head)]);

    /// <summary>The map with all these heads. Each node on the ways to them is copied once, however many keys lie below it.</summary>
    /// <param name="heads">In any order, each key once.</param>
    /// <exception cref="ArgumentException">A key stands there twice.</exception>
    public HeadMap With(params ReadOnlySpan<KeyValuePair<Hash, Head>> heads)
    {
        if (heads.IsEmpty)
            return this;
        var leaves = Sorted(heads);
        if (_root is null)
            return new HeadMap(Build(leaves), leaves.Length);

        var parting = new short[leaves.Length];
        var added = 0;
        for (var i = 0; i < leaves.Length; i++)
        {
            parting[i] = (short)Bits.FirstDifference(in leaves[i].Key, in Reach(_root, in leaves[i].Key).Key);
            added += parting[i] < Bits.Count ? 1 : 0;
        }
        return new HeadMap(Merge(_root, leaves, parting), Count + added);
    }

    /// <summary>Proves what the map holds under a key, or that it holds nothing there: see <see cref="HeadMapProof.Verify"/>.</summary>
    public byte[] Prove(in Hash key)
    {
        if (_root is null)
            return [];
        var proof = new byte[(Steps(_root, in key) * HeadMapProof.StepSize) + Head.SizeWithKey];
        var rest = proof.AsSpan();
        var node = _root;
        for (; node is Inner inner; node = inner.Next(in key))
        {
            rest[0] = (byte)inner.Depth;
            inner.Other(in key).Hash().CopyTo(rest[1..]);
            rest = rest[HeadMapProof.StepSize..];
        }
        var leaf = (Leaf)node;
        leaf.Head.Write(in leaf.Key, rest);
        return proof;
    }

    private static int Steps(Node node, in Hash key)
    {
        var steps = 0;
        for (; node is Inner inner; node = inner.Next(in key))
            steps++;
        return steps;
    }

    // The one leaf that the bits of the key lead to. Where the key parts from it, it parts from everything below that bit.
    private static Leaf Reach(Node node, in Hash key)
    {
        while (node is Inner inner)
            node = inner.Next(in key);
        return (Leaf)node;
    }

    private static Leaf[] Sorted(ReadOnlySpan<KeyValuePair<Hash, Head>> heads)
    {
        var leaves = new Leaf[heads.Length];
        for (var i = 0; i < heads.Length; i++)
            leaves[i] = new Leaf(heads[i].Key, heads[i].Value);
        Array.Sort(leaves, static (one, other) => one.Key.CompareTo(other.Key));
        for (var i = 1; i < leaves.Length; i++)
        {
            if (leaves[i - 1].Key == leaves[i].Key)
                throw new ArgumentException($"Each key stands once in a change; {leaves[i].Key} stands there twice.", nameof(heads));
        }
        return leaves;
    }

    // In ascending order the first and the last key part first, and all others lie on either side of that bit.
    private static Node Build(ReadOnlySpan<Leaf> leaves)
    {
        if (leaves.Length == 1)
            return leaves[0];
        var depth = Bits.FirstDifference(in leaves[0].Key, in leaves[^1].Key);
        var middle = FirstOne(leaves, depth);
        return new Inner(depth, Build(leaves[..middle]), Build(leaves[middle..]));
    }

    // Until the node's own depth all these keys agree with those below it, but for the ones whose bit of parting is smaller.
    private static Node Merge(Node node, ReadOnlySpan<Leaf> leaves, ReadOnlySpan<short> parting)
    {
        if (leaves.IsEmpty)
            return node;
        var depth = Smallest(parting);
        if (depth < node.Depth)
            return Part(node, depth, leaves, parting);
        if (node is not Inner inner)
            return leaves[0];
        var middle = FirstOne(leaves, inner.Depth);
        return new Inner(inner.Depth, Merge(inner.Left, leaves[..middle], parting[..middle]), Merge(inner.Right, leaves[middle..], parting[middle..]));
    }

    // Above the node comes a new one: on its one side what parts here, on the other the node with the rest.
    private static Inner Part(Node node, int depth, ReadOnlySpan<Leaf> leaves, ReadOnlySpan<short> parting)
    {
        var middle = FirstOne(leaves, depth);
        return Bits.At(in leaves[parting.IndexOf((short)depth)].Key, depth)
            ? new Inner(depth, Merge(node, leaves[..middle], parting[..middle]), Build(leaves[middle..]))
            : new Inner(depth, Build(leaves[..middle]), Merge(node, leaves[middle..], parting[middle..]));
    }

    private static int Smallest(ReadOnlySpan<short> parting)
    {
        var smallest = parting[0];
        foreach (var one in parting[1..])
            smallest = Math.Min(smallest, one);
        return smallest;
    }

    // Before this bit the keys agree, so those that have it come last.
    private static int FirstOne(ReadOnlySpan<Leaf> leaves, int depth)
    {
        var (low, high) = (0, leaves.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = Bits.At(in leaves[middle].Key, depth) ? (low, middle) : (middle + 1, high);
        }
        return low;
    }

    private abstract class Node
    {
        /// <summary>The bit at which the two sides differ; for a leaf, one beyond the last.</summary>
        internal abstract int Depth { get; }

        internal abstract Hash Hash();
    }

    // Its hash is not kept: it is needed only with that of its parent, and 32 bytes for each key are not nothing.
    private sealed class Leaf(Hash key, Head head) : Node
    {
        internal readonly Hash Key = key;
        internal readonly Head Head = head;

        internal override int Depth => Bits.Count;

        internal override Hash Hash() => Head.LeafHash(in Key);
    }

    private sealed class Inner(int depth, Node left, Node right) : Node
    {
        internal readonly Node Left = left;
        internal readonly Node Right = right;
        private readonly byte _depth = (byte)depth;

        // Written by whoever asks first, perhaps by several at once: all write the same bytes, and the flag after them.
        private Hash _hash;
        private bool _isHashed;

        internal override int Depth => _depth;

        internal Node Next(in Hash key) => Bits.At(in key, _depth) ? Right : Left;

        internal Node Other(in Hash key) => Bits.At(in key, _depth) ? Left : Right;

        internal override Hash Hash()
        {
            if (Volatile.Read(ref _isHashed))
                return _hash;
            var hash = HeadMapProof.Node(_depth, Left.Hash(), Right.Hash());
            _hash = hash;
            Volatile.Write(ref _isHashed, true);
            return hash;
        }
    }
}
