using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>How far the newest anchor has come. The names are those of metrics, health and the command line.</summary>
public enum AnchorState
{
    /// <summary>Nothing is anchored, and nothing is due.</summary>
    Idle,

    /// <summary>An anchor is signed, written down and sent, and in no block.</summary>
    Broadcast,

    /// <summary>The newest anchor is in a block that the chain may still take back.</summary>
    Mined,

    /// <summary>The newest anchor is in a block that the chain has promised to keep. Nothing else is called done.</summary>
    Final,

    /// <summary>The chain demands more than the cap; what is out stays out, and nothing more is offered until the fees fall.</summary>
    HeldByFeeCap,

    /// <summary>The account cannot pay.</summary>
    NoFunds,

    /// <summary>The node does not answer, or not sensibly.</summary>
    RpcDown,

    /// <summary>Something that time does not heal: another chain, another contract, another sequencer, another history.</summary>
    NeedsOperator,
}

/// <summary>What anchoring has come to.</summary>
/// <param name="Reason">Why, for people; null where all is well.</param>
/// <param name="Anchored">The size that the newest block has; 0 for none.</param>
/// <param name="LastMined">The newest anchor, while it is known where it stands.</param>
/// <param name="LastFinal">The newest anchor that is final.</param>
/// <param name="InFlight">The transaction that waits to be included.</param>
/// <param name="AttemptCount">Transactions that were signed since the start.</param>
/// <param name="IsFinalityOverdue">An anchor has waited longer to become final than a healthy chain takes.</param>
/// <param name="IsCompared">The chain's newest size and root were held against the ledger since the start.</param>
/// <param name="Contradiction">What the chain has and the ledger does not lead to, for people: more of the log, or another one. It stands until the chain is seen without it.</param>
public sealed record AnchorStatus(
    AnchorState State, string? Reason, TreeSize Anchored, AnchoredCheckpoint? LastMined, AnchoredCheckpoint? LastFinal, ChainHash? InFlight, long AttemptCount, bool IsFinalityOverdue, bool IsCompared, string? Contradiction)
{
    /// <summary>Whether somebody should look.</summary>
    public bool IsHealthy => State is AnchorState.Idle or AnchorState.Broadcast or AnchorState.Mined or AnchorState.Final && !IsFinalityOverdue && Reason is null && Contradiction is null;
}
