using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>Finds where an anchor stands on the chain: by the transactions that we know of, and by its event, which is there whoever sent it.</summary>
internal sealed class AnchorSearch(IChain chain, AnchorContract contract, Hash log)
{
    // Nodes refuse larger ranges with words of their own, or cut the answer off in silence.
    private const ulong WindowBlocks = 1_000;

    // A week of the main chain.
    private const ulong SearchedBlocksMax = 50_000;

    /// <summary>Finds an anchor that was sent lately.</summary>
    public async Task<AnchoredCheckpoint?> FindAsync(TreeSize size, IEnumerable<AnchorAttempt> attempts, CancellationToken cancellation)
    {
        foreach (var attempt in attempts.Where(attempt => attempt.Size == size))
        {
            if (await chain.ReceiptAsync(attempt.Signed.Hash, cancellation).ConfigureAwait(false) is { Succeeded: true } receipt && contract.AnchorIn(receipt, log) is { } anchor)
                return anchor;
        }
        return await FindEventAsync(size, WindowBlocks, cancellation).ConfigureAwait(false);
    }

    /// <summary>Finds an anchor that may be old, in many requests.</summary>
    public Task<AnchoredCheckpoint?> FindOldAsync(TreeSize size, CancellationToken cancellation) => FindEventAsync(size, SearchedBlocksMax, cancellation);

    private async Task<AnchoredCheckpoint?> FindEventAsync(TreeSize size, ulong blocksMax, CancellationToken cancellation)
    {
        var newest = await chain.BlockAsync(BlockTag.Latest, cancellation).ConfigureAwait(false);
        var (end, window) = (newest?.Number ?? 0, WindowBlocks);
        var last = end - Math.Min(end, blocksMax - 1);
        while (true)
        {
            var start = end - Math.Min(end - last, window - 1);
            if (await TryWindowAsync(size, start, end, cancellation).ConfigureAwait(false) is not { } found)
            {
                if (window == 1)
                    return null;
                window /= 2;
                continue;
            }
            if (found.Count > 0)
                return found[^1];
            if (start == last)
                return null;
            end = start - 1;
        }
    }

    // Null when the node refuses the range: a smaller one is asked for.
    private async Task<IReadOnlyList<AnchoredCheckpoint>?> TryWindowAsync(TreeSize size, ulong start, ulong end, CancellationToken cancellation)
    {
        try
        {
            return await contract.AnchorsAsync(log, size, start, end, cancellation).ConfigureAwait(false);
        }
        catch (ChainException refusal) when (refusal.Fault == ChainFault.Refused)
        {
            return null;
        }
    }
}
