using AgentIdentity.Anchoring.Ethereum;

namespace AgentIdentity.Anchoring.Tests.Ethereum;

public sealed class Fees
{
    private static readonly FeeLimits Limits = new(MaxFeeWei: 100, TipFloorWei: 2);

    [Theory]
    [InlineData(10, 3, 3, 23)]
    [InlineData(10, 0, 2, 22)]
    [InlineData(60, 5, 5, 100)]
    [InlineData(95, 5, 5, 100)]
    public void An_offer_lasts_while_the_base_fee_doubles_and_stops_at_the_cap(int baseFee, int tip, int offeredTip, int offeredMax) =>
        Assert.Equal(new FeeOffer((UInt128)offeredTip, (UInt128)offeredMax), Limits.Offer(new ChainFees((UInt128)baseFee, (UInt128)tip)));

    [Fact]
    public void Nothing_is_offered_where_the_cap_does_not_reach_the_next_block() => Assert.Null(Limits.Offer(new ChainFees(96, 5)));

    [Fact]
    public void Numbers_beyond_all_measure_offer_nothing()
    {
        Assert.Null(Limits.Offer(new ChainFees(UInt128.MaxValue, 5)));
        Assert.Null(Limits.Offer(new ChainFees(1, UInt128.MaxValue)));
    }

    [Fact]
    public void A_replacement_pays_more_than_a_tenth_more_of_both() =>
        Assert.Equal(new FeeOffer(12, 46), Limits.Replacing(new FeeOffer(10, 40), new ChainFees(1, 2)));

    [Fact]
    public void A_replacement_pays_what_the_chain_has_come_to_ask() =>
        Assert.Equal(new FeeOffer(20, 80), Limits.Replacing(new FeeOffer(10, 40), new ChainFees(30, 20)));

    [Fact]
    public void Nothing_is_replaced_beyond_the_cap() => Assert.Null(Limits.Replacing(new FeeOffer(10, 95), new ChainFees(1, 2)));
}
