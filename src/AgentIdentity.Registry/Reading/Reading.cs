using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Erasing;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Reading;

/// <summary>An issuance item and what leads from it to the root in its entry.</summary>
public sealed record TrailItem(uint Position, byte[] Item, Hash[] Path);

/// <summary>An entry about an agent, with what opens its leaf. Items of other agents stay out.</summary>
public sealed record TrailEntry(LeafIndex Index, ulong SubjectSequence, byte[] Entry, Hash Salt, byte[] Leaf, IReadOnlyList<TrailItem> Items)
{
    /// <summary>What stays of an activity that was erased; then there is neither entry nor salt.</summary>
    public ErasedStub? Erased { get; init; }
}

/// <summary>A page of a trail. <paramref name="Next"/> is null at the end.</summary>
public sealed record TrailPage(IReadOnlyList<TrailEntry> Entries, ulong? Next);

/// <summary>An entry in a table of contents: what it is and whom it is about, and nothing that opens it. <paramref name="Kind"/> is that of an activity also when that was erased.</summary>
public sealed record ListedEntry(LeafIndex Index, long At, EntryKind Kind, EntryClass Class, IReadOnlyList<SubjectId> Subjects, bool IsErased);

/// <summary>A page of the ledger. <paramref name="Next"/> is null at the end.</summary>
public sealed record EntryPage(IReadOnlyList<ListedEntry> Entries, ulong? Next);

/// <summary>Narrows a list of agents; null narrows nothing.</summary>
public sealed record AgentFilter(string? Sponsor, string? Blueprint, StandingState? State)
{
    /// <summary>Also the registry's own agents, whose key nobody has: docs/formats.md, "Probe".</summary>
    public bool WithProbes { get; init; }

    /// <summary>The token that has enrolled them.</summary>
    public SubjectId? Token { get; init; }
}

/// <summary>A page of agents. <paramref name="Next"/> is where to go on, or null at the end.</summary>
public sealed record AgentPage(IReadOnlyList<AgentRecord> Agents, int? Next);

/// <summary>Narrows a list of enrolment tokens; null narrows nothing. Without <paramref name="WithClosed"/> only those that still enrol somebody.</summary>
public sealed record TokenFilter(string? Sponsor, string? Blueprint, bool WithClosed);

/// <summary>A page of enrolment tokens. <paramref name="Next"/> is where to go on, or null at the end.</summary>
public sealed record TokenPage(IReadOnlyList<TokenRecord> Tokens, int? Next);

/// <summary>Answers about what the ledger holds.</summary>
public sealed class Reading(RegistryState state, ILedgerStore store, PublishedLog log, TimeProvider clock)
{
    // A page that finds few among very many ends early and says where to go on, so that one call cannot walk a million agents.
    private const int ScanMax = 100_000;

    /// <summary>The time that the writer would decide at, ms since 1970.</summary>
    public long Now => Math.Max(clock.GetUtcNow().ToUnixTimeMilliseconds(), state.LastAt);

    public AgentPage ListAgents(AgentFilter filter, int from, int countMax)
    {
        var found = new List<AgentRecord>();
        var at = from;
        // Of one sponsor they are counted by themselves: places among all would tell it how many others there are.
        var all = filter.Sponsor is null ? state.AgentsFrom(from) : state.OfSponsor(filter.Sponsor).Reverse().Skip(from).Select(state.AgentAt);
        foreach (var agent in all)
        {
            if (found.Count == countMax || at - from == ScanMax)
                return new AgentPage(found, at);
            at++;
            if ((filter.WithProbes || !agent.IsProbe)
                && (filter.Blueprint is null || agent.Grant.Terms.Blueprint == filter.Blueprint)
                && (filter.Token is null || agent.TokenId == filter.Token)
                && (filter.State is null || state.StandingOf(agent) == filter.State))
                found.Add(agent);
        }
        return new AgentPage(found, null);
    }

    /// <summary>Enrolment tokens, oldest first. Those that the registry made for its own agents let nobody in, and are left out.</summary>
    public TokenPage ListTokens(TokenFilter filter, int from, int countMax)
    {
        var now = Now;
        var found = new List<TokenRecord>();
        var at = from;
        foreach (var token in state.TokensFrom(from))
        {
            if (found.Count == countMax || at - from == ScanMax)
                return new TokenPage(found, at);
            at++;
            if (token.Created.Actor != state.Founding?.RegistryId
                && (filter.Sponsor is null || token.Grant.Terms.Sponsor == filter.Sponsor)
                && (filter.Blueprint is null || token.Grant.Terms.Blueprint == filter.Blueprint)
                && (filter.WithClosed || token.StateAt(now) == TokenState.Open))
                found.Add(token);
        }
        return new TokenPage(found, null);
    }

    public TrailPage ListTrail(SubjectId agent, ulong from, int countMax, Period? period = null)
    {
        if (period is { From: > 0 })
            from = Math.Max(from, TimeSearch.First(period.From, sequence => store.ReadBySubject(agent, sequence, 1) is [var row] ? At(row) : null));
        var rows = store.ReadBySubject(agent, from, countMax);
        var signed = log.Newest;
        var entries = rows.TakeWhile(row => period is null || At(row) < period.To).Select(row => Open(row, agent, signed)).ToArray();
        return new TrailPage(entries, entries.Length == countMax ? from + (ulong)rows.Count : null);
    }

    /// <summary>What happened when, over the whole ledger.</summary>
    public EntryPage ListEntries(ulong from, int countMax, Period period)
    {
        if (period.From > 0)
            from = Math.Max(from, TimeSearch.First(period.From, index => store.Read(new LeafIndex(index), 1) is [var row] ? At(row) : null));
        var entries = store.Read(new LeafIndex(from), countMax).Select(List).TakeWhile(entry => entry.At < period.To).ToArray();
        return new EntryPage(entries, entries.Length == countMax ? from + (ulong)entries.Length : null);
    }

    private static ListedEntry List(StoredEntry row)
    {
        if (row.IsErased && Erasures.Stub(row) is var stub)
            return new ListedEntry(row.Index, stub.At, EntryKind.Activity, stub.Class, [stub.AgentId], IsErased: true);
        var entry = Read(row);
        return new ListedEntry(row.Index, entry.At, entry.Body.Kind, entry.Body.Class, [.. entry.Subjects.Select(subject => subject.Id)], IsErased: false);
    }

    private static long At(StoredEntry row) => row.IsErased ? Erasures.Stub(row).At : Read(row).At;

    /// <summary>The entry that its leaf commits to.</summary>
    internal static Entry Read(StoredEntry row)
    {
        Genuine(row);
        return Entry.TryDecode(row.Entry, out var entry) ? entry : throw new LedgerDamagedException($"Entry {row.Index} cannot be read.");
    }

    private static TrailEntry Open(StoredEntry row, SubjectId agent, SignedTree? signed)
    {
        RequireSigned(row, signed);
        var sequence = row.Subjects.First(subject => subject.Subject == agent).Sequence;
        if (row.IsErased)
            return new TrailEntry(row.Index, sequence, [], default, row.Leaf, []) { Erased = Erasures.Stub(row) };
        var opening = Genuine(row);
        return new TrailEntry(row.Index, sequence, row.Entry, opening.Salt, row.Leaf, Items(opening.Items, agent));
    }

    /// <summary>The leaf is the one that was signed. What no checkpoint covers yet is shown as it is stored: nothing was signed that it could be held against.</summary>
    internal static void RequireSigned(StoredEntry row, SignedTree? signed)
    {
        if (signed?.Checkpoint.Size.Contains(row.Index) == true && signed.Node(0, row.Index.Value) != MerkleHash.Leaf(row.Leaf))
            throw new LedgerDamagedException($"The leaf of entry {row.Index} is not the one that was signed.");
    }

    /// <summary>What opens the leaf of an entry: a start does not look at what a snapshot covers, so this is where a changed entry is found.</summary>
    internal static Opening Genuine(StoredEntry row)
    {
        if (!Opening.TryDecode(row.Opening, out var opening))
            throw new LedgerDamagedException($"The opening of entry {row.Index} cannot be read.");
        if (!Leaf.TryDecode(row.Leaf, out var leaf) || Leaf.Commit(opening.Salt.ToArray(), row.Entry) != leaf.Commitment)
            throw new LedgerDamagedException($"Entry {row.Index} is not the one that its leaf commits to.");
        return opening;
    }

    internal static TrailItem[] Items(IReadOnlyList<byte[]> items, SubjectId agent) =>
        [.. SignedEntries.Items(items, i => IssuanceItem.TryDecode(items[i], out var item) && item.AgentId == agent)];
}
