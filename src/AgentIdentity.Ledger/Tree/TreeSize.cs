namespace AgentIdentity.Ledger;

/// <summary>The number of leaves of a tree. A type of its own, so that it cannot be passed for an index.</summary>
/// <param name="Value">The count; 0 is the empty tree.</param>
public readonly record struct TreeSize(ulong Value)
{
    /// <summary>The largest size that is accepted from outside, 2^63 - 1: other implementations hold sizes in signed 64 bits.</summary>
    public static TreeSize Max => new(long.MaxValue);

    /// <summary>Whether the leaf at <paramref name="index"/> is in a tree of this size.</summary>
    public bool Contains(LeafIndex index) => index.Value < Value;

    /// <summary>Decimal digits, as a checkpoint writes them.</summary>
    public override string ToString() => Value.ToString();
}
