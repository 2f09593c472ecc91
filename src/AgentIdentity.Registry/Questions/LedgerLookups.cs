using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Questions;

/// <summary>What memory has forgotten and the ledger has not: expired credentials and links. Found by time, which ids and entries carry.</summary>
/// <param name="store">The ledger.</param>
/// <param name="entriesMax">For one question that looks for many things: how many entries it reads for all of them. Without it many may share this, and each look-up has a bound of its own.</param>
/// <param name="cancellation">When nobody waits for the answer any more: a quarter of an hour of one agent's entries may be millions, and a page has a thousand agents.</param>
internal sealed class LedgerLookups(ILedgerStore store, int? entriesMax = null, CancellationToken cancellation = default)
{
    // No credential lives longer, so nothing older than this was unexpired.
    private static readonly long LifeMax = (long)TimeSpan.FromMinutes(15).TotalMilliseconds;

    // Earlier versions made a jti by the machine's clock, a moment after the time of its group was set.
    private const long JtiAhead = 500;

    // What is not found within this of its jti's time has not been issued here.
    private static readonly long JtiWindow = (long)TimeSpan.FromSeconds(60).TotalMilliseconds;

    // What a look-up of one credential reads at most. All that an agent had is read to the end, a quarter of an hour of its entries: what it was given last stands behind whatever it did.
    private const int ScanMax = 20_000;

    // What is looked for mostly lies among the first.
    private const int FirstPageEntries = 16;
    private const int PageEntries = 256;

    // Owned by the question that the bound is of.
    private int? _left = entriesMax;

    /// <summary>Whether nothing more is read, so that what was not found may be there all the same.</summary>
    public bool IsUsedUp => _left <= 0;

    public Entry? Entry(LeafIndex index) => Read(index.Value, 1) is [var row] && row.Index == index ? Decode(row) : null;

    /// <summary>When an entry was sequenced, also for one that was erased.</summary>
    public long? TimeOf(LeafIndex index) => Read(index.Value, 1) is [var row] && row.Index == index ? TimeOf(row) : null;

    /// <summary>The issuance of a credential, expired or not; null when the ledger has none.</summary>
    public LiveCredential? Issuance(SubjectId jti)
    {
        var made = MadeAt(jti);
        return Pages(Read, FirstSince(made)).Take(ScanMax)
            .TakeWhile(row => TimeOf(row) <= made + JtiWindow)
            .SelectMany(Issued).Where(credential => credential.Item.Jti == jti).Select(credential => (LiveCredential?)credential).FirstOrDefault();
    }

    /// <summary>The credentials that were issued before an entry and were unexpired at a time (ms since 1970). Reads what was sequenced within a credential's longest life before the time, and since: of activities, which are most, the leaf alone.</summary>
    public IEnumerable<LiveCredential> UnexpiredAt(long time, LeafIndex end)
    {
        for (var from = FirstSince(time - LifeMax); from < end.Value;)
        {
            var leaves = store.ReadLeaves(new LeafIndex(from), PageEntries);
            if (leaves.Count == 0)
                yield break;
            foreach (var leaf in leaves)
            {
                var index = new LeafIndex(from++);
                if (index.Value >= end.Value || (Leaf.TryDecode(leaf, out var shown) && (EntryClass)shown.Class != EntryClass.Authority))
                    continue;
                foreach (var credential in IssuedBy(index).Where(issued => issued.Item.ExpiresAt * 1000 > time))
                    yield return credential;
            }
        }
    }

    /// <summary>The credentials that an entry issued, in its order; none when it is of another kind.</summary>
    public IEnumerable<LiveCredential> IssuedBy(LeafIndex index) => Read(index.Value, 1) is [var row] && row.Index == index ? Issued(row) : [];

    /// <summary>The link under which an agent was given a credential; null for one that nobody delegated.</summary>
    public DelegationLink? Link(SubjectId agent, SubjectId jti) =>
        Since(agent, MadeAt(jti)).Take(ScanMax).TakeWhile(row => TimeOf(row) <= MadeAt(jti) + JtiWindow).Select(Link).FirstOrDefault(link => link?.Body.ChildJti == jti);

    /// <summary>The credentials of an agent that were unexpired at an entry.</summary>
    public IReadOnlyList<LiveCredential> Unexpired(SubjectId agent, AsOf asOf) =>
        [.. Since(agent, asOf.At - LifeMax).TakeWhile(row => asOf.Includes(row.Index)).SelectMany(Issued).Where(issued => issued.Item.AgentId == agent && asOf.IsBefore(issued.Item.ExpiresAt))];

    /// <summary>The links to an agent that were unexpired at an entry.</summary>
    public IReadOnlyList<DelegationLink> LinksTo(SubjectId agent, AsOf asOf) =>
        [.. Since(agent, asOf.At - LifeMax).TakeWhile(row => asOf.Includes(row.Index)).Select(Link).OfType<DelegationLink>().Where(link => link.Body.Child == agent && asOf.IsBefore(link.Body.ExpiresAt))];

    internal static long TimeOf(StoredEntry row) => row.IsErased ? Erasing.Erasures.Stub(row).At : Decode(row)!.At;

    internal static Entry? Decode(StoredEntry row) => row.IsErased ? null : Reading.Reading.Read(row);

    private static DelegationLink? Link(StoredEntry row) => Decode(row)?.Body is Delegated body ? new DelegationLink(row.Index, body) : null;

    private static IEnumerable<LiveCredential> Issued(StoredEntry row)
    {
        if (Decode(row)?.Body is not CredentialsIssued || !Opening.TryDecode(row.Opening, out var opening))
            yield break;
        for (var position = 0; position < opening.Items.Count; position++)
        {
            if (IssuanceItem.TryDecode(opening.Items[position], out var item))
                yield return new LiveCredential(item, row.Index, (uint)position);
        }
    }

    // The first 48 bits of a UUIDv7 are its time.
    private static long MadeAt(SubjectId id) => (long)(id.Value >> 80) - JtiAhead;

    private ulong FirstSince(long time) => TimeSearch.First(time, index => Read(index, 1) is [var row] ? TimeOf(row) : null);

    private IEnumerable<StoredEntry> Since(SubjectId agent, long time)
    {
        var first = TimeSearch.First(time, sequence => ReadBySubject(agent, sequence, 1) is [var row] ? TimeOf(row) : null);
        return Pages((from, countMax) => ReadBySubject(agent, from, countMax), first);
    }

    private IReadOnlyList<StoredEntry> Read(ulong first, int countMax) => Counted(() => store.Read(new LeafIndex(first), countMax));

    private IReadOnlyList<StoredEntry> ReadBySubject(SubjectId subject, ulong first, int countMax) => Counted(() => store.ReadBySubject(subject, first, countMax));

    // When the bound is used up the ledger seems to end: every search then ends by itself.
    private IReadOnlyList<StoredEntry> Counted(Func<IReadOnlyList<StoredEntry>> read)
    {
        cancellation.ThrowIfCancellationRequested();
        if (_left is not { } left)
            return read();
        if (left <= 0)
            return [];
        var rows = read();
        _left = left - Math.Max(rows.Count, 1);
        return rows;
    }

    private static IEnumerable<StoredEntry> Pages(Func<ulong, int, IReadOnlyList<StoredEntry>> read, ulong from)
    {
        var countMax = FirstPageEntries;
        while (true)
        {
            var rows = read(from, countMax);
            foreach (var row in rows)
                yield return row;
            if (rows.Count < countMax)
                yield break;
            (from, countMax) = (from + (ulong)rows.Count, Math.Min(2 * countMax, PageEntries));
        }
    }
}
