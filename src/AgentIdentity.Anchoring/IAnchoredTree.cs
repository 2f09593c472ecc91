using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring;

/// <summary>
/// The signed tree of the ledger, as far as anchoring asks for it. Answers are of what has been signed, so that they are durable and do not change: a size only grows, unless the
/// ledger was put back to an older state, which is what anchoring is there to notice. May be asked from any thread.
/// </summary>
public interface IAnchoredTree
{
    /// <summary>The first line of the checkpoints.</summary>
    string Origin { get; }

    /// <summary>The size of the newest signed checkpoint.</summary>
    TreeSize Size { get; }

    /// <summary>The root of the tree of its first entries.</summary>
    /// <param name="size">At least 1, and no larger than <see cref="Size"/>.</param>
    Hash RootAt(TreeSize size);

    /// <summary>The RFC 9162 consistency proof between two such sizes.</summary>
    Hash[] Consistency(TreeSize oldSize, TreeSize newSize);
}
