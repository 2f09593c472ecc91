namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>Where and how often checkpoints are anchored.</summary>
/// <param name="Interval">An anchor is due this long after the last one, when the ledger has grown.</param>
/// <param name="Growth">And as soon as the ledger has grown by so many entries.</param>
/// <param name="ReplaceAfter">A transaction that is in no block after this time is replaced by one that pays more and carries the newest checkpoint.</param>
/// <param name="FinalWithin">A healthy chain makes a block final within this time; the main chain takes a quarter of an hour.</param>
public sealed record AnchorSettings(ulong ChainId, Address Contract, FeeLimits Limits, TimeSpan Interval, ulong Growth, TimeSpan ReplaceAfter, TimeSpan FinalWithin)
{
    public static AnchorSettings Default(ulong chainId, Address contract) =>
        new(chainId, contract, FeeLimits.Default, TimeSpan.FromMinutes(10), Growth: 100_000, TimeSpan.FromMinutes(3), TimeSpan.FromMinutes(45));
}
