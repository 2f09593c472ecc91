using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Reading;

/// <summary>An activity that shows a commitment.</summary>
/// <param name="Wanted">Which of the commitments that were asked for.</param>
/// <param name="Index">The entry.</param>
/// <param name="Agent">Who recorded it.</param>
/// <param name="SubjectSequence">Its number among the entries about the agent.</param>
/// <param name="Statement">The signed statement.</param>
/// <param name="At">When it was sequenced, ms since 1970.</param>
/// <param name="Class">What it counts as.</param>
public sealed record FoundActivity(int Wanted, LeafIndex Index, SubjectId Agent, ulong SubjectSequence, SignedStatement Statement, long At, EntryClass Class);

/// <summary>Where a search goes on: with this one of the commitments, from this entry.</summary>
public sealed record SearchPlace(int Wanted, LeafIndex From);

/// <summary>A page of what was found, by commitment and then by entry.</summary>
/// <param name="Found">The activities.</param>
/// <param name="Next">Null at the end.</param>
/// <param name="Searched">Entries below this were searched.</param>
public sealed record FoundPage(IReadOnlyList<FoundActivity> Found, SearchPlace? Next, TreeSize Searched);

/// <summary>Finds activities by what their agents committed to. What was erased is not found.</summary>
public sealed class CommitmentSearch(ILedgerStore store, PublishedLog log)
{
    // Entries of others, and those whose commitment only begins alike, are read and not shown: a call that meets very many ends early and says where to go on.
    private const int ReadsMax = 2000;
    private const int PlacesAtOnce = 100;

    /// <param name="wanted">The commitments.</param>
    /// <param name="from">Where to begin with the first of them.</param>
    /// <param name="countMax">How many activities a page has.</param>
    /// <param name="by">Whose activities; null for everyone's.</param>
    public FoundPage Find(IReadOnlyList<Hash> wanted, LeafIndex from, int countMax, SubjectId? by)
    {
        var (found, reads, searched) = (new List<FoundActivity>(), 0, ulong.MaxValue);
        var signed = log.Newest;
        for (var i = 0; i < wanted.Count; i++, from = default)
        {
            for (var isMore = true; isMore;)
            {
                var places = store.FindCommitment(wanted[i], from, PlacesAtOnce);
                searched = Math.Min(searched, places.Searched.Value);
                isMore = places.Entries.Count == PlacesAtOnce;
                foreach (var place in places.Entries)
                {
                    if (found.Count == countMax || reads++ == ReadsMax)
                        return new FoundPage(found, new SearchPlace(i, place), new TreeSize(searched));
                    if (Read(i, wanted[i], place, signed) is { } activity && (by is null || activity.Agent == by))
                        found.Add(activity);
                    from = new LeafIndex(place.Value + 1);
                }
            }
        }
        return new FoundPage(found, null, new TreeSize(searched));
    }

    // What the index says is held against the entry, the entry against its leaf, and that against the signed tree.
    private FoundActivity? Read(int which, Hash wanted, LeafIndex place, SignedTree? signed)
    {
        var row = store.Read(place, 1)[0];
        if (row.IsErased)
            return null;
        Reading.RequireSigned(row, signed);
        Reading.Genuine(row);
        return Entry.TryDecode(row.Entry, out var entry) && entry.Body is Activity activity && SignedStatement.TryRead(activity.Statement, out var statement) && statement.Commitments.Contains(wanted)
            ? new FoundActivity(which, place, statement.AgentId, entry.Subjects[0].Sequence, statement, entry.At, activity.Class)
            : null;
    }
}
