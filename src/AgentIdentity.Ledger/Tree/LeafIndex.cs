namespace AgentIdentity.Ledger;

/// <summary>The position of a leaf in a log, from 0. A type of its own, so that it cannot be passed for a size.</summary>
/// <param name="Value">The index; the leaf is in every tree whose size is greater.</param>
public readonly record struct LeafIndex(ulong Value)
{
    /// <summary>Decimal digits.</summary>
    public override string ToString() => Value.ToString();
}
