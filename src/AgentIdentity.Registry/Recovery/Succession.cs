using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Witnessing;

namespace AgentIdentity.Registry.Recovery;

/// <summary>An agent that must be stopped in the log that goes on, since it was stopped in what was lost.</summary>
public sealed record KnownStop(SubjectId Agent, StandingState State, string Reason);

/// <summary>Opens a successor log on a ledger that nobody serves: the same tree, under a new origin and key. docs/formats.md, "Successor logs".</summary>
public sealed class Succession(ILedgerStore store, ISnapshotStore snapshots, IRegistryKeys keys, TimeProvider clock, Action<string> log)
{
    /// <summary>Replaces the log's key: the log so far signs all that it holds, and then nothing more.</summary>
    public Task<LogRecord> RotateAsync() => OpenAsync(SuccessionReason.KeyRotated, [], []);

    /// <summary>Goes on from less than others have seen. The log so far signs nothing more: what it signed last is all that it can stand for.</summary>
    /// <param name="lost">Signed notes of the log so far that this tree does not continue.</param>
    /// <param name="stops">What was stopped in the entries that were lost.</param>
    public Task<LogRecord> RecoverAsync(IReadOnlyList<string> lost, IReadOnlyList<KnownStop> stops)
    {
        WitnessKeyDocument.Forget(store);
        return OpenAsync(SuccessionReason.Recovered, lost, stops);
    }

    private async Task<LogRecord> OpenAsync(SuccessionReason reason, IReadOnlyList<string> lost, IReadOnlyList<KnownStop> stops)
    {
        // Reads and checks everything first, so that nothing is written to a ledger that would not start.
        var state = RestingLedger.Read(store, snapshots, log).State;
        if (reason == SuccessionReason.KeyRotated)
            await SignLastAsync(state).ConfigureAwait(false);
        var opened = new LogRecord(LogOrigin.Of(state.Founding!.Origin, state.Logs.Count + 1), keys.Create(RegistryKeyUse.Log), new LeafIndex(state.Position));
        var last = reason == SuccessionReason.KeyRotated ? Announce(state.Log, opened) : store.LastCheckpoint!.Note;
        var next = new LogSucceeded(state.Log.Origin, last, opened.Origin, opened.Key, reason, lost);

        var before = state.Log with { LastCheckpoint = last };
        var publisher = new CheckpointPublisher(store, new NoteSignerKey(opened.Origin, keys.Log(opened.KeyId)), before);
        Start.Grow(publisher, store);
        using (var writer = Writer(state, publisher))
            await WriteAsync(writer, next, stops).ConfigureAwait(false);
        if (publisher.Signed is not { } signed || signed.Size.Value != state.Position)
            throw new LedgerDamagedException("The successor log is open and has signed nothing yet; the next start signs its first checkpoint.");
        keys.Retire(before.KeyId);
        LogKeyDocument.Keep(store, opened.Key);
        snapshots.Save(stream => SnapshotFormat.Write(stream, state.Copy(), signed.Root, keys.Log(opened.KeyId)));
        return state.Log;
    }

    // The old key's last word. Nobody sees it before the entry that holds it is durable; when that fails, nobody ever has.
    private string Announce(LogRecord log, LogRecord opened)
    {
        var signed = store.LastCheckpoint!;
        return new SuccessionNote(new Checkpoint(log.Origin, signed.Size, signed.Root), opened.Verifier).Sign(new NoteSignerKey(log.Origin, keys.Log(log.KeyId)));
    }

    // Entries that no checkpoint covers yet get their last one. A writer signs when it ends.
    private async Task SignLastAsync(RegistryState state)
    {
        var publisher = new CheckpointPublisher(store, new NoteSignerKey(state.Log.Origin, keys.Log(state.Log.KeyId)), state.Logs.Count > 1 ? state.Logs[^2] : null);
        Start.Grow(publisher, store);
        using var writer = Writer(state, publisher);
        writer.Dispose();
        if (writer.Halted.IsCompleted && await writer.Halted.ConfigureAwait(false) is { } failure)
            throw new StoreRefusedException($"The log could not sign its last checkpoint, so that nothing was succeeded: {failure.Message}", failure);
        if (publisher.Signed is not { } signed || signed.Size.Value != state.Position)
            throw new StoreRefusedException("The log could not sign its last checkpoint, so that nothing was succeeded: look at the disk of the data folder.");
    }

    // One group: the log is never open without the stops that it was opened with.
    private static async Task WriteAsync(Sequencer writer, LogSucceeded next, IReadOnlyList<KnownStop> stops)
    {
        var written = await writer.DecideAsync<LeafIndex>(Lane.Ordinary, draft =>
        {
            var index = draft.Stage(draft.RegistryId, next, draft.RegistryId);
            foreach (var stop in stops)
                draft.Stage(draft.RegistryId, new Stop(Scope.Agent(stop.Agent), stop.State, stop.Reason, "", draft.OpenEpoch()), stop.Agent);
            return index;
        }).ConfigureAwait(false);
        if (written.Refusal == Refusal.RegistryHalted && await writer.Halted.ConfigureAwait(false) is { } failure)
            throw new StoreRefusedException($"Whether the successor log was opened shows at the next start: {failure.Message}", failure);
        if (written.IsRefused)
            throw new StoreRefusedException($"The successor log was not opened: {written.Detail}");
    }

    private Sequencer Writer(RegistryState state, CheckpointPublisher publisher) => new(store, state, new Standing(state), publisher, clock, log);
}
