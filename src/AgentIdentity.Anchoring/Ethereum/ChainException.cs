namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>Why a node did not do what it was asked. Nodes agree on the words more than on the numbers, so the words decide.</summary>
public enum ChainFault
{
    /// <summary>No answer came: it may or may not have been done.</summary>
    Unreachable,

    /// <summary>Asked too often; not done.</summary>
    RateLimited,

    /// <summary>An answer came that is none.</summary>
    Malformed,

    /// <summary>The nonce has been used on the chain.</summary>
    NonceTooLow,

    /// <summary>The node has this transaction already: as good as sent.</summary>
    AlreadyKnown,

    /// <summary>Another transaction with this nonce waits, and this one does not pay enough more.</summary>
    Underpriced,

    /// <summary>The account cannot pay for it.</summary>
    NoFunds,

    /// <summary>It pays less than the next block demands.</summary>
    FeeTooLow,

    /// <summary>It was signed for another chain.</summary>
    WrongChain,

    /// <summary>The contract refuses it; <see cref="ChainException.Revert"/> has the contract's reason.</summary>
    Reverted,

    /// <summary>The node refused for a reason of its own; the message has its words.</summary>
    Refused,
}

/// <summary>A node did not do what it was asked.</summary>
public sealed class ChainException : Exception
{
    public ChainException(ChainFault fault, string message)
        : base(message) => Fault = fault;

    public ChainException(ChainFault fault, string message, Exception cause)
        : base(message, cause) => Fault = fault;

    public ChainFault Fault { get; }

    /// <summary>What a contract reverted with: the selector of its error, and the error's arguments. Empty if it gave none.</summary>
    public byte[] Revert { get; init; } = [];
}
