namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>What a node says about an anchor that is claimed to be final.</summary>
public enum AnchorFinding
{
    /// <summary>It is in a block that is final, and the contract answers with its root.</summary>
    Confirmed,

    /// <summary>It is in a block, and this is not final yet.</summary>
    NotFinal,

    /// <summary>The node does not tell which block is final.</summary>
    FinalityUnknown,

    /// <summary>The node speaks for another chain.</summary>
    OtherChain,

    /// <summary>There is no code at the contract's address.</summary>
    NoContract,

    /// <summary>The code at the contract's address is not that of the contract.</summary>
    OtherCode,

    /// <summary>The block of that number is another one.</summary>
    OtherBlock,

    /// <summary>The transaction is not in that block, or has no such event.</summary>
    NoEvent,

    /// <summary>The contract answers with another root for this size, or with none.</summary>
    OtherRoot,
}
