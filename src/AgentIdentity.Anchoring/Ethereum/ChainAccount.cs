namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>An account of ours on one chain: plans, signs and sends. It keeps nothing: whoever must survive a crash writes down what was signed before it is sent.</summary>
/// <param name="chainId">The chain that transactions are meant for; another one behind the URL is refused before anything is signed.</param>
public sealed class ChainAccount(IChain chain, ISigner signer, ulong chainId, FeeLimits limits, TimeProvider time)
{
    // Half of what the main chain takes for a block, as often as there can be news.
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(1);

    // Between estimate and inclusion others may write; what is not used is not paid.
    private const ulong SpareGasPercent = 10;

    public Address Address => signer.Address;

    /// <summary>Is told of what <see cref="ExecuteAsync"/> has signed, before it is sent: whoever is interrupted then knows what may be on the chain.</summary>
    public Action<SignedTransaction> Sending { get; init; } = static _ => { };

    /// <exception cref="ChainException">The node speaks for another chain.</exception>
    public async Task RequireChainAsync(CancellationToken cancellation)
    {
        var found = await chain.ChainIdAsync(cancellation).ConfigureAwait(false);
        if (found != chainId)
            throw new ChainException(ChainFault.WrongChain, $"The node speaks for chain {found}; chain {chainId} is expected.");
    }

    /// <summary>Signs a call, or the creation of a contract, with this nonce and this offer.</summary>
    /// <exception cref="ChainException">The node refused, the chain is another one, or the contract would refuse it.</exception>
    /// <exception cref="SigningException">It was not signed.</exception>
    public async Task<SignedTransaction> SignAsync(Address? to, byte[] data, ulong nonce, FeeOffer offer, CancellationToken cancellation)
    {
        var transaction = new Transaction(chainId, nonce, offer.TipWei, offer.MaxFeeWei, await GasAsync(to, data, cancellation).ConfigureAwait(false), to, data);
        return await signer.SignAsync(transaction, cancellation).ConfigureAwait(false);
    }

    /// <summary>What a transaction would cost at most, in wei, as things stand. Nothing is signed.</summary>
    /// <exception cref="ChainException">The node refused, the fee would exceed the cap, or the contract would refuse it.</exception>
    public async Task<UInt128> CostMaxAsync(Address? to, byte[] data, CancellationToken cancellation)
    {
        var gas = await GasAsync(to, data, cancellation).ConfigureAwait(false);
        return gas * (await OfferAsync(cancellation).ConfigureAwait(false)).MaxFeeWei;
    }

    /// <summary>Sends one transaction and waits until it is in a block: for people at a terminal, who see what came of it and try again themselves.</summary>
    /// <exception cref="ChainException">The node refused, the fee would exceed the cap, or the transaction reverted.</exception>
    public async Task<ChainReceipt> ExecuteAsync(Address? to, byte[] data, CancellationToken cancellation)
    {
        var offer = await OfferAsync(cancellation).ConfigureAwait(false);
        var nonce = await chain.NonceAsync(Address, cancellation).ConfigureAwait(false);
        var signed = await SignAsync(to, data, nonce, offer, cancellation).ConfigureAwait(false);
        Sending(signed);
        await chain.SendAsync(signed, cancellation).ConfigureAwait(false);
        var receipt = await AwaitReceiptAsync(signed.Hash, cancellation).ConfigureAwait(false);
        if (!receipt.Succeeded)
            throw new ChainException(ChainFault.Reverted, $"Transaction {signed.Hash} was included in block {receipt.BlockNumber} and reverted.");
        // A node that names another address would have us open the log in a contract of somebody else's.
        if (to is null && receipt.Created != signed.Creates)
            throw new ChainException(ChainFault.Malformed, $"Transaction {signed.Hash} created {signed.Creates}, and the node says {receipt.Created}.");
        return receipt;
    }

    private async Task<ulong> GasAsync(Address? to, byte[] data, CancellationToken cancellation)
    {
        await RequireChainAsync(cancellation).ConfigureAwait(false);
        var gas = await chain.EstimateGasAsync(Address, to, data, cancellation).ConfigureAwait(false);
        return gas + (gas * SpareGasPercent / 100);
    }

    private async Task<FeeOffer> OfferAsync(CancellationToken cancellation) => limits.Offer(await chain.FeesAsync(cancellation).ConfigureAwait(false))
        ?? throw new ChainException(ChainFault.FeeTooLow, $"The chain demands more than the cap of {limits.MaxFeeWei} wei for each unit of gas.");

    private async Task<ChainReceipt> AwaitReceiptAsync(ChainHash transaction, CancellationToken cancellation)
    {
        while (true)
        {
            if (await FindReceiptAsync(transaction, cancellation).ConfigureAwait(false) is { } receipt)
                return receipt;
            await Task.Delay(AskAgainAfter, time, cancellation).ConfigureAwait(false);
        }
    }

    // It is on its way, and who gave up for a node that falters would send it twice.
    private async Task<ChainReceipt?> FindReceiptAsync(ChainHash transaction, CancellationToken cancellation)
    {
        try
        {
            return await chain.ReceiptAsync(transaction, cancellation).ConfigureAwait(false);
        }
        catch (ChainException fault) when (fault.Fault is ChainFault.Unreachable or ChainFault.RateLimited)
        {
            return null;
        }
    }
}
