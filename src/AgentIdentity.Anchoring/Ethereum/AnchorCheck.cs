using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>Asks one node about a claimed anchor, and believes nothing that its own answers contradict. The registry asks so before it calls an anchor final; auditors ask nodes of their own choice.</summary>
/// <param name="log">The SHA-256 of the log's origin.</param>
public sealed class AnchorCheck(IChain chain, ulong chainId, Address contract, Hash log)
{
    private readonly AnchorContract _contract = new(chain, contract);

    /// <exception cref="ChainException">The node did not answer.</exception>
    public async Task<AnchorFinding> CheckAsync(AnchoredCheckpoint claimed, CancellationToken cancellation)
    {
        // 1. The chain and the contract are those that were meant; whatever else would be answered is about something else.
        if (await chain.ChainIdAsync(cancellation).ConfigureAwait(false) != chainId)
            return AnchorFinding.OtherChain;
        if (await _contract.FindCodeAsync(cancellation).ConfigureAwait(false) is var code && code != AnchorCode.Ours)
            return code == AnchorCode.Missing ? AnchorFinding.NoContract : AnchorFinding.OtherCode;

        // 2. The block is on the chain as it is now, and the transaction with its event is in that block.
        if (await chain.BlockAsync(BlockTag.Number(claimed.BlockNumber), cancellation).ConfigureAwait(false) is not { } block || block.Hash != claimed.BlockHash)
            return AnchorFinding.OtherBlock;
        if (await chain.ReceiptAsync(claimed.Transaction, cancellation).ConfigureAwait(false) is not { Succeeded: true } receipt || _contract.AnchorIn(receipt, log) != claimed)
            return AnchorFinding.NoEvent;

        // 3. The chain has promised to keep the block, and the contract's own memory there says the same.
        if (await FindFinalAsync(cancellation).ConfigureAwait(false) is not { } final)
            return AnchorFinding.FinalityUnknown;
        if (final.Number < claimed.BlockNumber)
            return AnchorFinding.NotFinal;
        var root = await _contract.FindRootAsync(log, claimed.Size, BlockTag.Finalized, cancellation).ConfigureAwait(false);
        return root == claimed.Root ? AnchorFinding.Confirmed : AnchorFinding.OtherRoot;
    }

    // Chains without finality refuse the tag; that is an answer, and not a failure to answer.
    private async Task<ChainBlock?> FindFinalAsync(CancellationToken cancellation)
    {
        try
        {
            return await chain.BlockAsync(BlockTag.Finalized, cancellation).ConfigureAwait(false);
        }
        catch (ChainException refusal) when (refusal.Fault == ChainFault.Refused)
        {
            return null;
        }
    }
}
