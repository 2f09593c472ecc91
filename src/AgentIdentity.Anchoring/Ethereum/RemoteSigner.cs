using System.Text.Json;
using System.Text.Json.Nodes;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>
/// Asks a signer that holds the key (Web3Signer, a node's keystore) with <c>eth_signTransaction</c>. Such signers are known to put in a chain id or fees of their own:
/// what comes back must be, byte for byte, the transaction that was asked for, signed by the account that was asked.
/// </summary>
public sealed class RemoteSigner(HttpClient http, Uri url, Address address) : ISigner
{
    private readonly JsonRpc _rpc = new(http, url);

    public Address Address => address;

    public async Task<SignedTransaction> SignAsync(Transaction transaction, CancellationToken cancellation)
    {
        var raw = await AskAsync(transaction, cancellation).ConfigureAwait(false);
        if (!SignedTransaction.TryRead(raw, out var signed))
            throw new SigningException("The remote signer's answer is no signed transaction of type 2.");
        if (!signed.Transaction.SigningHash().AsSpan().SequenceEqual(transaction.SigningHash()))
            throw new SigningException($"The remote signer signed another transaction than it was asked for: {signed.Transaction} instead of {transaction}.");
        if (signed.Sender != Address)
            throw new SigningException($"The remote signer signed as {signed.Sender}; {Address} is expected.");
        return signed;
    }

    private async Task<byte[]> AskAsync(Transaction transaction, CancellationToken cancellation)
    {
        try
        {
            var answer = await _rpc.CallAsync("eth_signTransaction", [Request(transaction)], cancellation).ConfigureAwait(false);
            // Web3Signer answers the bytes, geth and Clef an object that has them.
            return answer.ValueKind == JsonValueKind.String ? answer.Bytes() : answer.Member("raw").Bytes();
        }
        catch (ChainException error)
        {
            throw new SigningException($"The remote signer did not sign: {error.Message}", error);
        }
        catch (Exception error) when (error is FormatException or InvalidOperationException)
        {
            throw new SigningException("The remote signer's answer has no transaction.", error);
        }
    }

    private JsonObject Request(Transaction transaction)
    {
        var request = new JsonObject
        {
            ["type"] = "0x2",
            ["from"] = Address.ToString(),
            ["chainId"] = Hex.Quantity(transaction.ChainId),
            ["nonce"] = Hex.Quantity(transaction.Nonce),
            ["maxPriorityFeePerGas"] = Hex.Quantity(transaction.TipWei),
            ["maxFeePerGas"] = Hex.Quantity(transaction.MaxFeeWei),
            ["gas"] = Hex.Quantity(transaction.GasLimit),
            ["value"] = "0x0",
            ["data"] = Hex.Of(transaction.Data),
        };
        if (transaction.To is not null)
            request["to"] = transaction.To.ToString();
        return request;
    }
}
