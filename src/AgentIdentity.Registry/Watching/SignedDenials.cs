using System.Text;
using AgentIdentity.Credentials.Certificates;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>Finds in what enforcers have signed the very denials that they hold: the digest of an epoch is made again from the stops of that epoch.</summary>
internal sealed class SignedDenials(RegistryState state, ILedgerStore store, RegistryName name)
{
    private readonly Dictionary<(Hash View, ulong Epoch), (LeafIndex[] Stops, Hash[] Leaves)> _held = [];

    /// <summary>The first signature of an enforcer that covers a stop and that a tree holds, with the path from the stop's denial to what was signed; null when there is none.</summary>
    public (SignedDenial Denial, TreeSize Seen)? Find(StopRecord stop, CallerRecord enforcer, TreeSize covered)
    {
        // What was signed when the stop had been lifted does not hold it any more.
        var first = state.Enforcers.Find(enforcer.Id).FirstSince(stop.Denial.Epoch);
        if (first is null || !covered.Contains(first.Index) || !stop.IsInForceAt(first.Epoch) || !TryRead(first, out var signed))
            return null;
        var (stops, leaves) = Held(enforcer.Audiences, signed);
        var place = Array.IndexOf(stops, stop.Denial.Index);
        if (place < 0 || MerkleHash.Root(leaves) != signed.Digest)
            return null;
        Hash Node(int level, ulong index) => MerkleHash.Root(leaves.AsSpan((int)(index << level), 1 << level));
        var path = InclusionProof.Build(new LeafIndex((ulong)place), new TreeSize((ulong)leaves.Length), Node);
        return (new SignedDenial(new ItemPlace(first.Index, first.Position), (ulong)place, (ulong)leaves.Length, SignedEntries.Join(path)), signed.Size);
    }

    /// <summary>The newest that an enforcer has signed, when that says that it refuses nothing.</summary>
    public (ItemPlace Place, TreeSize Seen)? Observing(CallerRecord enforcer, TreeSize covered) =>
        state.Enforcers.Find(enforcer.Id).Newest is { IsObserving: true } newest && covered.Contains(newest.Index) && TryRead(newest, out var signed)
            ? (new ItemPlace(newest.Index, newest.Position), signed.Size)
            : null;

    private bool TryRead(SignedEpoch epoch, out Acknowledgement signed) =>
        Acknowledgement.TryReadKept(Encoding.ASCII.GetString(Reading.Reading.Genuine(store.Read(epoch.Index, 1)[0]).Items[(int)epoch.Position]), name.PublicUrl, out signed, out _);

    private (LeafIndex[] Stops, Hash[] Leaves) Held(IReadOnlyList<string> audiences, Acknowledgement signed)
    {
        if (_held.TryGetValue((signed.View, signed.Epoch), out var known))
            return known;
        var callees = View.AgentsAmong(audiences, name);
        var denials = state.Stops.All
            .Where(stop => stop.Denial.Epoch <= signed.Epoch && stop.IsInForceAt(signed.Epoch) && stop.IsShownTo(audiences, callees))
            .Select(stop => stop.Denial).OrderBy(denial => denial.Index.Value).ToArray();
        return _held[(signed.View, signed.Epoch)] = ([.. denials.Select(denial => denial.Index)], [.. denials.Select(denial => MerkleHash.Leaf(DenialFormat.Encode(denial)))]);
    }
}
