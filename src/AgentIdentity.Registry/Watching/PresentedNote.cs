using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Stopping;

namespace AgentIdentity.Registry.Watching;

/// <summary>Takes what an enforcer was told last, by this registry or by one that it was before a loss: no epoch goes back, and no denial that was signed is forgotten.</summary>
internal sealed class PresentedNote(RegistryState state, WatchKey key, Stopping.Stopping stopping, Action<string> log)
{
    // More epochs than any ledger opens, and loses; as many are left below the largest integer that an acknowledgement holds.
    private const ulong LostMax = 1UL << 32;
    private const ulong EpochMax = (ulong)Jcs.IntegerMax - LostMax;

    private const string Reason = "An enforcer held this denial, signed by this registry, and the ledger did not.";

    /// <returns>The epoch that the enforcer had reached; 0 when it presents nothing.</returns>
    public async Task<Outcome<ulong>> TakeAsync(CallerRecord enforcer, string note, byte[] payload)
    {
        if (note.Length == 0)
            return 0UL;
        foreach (var verifier in key.Verifiers())
        {
            if (SnapshotNote.TryOpen(note, verifier, out var snapshot))
                return Reach(enforcer, snapshot.Epoch);
            if (DeltaNote.TryOpen(note, verifier, out var delta))
                return await TakeAsync(enforcer, delta, note, payload).ConfigureAwait(false);
        }
        return Refused.Because(Refusal.MessageMalformed, "The last note is no delta or snapshot that this registry has signed.");
    }

    private async Task<Outcome<ulong>> TakeAsync(CallerRecord enforcer, DeltaNote delta, string note, byte[] payload)
    {
        if (delta.Kind != DeltaKind.Deny)
            return Reach(enforcer, delta.Epoch);
        if (Sha256.Hash(payload) != delta.Payload || !DenialFormat.TryDecode(payload, out var denial))
            return Refused.Because(Refusal.MessageMalformed, "The payload is not the denial that the last note names.");
        var reached = Reach(enforcer, delta.Epoch);
        if (reached.IsRefused || IsHeld(denial))
            return reached;
        var stopped = await stopping.StopIfAsync(enforcer, stopping.Subject(denial.Scope), draft => Decide(draft, denial, note)).ConfigureAwait(false);
        return stopped.IsRefused && stopped.Refusal != Refusal.ScopeStopped ? Refused.Because(stopped.Refusal, stopped.Detail) : reached;
    }

    private Outcome<ulong> Reach(CallerRecord enforcer, ulong epoch)
    {
        if (epoch <= state.Epoch)
            return epoch;
        if (epoch > EpochMax || epoch - state.Epoch > LostMax)
        {
            log($"The enforcer {enforcer.Name} presents epoch {epoch}, signed with this registry's watch key, and the ledger is at {state.Epoch}: this registry has signed nothing like that. Somebody else has the watch key.");
            return Refused.Because(Refusal.MessageMalformed, $"The last note names epoch {epoch}, and at most {LostMax} above the ledger's, {state.Epoch}, can have been lost.");
        }
        log($"The enforcer {enforcer.Name} holds epoch {epoch}, which this registry has signed, and the ledger is at {state.Epoch}: entries were lost. The next epoch lies above it.");
        state.RaiseEpochFloor(epoch);
        return epoch;
    }

    // Held, or held once and lifted since; or another enforcer has brought it back.
    private bool IsHeld(Denial denial) =>
        (state.Stops.Find(denial.Index) is { } record && record.Denial.Epoch == denial.Epoch && record.Denial.Scope == denial.Scope)
        || state.Stops.Of(denial.Scope).Any(record => record.IsInForce && record.Denial.After is null && record.Denial.State >= denial.State);

    // Of a cut the whole scope is stopped: what it was a cut after may be lost as well.
    private Outcome<StopWish> Decide(Draft draft, Denial denial, string note) =>
        IsHeld(denial) || draft.Stops.Any(stop => stop.Scope == denial.Scope && stop.State >= denial.State)
            ? Refused.Because(Refusal.ScopeStopped, "It is stopped, or another enforcer has brought it back.")
            : new StopWish(denial.Scope, denial.State, Reason, "") { Order = note };
}
