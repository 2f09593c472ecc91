using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Erasing;

/// <summary>Activities are erased. <paramref name="IsForGood"/>: the bytes are in no file of the store any more; otherwise a long read keeps the journal for now. Backups are their keepers' to make again.</summary>
public sealed record Erased(LeafIndex Index, long At, int Count, bool IsForGood);

/// <summary>A hold was placed or lifted by the entry at <paramref name="Index"/>.</summary>
public sealed record HoldChanged(LeafIndex Index, long At);

/// <summary>Takes away what opens activities, and nothing else: by two operators, with a reason, and not while a hold stands.</summary>
public sealed class Erasing(RegistryState state, Sequencer sequencer, Approvals approvals, PublishedLog log, ILedgerStore store) : IDisposable
{
    // One erasure at a time: what it reads before the decision stays as it is until the decision is durable.
    private readonly SemaphoreSlim _erasing = new(1);

    public async Task<Outcome<Erased>> EraseAsync(CallerRecord actor, SubjectId agentId, IReadOnlyList<LeafIndex> indexes, string reason, IReadOnlyList<string> tokens)
    {
        if (Reasons.Problem(reason, "An erasure says why") is { } unsaid)
            return unsaid;
        if (indexes.Count is 0 or > ActivitiesErased.IndexesMax || !Ascend(indexes))
            return Refused.Because(Refusal.MessageMalformed, $"An erasure names 1 to {ActivitiesErased.IndexesMax} entries, ascending.");
        var approved = approvals.Check(tokens, ApprovedAction.Erase(agentId, indexes, reason));
        if (approved.IsRefused)
            return Refused.Because(approved.Refusal, approved.Detail);

        await _erasing.WaitAsync().ConfigureAwait(false);
        try
        {
            var stubs = Stubs(agentId, indexes);
            if (stubs.IsRefused)
                return Refused.Because(stubs.Refusal, stubs.Detail);
            var decided = await sequencer.DecideAsync(Lane.Ordinary, draft => Decide(draft, actor, agentId, indexes, reason, approved.Value, stubs.Value)).ConfigureAwait(false);
            return decided.IsRefused
                ? Refused.Because(decided.Refusal, decided.Detail)
                : new Erased(decided.Value.Index, decided.Value.Draft.At, indexes.Count, decided.Value.Draft.IsErasedForGood);
        }
        finally
        {
            _erasing.Release();
        }
    }

    public async Task<Outcome<HoldChanged>> PlaceHoldAsync(CallerRecord actor, SubjectId agentId, string reason) =>
        Reasons.Problem(reason, "A hold says why") is { } unsaid
            ? unsaid
            : state.FindAgent(agentId) is null
            ? Refused.Because(Refusal.AgentUnknown, "No agent has that id.")
            : await sequencer.DecideAsync<HoldChanged>(
                Lane.Ordinary, draft => new HoldChanged(draft.Stage(actor.Id, new HoldPlaced(agentId, reason), agentId), draft.At)).ConfigureAwait(false);

    public async Task<Outcome<HoldChanged>> LiftHoldAsync(CallerRecord actor, SubjectId agentId, LeafIndex hold, string reason, IReadOnlyList<string> tokens)
    {
        if (Reasons.Problem(reason, "Who lifts a hold says why") is { } unsaid)
            return unsaid;
        var approved = approvals.Check(tokens, ApprovedAction.LiftHold(agentId, hold, reason));
        if (approved.IsRefused)
            return Refused.Because(approved.Refusal, approved.Detail);
        return await sequencer.DecideAsync<HoldChanged>(Lane.Ordinary, draft =>
        {
            if (!draft.HasHold(agentId, hold))
                return Refused.Because(Refusal.HoldUnknown, $"No hold of that agent was placed by entry {hold}, or it is lifted.");
            var used = approvals.Use(draft, approved.Value);
            return used.IsRefused
                ? Refused.Because(used.Refusal, used.Detail)
                : new HoldChanged(draft.Stage(actor.Id, new HoldLifted(agentId, hold, reason, approved.Value.Tokens), agentId), draft.At);
        }).ConfigureAwait(false);
    }

    public void Dispose() => _erasing.Dispose();

    private Outcome<(LeafIndex Index, Draft Draft)> Decide(
        Draft draft, CallerRecord actor, SubjectId agentId, IReadOnlyList<LeafIndex> indexes, string reason, Approved approved, ErasedStub[] stubs)
    {
        if (draft.Hold(agentId) is { } hold)
            return Refused.Because(Refusal.AgentHeld, $"What this agent did is held by entry {hold}; two operators lift a hold.");
        var used = approvals.Use(draft, approved);
        if (used.IsRefused)
            return Refused.Because(used.Refusal, used.Detail);
        var final = Array.ConvertAll(stubs, stub => stub with { ErasedBy = draft.Next, ErasedAt = draft.At });
        draft.Erase(final.Select((stub, i) => new StoredStub(indexes[i], stub.Encode())));
        var body = new ActivitiesErased(agentId, indexes, reason, approved.Tokens, [.. final.Select(stub => stub.Hash())]);
        return (draft.Stage(actor.Id, body, agentId), draft);
    }

    private Outcome<ErasedStub[]> Stubs(SubjectId agentId, IReadOnlyList<LeafIndex> indexes)
    {
        var (erasures, signed) = (new Erasures(store), log.Newest);
        var stubs = new ErasedStub[indexes.Count];
        for (var i = 0; i < stubs.Length; i++)
        {
            if (!store.Size.Contains(indexes[i]))
                return Refused.Because(Refusal.EntryUnknown, $"There is no entry {indexes[i]}.");
            var row = store.Read(indexes[i], 1)[0];
            // A stub says for ever what was signed: there would be nothing left that it could be held against.
            erasures.RequireGenuine(row, signed);
            var stub = Stub(agentId, row);
            if (stub.IsRefused)
                return Refused.Because(stub.Refusal, stub.Detail);
            stubs[i] = stub.Value;
        }
        return stubs;
    }

    // What stays of one activity, but for the entry that erases it.
    private static Outcome<ErasedStub> Stub(SubjectId agentId, StoredEntry row)
    {
        if (row.IsErased && Erasures.Stub(row) is var before)
            return Refused.Because(Refusal.AlreadyErased, $"Entry {row.Index} was erased by entry {before.ErasedBy}.");
        return Entry.TryDecode(row.Entry, out var entry) && entry.Body is Activity activity && SignedStatement.TryRead(activity.Statement, out var statement) && statement.AgentId == agentId
            ? new ErasedStub(
                agentId, entry.Subjects[0].Sequence, statement.KeyId, statement.Sequence, statement.Identity, statement.Previous, entry.At, activity.Quarantined, default, 0)
            : Refused.Because(Refusal.NotErasable, $"Entry {row.Index} is not an activity of this agent; nothing else can be erased.");
    }

    private static bool Ascend(IReadOnlyList<LeafIndex> indexes)
    {
        for (var i = 1; i < indexes.Count; i++)
        {
            if (indexes[i - 1].Value >= indexes[i].Value)
                return false;
        }
        return true;
    }
}
