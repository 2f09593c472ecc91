using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Erasing;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Recording;

/// <summary>Where a statement stands in the ledger.</summary>
/// <param name="Index">Its entry.</param>
/// <param name="At">When it was sequenced, ms since 1970.</param>
/// <param name="Class">What it counts as.</param>
/// <param name="Leaf">The public leaf.</param>
/// <param name="LeafHash">Its hash in the tree.</param>
/// <param name="Opening">What opens the leaf for whoever has the statement; null when it was erased.</param>
/// <param name="IsIntegrated">Whether a checkpoint covers it.</param>
/// <param name="Promise">There until a checkpoint covers it, as long as it can be kept.</param>
public sealed record Recorded(LeafIndex Index, long At, EntryClass Class, byte[] Leaf, Hash LeafHash, LeafOpening? Opening, bool IsIntegrated, SignedPromise? Promise);

/// <summary>The entry's number among those about the agent, and its salt.</summary>
public sealed record LeafOpening(ulong SubjectSequence, Hash Salt);

/// <summary>A statement whose signature is its agent's, and the entry that it becomes.</summary>
public sealed record VerifiedStatement(SignedStatement Statement, Activity Activity);

/// <summary>Takes signed statements into the ledger. The statement's own signature is the caller's authentication, so that evidence can follow a stop.</summary>
public sealed class Recording(RegistryState state, Sequencer sequencer, CheckpointPublisher publisher, PublishedLog log, ILedgerStore store)
{
    private const int PageEntries = 16;

    public async Task<Outcome<Recorded>> RecordAsync(
        ReadOnlyMemory<byte> bytes, KeyAlgorithm algorithm, ReadOnlyMemory<byte> signature, bool waitIntegrated, CancellationToken cancellation)
    {
        var verified = Verify(bytes, algorithm, signature);
        return verified.IsRefused ? Refused.Because(verified.Refusal, verified.Detail) : await RecordAsync(verified.Value, waitIntegrated, cancellation).ConfigureAwait(false);
    }

    public async Task<Outcome<Recorded>> RecordAsync(VerifiedStatement verified, bool waitIntegrated, CancellationToken cancellation)
    {
        var (statement, activity) = verified;
        var decided = await sequencer.DecideAsync(Lane.Ordinary, draft => Decide(draft, statement, activity)).ConfigureAwait(false);
        if (decided.IsRefused)
            return Refused.Because(decided.Refusal, decided.Detail);
        var decision = decided.Value;
        if (decision.Head is null)
            decision = decision with { Head = FindAt(statement) };
        if (decision.Head!.Previous != statement.Identity)
        {
            if (statement.Origin != state.Log.Origin)
                return WrongOrigin();
            // An agent that sends again what it has sent must not be accused because the disk holds something else now.
            new Erasures(store).RequireGenuine(store.Read(decision.Head.Index, 1)[0], log.Newest);
            return await AccuseAsync(decision.Head, statement, activity).ConfigureAwait(false);
        }
        if (waitIntegrated && !await IsCoveredAsync(decision.Head.Index, decision.Draft.Standing, cancellation).ConfigureAwait(false))
            return Refused.Because(decision.Draft.Standing.Everyone, $"The statement is entry {decision.Head.Index}; the registry went out of service before a checkpoint covered it.");
        return Answer(decision.Head, decision.Draft);
    }

    private async Task<bool> IsCoveredAsync(LeafIndex index, Standing standing, CancellationToken cancellation)
    {
        var covered = publisher.WhenCoversAsync(index, cancellation);
        if (await Task.WhenAny(covered, standing.Ended).ConfigureAwait(false) != covered)
            return false;
        await covered.ConfigureAwait(false);
        return true;
    }

    /// <summary>Reads a statement that an agent has signed: from here on it is known whose it is.</summary>
    public Outcome<VerifiedStatement> Verify(ReadOnlyMemory<byte> bytes, KeyAlgorithm algorithm, ReadOnlyMemory<byte> signature)
    {
        if (!SignedStatement.TryRead(bytes, out var statement))
            return Refused.Because(Refusal.StatementMalformed, "Those are not the bytes of a statement: docs/formats.md, \"Signed statement\".");
        if (!state.Logs.Any(log => log.Origin == statement.Origin))
            return WrongOrigin();
        if (state.FindAgent(statement.AgentId) is not { } agent)
            return Refused.Because(Refusal.AgentUnknown, "No agent has that id.");
        if (agent.FindKey(statement.KeyId) is not { } key || key.Algorithm != algorithm)
            return Refused.Because(Refusal.WrongKey, "The statement names a key or an algorithm that is not the agent's.");
        if (!key.Verifies(bytes.Span, signature.Span))
            return Refused.Because(Refusal.SignatureInvalid, "The signature is not over these bytes by the agent's key.");
        return new VerifiedStatement(statement, new Activity(bytes.ToArray(), algorithm, signature.ToArray(), Quarantined: false));
    }

    // What was recorded for a log that was succeeded since is still answered when it is sent again; nothing new is taken for it.
    private Refused WrongOrigin() => Refused.Because(Refusal.WrongOrigin, $"The statement is for another log than {state.Log.Origin}.");

    // Answers where the chain stood after the statement that holds its place, be it this one or another; null when that is further back than the head.
    private Outcome<(ChainHead? Head, Draft Draft)> Decide(Draft draft, SignedStatement statement, Activity activity)
    {
        var standing = draft.Standing.RefusalOf(statement.AgentId);
        if (standing is Refusal.RegistryHalted or Refusal.RolledBack)
            return Refused.Because(standing, "The registry takes no writes now.");
        var agent = draft.State.FindAgent(statement.AgentId)!;
        var head = draft.Chain(agent, statement.KeyId);
        if (statement.Sequence < head.Next)
            return (statement.Sequence + 1 == head.Next ? head : null, draft);
        if (statement.Origin != draft.State.Log.Origin)
            return WrongOrigin();
        if (statement.KeyId != draft.KeyOf(agent).KeyId)
            return Refused.Because(Refusal.KeyRotated, "The agent has another key, and this one's chain has ended.");
        if (statement.Sequence > head.Next)
            return Refused.Because(Refusal.SequenceGap, $"Expected sequence {head.Next}, found {statement.Sequence}.");
        if (statement.Previous != head.Previous)
            return (head, draft);

        var evidence = activity with { Quarantined = standing != Refusal.None };
        var index = draft.Stage(statement.AgentId, evidence, statement.AgentId);
        var next = new ChainHead(statement.KeyId, statement.Sequence + 1, statement.Identity, index, draft.At, evidence.Quarantined) { Fork = head.Fork };
        draft.Extend(statement.AgentId, next);
        return (next, draft);
    }

    // Two statements that cannot both stand, both signed by the agent: the first such pair of a chain is kept as proof for anyone.
    private async Task<Refused> AccuseAsync(ChainHead held, SignedStatement statement, Activity activity)
    {
        var kept = await sequencer.DecideAsync<LeafIndex>(Lane.Ordinary, draft =>
        {
            var agent = draft.State.FindAgent(statement.AgentId)!;
            var head = draft.Chain(agent, statement.KeyId);
            if (head.Fork is { } known)
                return known;
            var index = draft.Stage(agent.Id, new Fork(held.Index, held.Previous, activity.Statement, activity.Algorithm, activity.Signature), agent.Id);
            draft.Extend(agent.Id, head with { Fork = index });
            return index;
        }).ConfigureAwait(false);
        var taken = statement.Sequence < held.Next ? $"Another statement stands at {statement.Sequence} of this chain" : "The statement names another predecessor than the one that stands in the ledger";
        return kept.IsRefused
            ? Refused.Because(kept.Refusal, kept.Detail)
            : Refused.Because(Refusal.SequenceFork, $"{taken} (entry {held.Index}); entry {kept.Value} keeps the proof that this chain was forked.");
    }

    // Something before the head, which is rare. Each entry carries a chain on by one at most, so a statement stands at least as many entries behind another one of its
    // chain as it has numbers more: the search jumps by that, and never past it.
    private ChainHead FindAt(SignedStatement statement)
    {
        for (var from = statement.Sequence; FirstOfChain(statement, from) is (var place, var head);)
        {
            if (head.Next > statement.Sequence)
                return head.Next == statement.Sequence + 1 ? head : throw Missing(statement);
            from = place + (statement.Sequence + 1 - head.Next);
        }
        throw Missing(statement);
    }

    // The first entry of the statement's chain among those about the agent, from that number on.
    private (ulong Place, ChainHead Head)? FirstOfChain(SignedStatement statement, ulong from)
    {
        while (store.ReadBySubject(statement.AgentId, from, PageEntries) is { Count: > 0 } page)
        {
            for (var i = 0; i < page.Count; i++)
            {
                if (HeadAfter(page[i]) is { } head && head.KeyId == statement.KeyId)
                    return (from + (ulong)i, head);
            }
            from += (ulong)page.Count;
        }
        return null;
    }

    private static ChainHead? HeadAfter(StoredEntry row)
    {
        if (row.IsErased)
        {
            var stub = Erasures.Stub(row);
            return new ChainHead(stub.KeyId, stub.Sequence + 1, stub.Identity, row.Index, stub.At, stub.IsQuarantined);
        }
        return Entry.TryDecode(row.Entry, out var entry) && entry.Body is Activity activity && SignedStatement.TryRead(activity.Statement, out var held)
            ? new ChainHead(held.KeyId, held.Sequence + 1, held.Identity, row.Index, entry.At, activity.Quarantined)
            : null;
    }

    private static LedgerDamagedException Missing(SignedStatement statement) =>
        new($"The ledger holds no statement {statement.Sequence} of agent {statement.AgentId}, which is below the end of its chain.");

    // What was recorded just now need not be read back, and shares the promise of its group; a retry is promised what it was promised then, unless that time is over.
    private Recorded Answer(ChainHead head, Draft draft)
    {
        var isIntegrated = publisher.Last is { } last && last.Size.Contains(head.Index);
        if (draft.Row(head.Index) is { } staged)
            return Answer(head, draft, staged, new LeafOpening(staged.Subjects[0].Sequence, draft.Salt(head.Index)), draft.Promise!, isIntegrated);
        var row = store.Read(head.Index, 1)[0];
        return Answer(head, draft, row, Open(row), publisher.Promise(head.Index, [MerkleHash.Leaf(row.Leaf)], head.At), isIntegrated);
    }

    // What keeps the log's key from signing checkpoints keeps it from promising, too.
    private Recorded Answer(ChainHead head, Draft draft, StoredEntry row, LeafOpening? opening, GroupPromise promise, bool isIntegrated) => new(
        head.Index, head.At, head.Quarantined ? EntryClass.Quarantined : EntryClass.Activity, row.Leaf, promise.LeafHash(head.Index), opening,
        isIntegrated, isIntegrated || promise.IntegrateBy < draft.At || publisher.IsHeld ? null : promise.For(head.Index));

    private static LeafOpening? Open(StoredEntry row) => row.IsErased ? null : new LeafOpening(row.Subjects[0].Sequence, Reading.Reading.Genuine(row).Salt);
}
