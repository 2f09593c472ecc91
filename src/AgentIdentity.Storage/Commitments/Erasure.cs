using AgentIdentity.Credentials.Entries;

namespace AgentIdentity.Storage.Commitments;

/// <summary>What was erased and may still be in the index.</summary>
/// <param name="Indexes">The entries that are gone.</param>
/// <param name="By">The last entry that erased some of them.</param>
internal sealed record Erasure(IReadOnlySet<ulong> Indexes, ulong By)
{
    public static Erasure Join(Erasure? before, ulong by, ActivitiesErased erased) =>
        new(new HashSet<ulong>([.. before?.Indexes ?? (IEnumerable<ulong>)[], .. erased.Indexes.Select(index => index.Value)]), Math.Max(by, before?.By ?? 0));

    /// <summary>A run that was read after the erasure holds nothing of it.</summary>
    public bool Concerns(RunHeader run) => run.AsOf <= By && Indexes.Any(run.Covers);
}
