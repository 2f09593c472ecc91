namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>What a transaction offers for each unit of gas.</summary>
/// <param name="TipWei">To whoever makes the block.</param>
/// <param name="MaxFeeWei">At most, base fee and tip together.</param>
public sealed record FeeOffer(UInt128 TipWei, UInt128 MaxFeeWei)
{
    /// <summary>The least that replaces this offer in the pools of all nodes: a tenth more in both, strictly above the threshold.</summary>
    public FeeOffer Raised() => new(Raise(TipWei), Raise(MaxFeeWei));

    private static UInt128 Raise(UInt128 wei) => wei + (wei / 8) + 1;
}

/// <summary>How far we go with fees.</summary>
/// <param name="MaxFeeWei">The most for each unit of gas, whatever the chain demands: above it we wait.</param>
/// <param name="TipFloorWei">The least tip. Main chains need about a gwei, others far less.</param>
public sealed record FeeLimits(UInt128 MaxFeeWei, UInt128 TipFloorWei)
{
    private const ulong Gwei = 1_000_000_000;

    /// <summary>100 gwei at most, half a gwei as the least tip.</summary>
    public static FeeLimits Default { get; } = new(100 * (UInt128)Gwei, Gwei / 2);

    /// <summary>An offer that stays good while the base fee doubles, or while it stays below the cap; null while the cap does not reach the next block.</summary>
    public FeeOffer? Offer(ChainFees fees)
    {
        var tip = UInt128.Max(fees.TipWei, TipFloorWei);
        // A node that lies may name any number: nothing is added up before it is within the cap.
        if (fees.BaseFeeWei > MaxFeeWei || tip > MaxFeeWei - fees.BaseFeeWei)
            return null;
        return new FeeOffer(tip, UInt128.Min((2 * fees.BaseFeeWei) + tip, MaxFeeWei));
    }

    /// <summary>An offer that replaces an earlier one; null where that would go beyond the cap.</summary>
    public FeeOffer? Replacing(FeeOffer earlier, ChainFees fees)
    {
        if (Offer(fees) is not { } fresh)
            return null;
        var raised = earlier.Raised();
        var offer = new FeeOffer(UInt128.Max(raised.TipWei, fresh.TipWei), UInt128.Max(raised.MaxFeeWei, fresh.MaxFeeWei));
        return offer.MaxFeeWei > MaxFeeWei ? null : offer;
    }
}
