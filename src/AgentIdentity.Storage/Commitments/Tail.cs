using System.Runtime.InteropServices;
using AgentIdentity.Ledger;

namespace AgentIdentity.Storage.Commitments;

/// <summary>The pairs of the newest entries, in memory and in the order in which they came: cheap to add to, and short enough to be searched from end to end.</summary>
internal sealed class Tail(ulong from, ulong asOf) : ISegment
{
    private const int BucketBits = 12;
    private const int Buckets = 1 << BucketBits;

    private readonly List<ulong> _prefixes = [];
    private readonly List<ulong> _indexes = [];

    public ulong From { get; } = from;

    /// <summary>The size of the ledger before the first entry was read.</summary>
    public ulong AsOf => asOf;

    /// <summary>The first entry that was not looked at yet.</summary>
    public ulong To { get; private set; } = from;

    public int Count => _prefixes.Count;

    public bool IsEmpty => To == From;

    public void Add(ulong index, ReadOnlySpan<Hash> commitments)
    {
        foreach (ref readonly var commitment in commitments)
        {
            _prefixes.Add(CommitmentPair.PrefixOf(in commitment));
            _indexes.Add(index);
        }
        To = index + 1;
    }

    public void AddPlaces(ulong prefix, ulong first, int countMax, List<ulong> places)
    {
        var prefixes = CollectionsMarshal.AsSpan(_prefixes);
        for (var at = 0; places.Count < countMax && prefixes[at..].IndexOf(prefix) is >= 0 and var next; at += next + 1)
        {
            var index = _indexes[at + next];
            if (index >= first && (places.Count == 0 || places[^1] < index))
                places.Add(index);
        }
    }

    public void Remove(IReadOnlySet<ulong> erased)
    {
        var kept = 0;
        for (var i = 0; i < Count; i++)
        {
            if (erased.Contains(_indexes[i]))
                continue;
            (_prefixes[kept], _indexes[kept]) = (_prefixes[i], _indexes[i]);
            kept++;
        }
        CollectionsMarshal.SetCount(_prefixes, kept);
        CollectionsMarshal.SetCount(_indexes, kept);
    }

    /// <summary>A sorted copy; this one goes on being searched.</summary>
    public CommitmentPair[] Sorted()
    {
        // Hashes spread evenly, so dealing them out by their first bits leaves little to sort. Prefixes that somebody chose to be alike cost no more than sorting all.
        var ends = new int[Buckets];
        foreach (var prefix in _prefixes)
            ends[Bucket(prefix)]++;
        for (var (bucket, sum) = (0, 0); bucket < Buckets; bucket++)
            (ends[bucket], sum) = (sum, sum + ends[bucket]);
        var pairs = new CommitmentPair[Count];
        for (var i = 0; i < pairs.Length; i++)
            pairs[ends[Bucket(_prefixes[i])]++] = new CommitmentPair(_prefixes[i], _indexes[i]);
        for (var (bucket, start) = (0, 0); bucket < Buckets; start = ends[bucket++])
            pairs.AsSpan(start..ends[bucket]).Sort();
        return pairs;
    }

    private static int Bucket(ulong prefix) => (int)(prefix >> (64 - BucketBits));
}
