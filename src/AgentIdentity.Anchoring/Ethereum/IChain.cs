using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>
/// What we ask of a node of an Ethereum-compatible chain. It is believed as far as its answers agree with each other; whoever wants more asks a second one.
/// Every method throws <see cref="ChainException"/> when the node did not answer or refused. All may be called from any thread, and all but <see cref="SendAsync"/>
/// change nothing. Sending the same bytes again is harmless: a nonce is used once.
/// </summary>
public interface IChain
{
    Task<ulong> ChainIdAsync(CancellationToken cancellation);

    /// <summary>Transactions of this account that are in blocks, at the newest block: the next nonce. What waits in a pool is not counted.</summary>
    Task<ulong> NonceAsync(Address account, CancellationToken cancellation);

    Task<UInt128> BalanceAsync(Address account, CancellationToken cancellation);

    Task<ChainFees> FeesAsync(CancellationToken cancellation);

    /// <summary>Gas that this call would take on top of the newest block, pools aside.</summary>
    Task<ulong> EstimateGasAsync(Address sender, Address? to, byte[] data, CancellationToken cancellation);

    /// <summary>What a call returns; empty where there is no contract.</summary>
    Task<byte[]> CallAsync(Address to, byte[] data, BlockTag at, CancellationToken cancellation);

    /// <summary>The code at an address; empty where there is none.</summary>
    Task<byte[]> CodeAsync(Address address, CancellationToken cancellation);

    /// <summary>Hands signed bytes to the node. Returning means that it took them, not that they are in a block.</summary>
    Task SendAsync(SignedTransaction transaction, CancellationToken cancellation);

    /// <summary>Where a transaction was included; null while it is not, and for a while after it was: nodes lag behind themselves.</summary>
    Task<ChainReceipt?> ReceiptAsync(ChainHash transaction, CancellationToken cancellation);

    /// <summary>A block of the chain as it is now; null when there is none.</summary>
    Task<ChainBlock?> BlockAsync(BlockTag tag, CancellationToken cancellation);

    /// <summary>Events of a contract whose first topics are these, in a range of blocks, both included.</summary>
    Task<IReadOnlyList<ChainEvent>> EventsAsync(Address contract, IReadOnlyList<Hash> topics, ulong fromBlock, ulong toBlock, CancellationToken cancellation);
}

/// <summary>Which block: the newest, the newest that is final, or one by its number.</summary>
public readonly record struct BlockTag
{
    private readonly string? _text;

    private BlockTag(string text) => _text = text;

    public static BlockTag Latest { get; } = new("latest");

    /// <summary>The newest block that the chain itself promises not to take back.</summary>
    public static BlockTag Finalized { get; } = new("finalized");

    public static BlockTag Number(ulong number) => new(Hex.Quantity(number));

    public override string ToString() => _text ?? Latest.ToString();
}

/// <param name="BaseFeeWei">What the next block demands for each unit of gas, and burns.</param>
/// <param name="TipWei">What lately went to those who made blocks, in the middle.</param>
public sealed record ChainFees(UInt128 BaseFeeWei, UInt128 TipWei);

public sealed record ChainBlock(ulong Number, ChainHash Hash);

/// <param name="Succeeded">False when the contract reverted: paid for, and nothing done.</param>
/// <param name="Created">The contract that it made, if it made one.</param>
public sealed record ChainReceipt(
    ChainHash Transaction, bool Succeeded, ulong BlockNumber, ChainHash BlockHash, ulong GasUsed, Address? Created, IReadOnlyList<ChainEvent> Events);

public sealed record ChainEvent(
    Address Contract, IReadOnlyList<Hash> Topics, byte[] Data, ulong BlockNumber, ChainHash BlockHash, ChainHash Transaction, ulong Index);
