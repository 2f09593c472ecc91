using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>A signed anchor that was sent, or may have been.</summary>
internal sealed record AnchorAttempt(SignedTransaction Signed, TreeSize Size)
{
    public ulong Nonce => Signed.Transaction.Nonce;

    public FeeOffer Offer => new(Signed.Transaction.TipWei, Signed.Transaction.MaxFeeWei);

    public bool IsFor(ulong chainId, Address contract, Address sender, Hash log) =>
        Signed.Transaction.ChainId == chainId && Signed.Transaction.To == contract && Signed.Sender == sender && AnchorContract.LogIn(Signed.Transaction.Data) == log;

    /// <summary>The journal's value: a list of signed transactions, in the order in which they were made (docs/formats.md, "Anchor journal").</summary>
    public static byte[] Write(IEnumerable<AnchorAttempt> attempts) => Rlp.List([.. attempts.Select(attempt => Rlp.Bytes(attempt.Signed.Raw))]);

    /// <exception cref="FormatException">This is no journal.</exception>
    public static List<AnchorAttempt> Read(byte[] journal) => journal.Length == 0 ? [] : [.. Rlp.ReadList(journal).Select(Of)];

    private static AnchorAttempt Of(byte[] raw) => SignedTransaction.TryRead(raw, out var signed)
        ? new AnchorAttempt(signed, AnchorContract.SizeIn(signed.Transaction.Data))
        : throw new FormatException("The journal of anchors holds what is no signed transaction.");
}
