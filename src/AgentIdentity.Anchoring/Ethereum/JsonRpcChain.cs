using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>A node, asked over HTTP.</summary>
public sealed class JsonRpcChain : IChain
{
    // Blocks whose tips are looked at: a minute's worth on the main chain.
    private const int FeeBlocks = 5;

    private readonly IRpc _rpc;

    public JsonRpcChain(HttpClient http, Uri url)
        : this(new JsonRpc(http, url))
    {
    }

    internal JsonRpcChain(IRpc rpc) => _rpc = rpc;

    public Task<ulong> ChainIdAsync(CancellationToken cancellation) => AskAsync("eth_chainId", [], result => result.Number(), cancellation);

    public Task<ulong> NonceAsync(Address account, CancellationToken cancellation) =>
        AskAsync("eth_getTransactionCount", [account.ToString(), BlockTag.Latest.ToString()], result => result.Number(), cancellation);

    public Task<UInt128> BalanceAsync(Address account, CancellationToken cancellation) =>
        AskAsync("eth_getBalance", [account.ToString(), BlockTag.Latest.ToString()], result => result.Quantity(), cancellation);

    public Task<ChainFees> FeesAsync(CancellationToken cancellation) =>
        AskAsync("eth_feeHistory", [Hex.Quantity(FeeBlocks), BlockTag.Latest.ToString(), new JsonArray(50)], ReadFees, cancellation);

    public Task<ulong> EstimateGasAsync(Address sender, Address? to, byte[] data, CancellationToken cancellation)
    {
        var call = new JsonObject { ["from"] = sender.ToString(), ["data"] = Hex.Of(data) };
        if (to is not null)
            call["to"] = to.ToString();
        return AskAsync("eth_estimateGas", [call, BlockTag.Latest.ToString()], result => result.Number(), cancellation);
    }

    public Task<byte[]> CallAsync(Address to, byte[] data, BlockTag at, CancellationToken cancellation) =>
        AskAsync("eth_call", [new JsonObject { ["to"] = to.ToString(), ["data"] = Hex.Of(data) }, at.ToString()], result => result.Bytes(), cancellation);

    public Task<byte[]> CodeAsync(Address address, CancellationToken cancellation) =>
        AskAsync("eth_getCode", [address.ToString(), BlockTag.Latest.ToString()], result => result.Bytes(), cancellation);

    public async Task SendAsync(SignedTransaction transaction, CancellationToken cancellation)
    {
        var sent = await AskAsync("eth_sendRawTransaction", [Hex.Of(transaction.Raw)], result => result.ChainHash(), cancellation).ConfigureAwait(false);
        if (sent != transaction.Hash)
            throw new ChainException(ChainFault.Malformed, $"The node says that it took {sent}; {transaction.Hash} was sent.");
    }

    public Task<ChainReceipt?> ReceiptAsync(ChainHash transaction, CancellationToken cancellation) =>
        AskAsync("eth_getTransactionReceipt", [transaction.ToString()], result => result.ValueKind == JsonValueKind.Null ? null : ReadReceipt(result, transaction), cancellation);

    public Task<ChainBlock?> BlockAsync(BlockTag tag, CancellationToken cancellation) =>
        AskAsync("eth_getBlockByNumber", [tag.ToString(), false], result => result.ValueKind == JsonValueKind.Null ? null : result.Block(), cancellation);

    public Task<IReadOnlyList<ChainEvent>> EventsAsync(Address contract, IReadOnlyList<Hash> topics, ulong fromBlock, ulong toBlock, CancellationToken cancellation)
    {
        var filter = new JsonObject
        {
            ["address"] = contract.ToString(),
            ["topics"] = new JsonArray([.. topics.Select(topic => JsonValue.Create(Hex.Of(topic.ToArray())))]),
            ["fromBlock"] = Hex.Quantity(fromBlock),
            ["toBlock"] = Hex.Quantity(toBlock),
        };
        return AskAsync("eth_getLogs", [filter], result => result.Events(), cancellation);
    }

    private async Task<T> AskAsync<T>(string method, JsonArray parameters, Func<JsonElement, T> read, CancellationToken cancellation)
    {
        var result = await _rpc.CallAsync(method, parameters, cancellation).ConfigureAwait(false);
        try
        {
            return read(result);
        }
        catch (Exception error) when (error is FormatException or InvalidOperationException)
        {
            // The latter is what a list that is none, or an empty one, throws.
            throw new ChainException(ChainFault.Malformed, $"{method}: {error.Message}", error);
        }
    }

    private static ChainReceipt ReadReceipt(JsonElement result, ChainHash asked) =>
        result.Receipt() is var receipt && receipt.Transaction == asked ? receipt : throw new FormatException($"The receipt of {asked} is expected; found that of {receipt.Transaction}.");

    // The last base fee is that of the block to come. Blocks in which nobody paid a tip say nothing about tips.
    private static ChainFees ReadFees(JsonElement history)
    {
        var baseFee = history.Member("baseFeePerGas").EnumerateArray().Last().Quantity();
        UInt128[] tips = history.TryGetProperty("reward", out var rewards) && rewards.ValueKind == JsonValueKind.Array
            ? [.. rewards.EnumerateArray().Select(block => block.EnumerateArray().First().Quantity()).Where(tip => tip > UInt128.Zero).Order()]
            : [];
        return new ChainFees(baseFee, tips.Length == 0 ? UInt128.Zero : tips[tips.Length / 2]);
    }
}
