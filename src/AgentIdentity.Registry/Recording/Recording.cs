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

/// <summary>Where a statement stands in the ledger. <paramref name="Promise"/> is there until a checkpoint covers it.</summary>
public sealed record Recorded(LeafIndex Index, long At, EntryClass Class, Hash LeafHash, SignedPromise? Promise)
{
    public bool IsIntegrated => Promise is null;
}

/// <summary>Takes signed statements into the ledger. The statement's own signature is the caller's authentication, so that evidence can follow a stop.</summary>
public sealed class Recording(RegistrySettings settings, RegistryState state, Sequencer sequencer, CheckpointPublisher publisher, ILedgerStore store)
{
    private const int PageEntries = 256;

    public async Task<Outcome<Recorded>> RecordAsync(
        ReadOnlyMemory<byte> bytes, KeyAlgorithm algorithm, ReadOnlyMemory<byte> signature, bool waitIntegrated, CancellationToken cancellation)
    {
        var checkedStatement = Check(bytes, algorithm, signature.Span);
        if (checkedStatement.IsRefused)
            return Refused.Because(checkedStatement.Refusal, checkedStatement.Detail);
        var statement = checkedStatement.Value;
        var activity = new Activity(bytes.ToArray(), algorithm, signature.ToArray(), Quarantined: false);
        var decided = await sequencer.DecideAsync(Lane.Ordinary, draft => Decide(draft, statement, activity)).ConfigureAwait(false);
        if (decided.IsRefused)
            return Refused.Because(decided.Refusal, decided.Detail);
        var decision = decided.Value;
        if (decision.Head is null)
            decision = decision with { Head = FindAt(statement) };
        if (decision.Head!.Previous != statement.Identity)
            return await AccuseAsync(decision.Head, statement, activity).ConfigureAwait(false);
        if (waitIntegrated)
            await publisher.WhenCoversAsync(decision.Head.Index, cancellation).ConfigureAwait(false);
        return Answer(decision.Head, decision.Draft);
    }

    private Outcome<SignedStatement> Check(ReadOnlyMemory<byte> bytes, KeyAlgorithm algorithm, ReadOnlySpan<byte> signature)
    {
        if (!SignedStatement.TryRead(bytes, out var statement))
            return Refused.Because(Refusal.StatementMalformed, "Those are not the bytes of a statement: docs/formats.md, \"Signed statement\".");
        if (statement.Origin != settings.Name.Origin)
            return Refused.Because(Refusal.WrongOrigin, $"The statement is for another log than {settings.Name.Origin}.");
        if (state.FindAgent(statement.AgentId) is not { } agent)
            return Refused.Because(Refusal.AgentUnknown, "No agent has that id.");
        if (agent.Key.KeyId != statement.KeyId || agent.Key.Algorithm != algorithm)
            return Refused.Because(Refusal.WrongKey, "The statement names a key or an algorithm that is not the agent's.");
        if (!agent.Key.Verifies(bytes.Span, signature))
            return Refused.Because(Refusal.SignatureInvalid, "The signature is not over these bytes by the agent's key.");
        return statement;
    }

    // Answers where the chain stood after the statement that holds its place, be it this one or another; null when that is further back than the head.
    private static Outcome<(ChainHead? Head, Draft Draft)> Decide(Draft draft, SignedStatement statement, Activity activity)
    {
        var standing = draft.Standing.Of(statement.AgentId);
        if (standing is Refusal.RegistryHalted)
            return Refused.Because(standing, "The registry takes no writes now.");
        var agent = draft.State.FindAgent(statement.AgentId)!;
        var head = draft.Chain(agent, statement.KeyId);
        if (statement.Sequence > head.Next)
            return Refused.Because(Refusal.SequenceGap, $"Expected sequence {head.Next}, found {statement.Sequence}.");
        if (statement.Sequence < head.Next)
            return (statement.Sequence + 1 == head.Next ? head : null, draft);
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

    // Something before the head, which is rare: the agent's entries are walked from the first until it is found.
    private ChainHead FindAt(SignedStatement statement)
    {
        for (ulong from = 0; ;)
        {
            var page = store.ReadBySubject(statement.AgentId, from, PageEntries);
            foreach (var row in page)
            {
                if (row.IsErased && Erasures.Stub(row) is var stub && stub.KeyId == statement.KeyId && stub.Sequence == statement.Sequence)
                    return new ChainHead(stub.KeyId, stub.Sequence + 1, stub.Identity, row.Index, stub.At, stub.IsQuarantined);
                if (!row.IsErased && Entry.TryDecode(row.Entry, out var entry) && entry.Body is Activity activity
                    && SignedStatement.TryRead(activity.Statement, out var held) && held.KeyId == statement.KeyId && held.Sequence == statement.Sequence)
                {
                    return new ChainHead(held.KeyId, held.Sequence + 1, held.Identity, row.Index, entry.At, activity.Quarantined);
                }
            }
            if (page.Count < PageEntries)
                throw new LedgerDamagedException($"The ledger holds no statement {statement.Sequence} of agent {statement.AgentId}, which is below the end of its chain.");
            from += (ulong)page.Count;
        }
    }

    // What was recorded just now need not be read back, and shares the promise of its group; a retry is promised what it was promised then.
    private Recorded Answer(ChainHead head, Draft draft)
    {
        var promise = draft.Holds(head.Index) ? draft.Promise! : publisher.Promise(head.Index, [MerkleHash.Leaf(store.Read(head.Index, 1)[0].Leaf)], head.At);
        var isIntegrated = publisher.Last is { } last && last.Size.Contains(head.Index);
        return new Recorded(
            head.Index, head.At, head.Quarantined ? EntryClass.Quarantined : EntryClass.Activity, promise.LeafHash(head.Index), isIntegrated ? null : promise.For(head.Index));
    }
}
