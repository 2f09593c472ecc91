namespace AgentIdentity.Ledger;

/// <summary>
/// The seam through which proofs read a tree: gives the hash of the complete subtree over the leaves
/// [<paramref name="index"/> · 2^<paramref name="level"/>, (<paramref name="index"/> + 1) · 2^<paramref name="level"/>).
/// </summary>
/// <remarks>
/// It is asked only for subtrees that are complete at the size that the proof is for; it throws when it cannot answer, and
/// what it throws passes through the builder. See <see cref="TileNodeReader"/> for one that reads tiles.
/// </remarks>
/// <param name="level">0 for leaf hashes, up to 63.</param>
/// <param name="index">Position among the subtrees of that level.</param>
public delegate Hash NodeReader(int level, ulong index);

/// <summary>Is told of a complete subtree, named as for <see cref="NodeReader"/>.</summary>
/// <param name="level">0 for leaf hashes, up to 63.</param>
/// <param name="index">Position among the subtrees of that level.</param>
/// <param name="hash">The root of the subtree.</param>
public delegate void NodeVisitor(int level, ulong index, in Hash hash);
