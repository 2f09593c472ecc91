using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Recording;

/// <summary>Where a statement stands in the ledger.</summary>
public sealed record Recorded(LeafIndex Index, long At, EntryClass Class, bool IsIntegrated, Hash LeafHash);

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
        var (head, draft) = decided.Value;
        head ??= FindOlder(statement);
        if (head is null)
            return Refused.Because(Refusal.SequenceFork, $"Another statement stands at {statement.Sequence} of this chain.");
        if (waitIntegrated)
            await publisher.WhenCoversAsync(head.Index, cancellation).ConfigureAwait(false);
        return Answer(head, draft.LeafHash(head.Index));
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

    // Answers the chain's head when it is, or has just become, this statement; null when the statement is further back. The draft knows the leaf of what it staged.
    private static Outcome<(ChainHead? Head, Draft Draft)> Decide(Draft draft, SignedStatement statement, Activity activity)
    {
        var standing = draft.Standing.Of(statement.AgentId);
        if (standing is Refusal.RegistryHalted)
            return Refused.Because(standing, "The registry takes no writes now.");
        var agent = draft.State.FindAgent(statement.AgentId)!;
        var head = draft.Chain(agent, statement.KeyId);
        if (statement.Sequence > head.Next)
            return Refused.Because(Refusal.SequenceGap, $"Expected sequence {head.Next}, found {statement.Sequence}.");
        if (statement.Sequence + 1 == head.Next && statement.Identity == head.Previous)
            return (head, draft);
        if (statement.Sequence < head.Next)
            return statement.Sequence + 1 == head.Next ? Fork(statement) : (null, draft);
        if (statement.Previous != head.Previous)
            return Refused.Because(Refusal.SequenceFork, "The statement names another predecessor than the one that stands in the ledger.");

        var evidence = activity with { Quarantined = standing != Refusal.None };
        var index = draft.Stage(statement.AgentId, evidence, statement.AgentId);
        var next = new ChainHead(statement.KeyId, statement.Sequence + 1, statement.Identity, index, draft.At, evidence.Quarantined);
        draft.Extend(statement.AgentId, next);
        return (next, draft);
    }

    private static Refused Fork(SignedStatement statement) => Refused.Because(Refusal.SequenceFork, $"Another statement stands at {statement.Sequence} of this chain.");

    // A retry of something before the head, which is rare: the agent's entries are walked from the first until it is found.
    private ChainHead? FindOlder(SignedStatement statement)
    {
        for (ulong from = 0; ;)
        {
            var page = store.ReadBySubject(statement.AgentId, from, PageEntries);
            foreach (var row in page)
            {
                if (Entry.TryDecode(row.Entry, out var entry) && entry.Body is Activity activity
                    && SignedStatement.TryRead(activity.Statement, out var held) && held.KeyId == statement.KeyId && held.Sequence == statement.Sequence)
                {
                    return held.Identity == statement.Identity
                        ? new ChainHead(held.KeyId, held.Sequence + 1, held.Identity, row.Index, entry.At, activity.Quarantined)
                        : null;
                }
            }
            if (page.Count < PageEntries)
                return null;
            from += (ulong)page.Count;
        }
    }

    // What was recorded just now need not be read back.
    private Recorded Answer(ChainHead head, Hash? leafHash)
    {
        var isIntegrated = publisher.Last is { } last && last.Size.Contains(head.Index);
        return new Recorded(head.Index, head.At, head.Quarantined ? EntryClass.Quarantined : EntryClass.Activity, isIntegrated, leafHash ?? MerkleHash.Leaf(store.Read(head.Index, 1)[0].Leaf));
    }
}
