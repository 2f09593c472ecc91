using System.Globalization;
using System.Numerics;
using Nethereum.Signer;

namespace AgentIdentity.Anchoring.Ethereum.Official;

/// <summary>Signs with Nethereum. What it gives is read back like that of every other signer.</summary>
internal sealed class NethereumSigner(EthECKey key) : ISigner
{
    public Address Address { get; } = Address.Parse(key.GetPublicAddress());

    public Task<SignedTransaction> SignAsync(Transaction transaction, CancellationToken cancellation)
    {
        var theirs = new Transaction1559(
            transaction.ChainId, transaction.Nonce, Wei(transaction.TipWei), Wei(transaction.MaxFeeWei), transaction.GasLimit, transaction.To?.ToString(), BigInteger.Zero, Hex.Of(transaction.Data), []);
        var raw = Convert.FromHexString(new Transaction1559Signer().SignTransaction(key, theirs).Replace("0x", "", StringComparison.Ordinal));
        if (!SignedTransaction.TryRead(raw, out var signed) || signed.Sender != Address || !signed.Transaction.SigningHash().AsSpan().SequenceEqual(transaction.SigningHash()))
            throw new SigningException("Nethereum signed another transaction than it was asked for.");
        return Task.FromResult(signed);
    }

    private static BigInteger Wei(UInt128 amount) => BigInteger.Parse(amount.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
