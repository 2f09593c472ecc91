using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Recovery;

/// <summary>Takes a snapshot when a start would have to read too many entries (the writer copies references; another thread writes the file), and keeps each checkpoint beside the ledger.</summary>
internal sealed class Snapshots(RegistrySettings settings, RegistryState state, CheckpointPublisher publisher, ISnapshotStore store, Ed25519PrivateKey logKey, Action<string> log)
{
    private Task _saving = Task.CompletedTask;
    private ulong _lastPosition;

    /// <summary>Where the snapshot that the start was read from stood.</summary>
    public ulong LastPosition { set => _lastPosition = value; }

    /// <summary>Called by the writer right after a checkpoint, when state and signed tree have the same size.</summary>
    public void AfterCheckpoint()
    {
        if (publisher.Signed is { } signed)
            Keep(signed);
        TakeIfDue();
    }

    private void Keep(StoredCheckpoint signed)
    {
        try
        {
            store.KeepCheckpoint(signed.Note);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The one before stays: a start then notices less of what was lost, and nothing else.
        }
    }

    private void TakeIfDue()
    {
        // A large state is copied less often: the work stays a small part of what the entries cost.
        var interval = Math.Max(settings.SnapshotEntries, (ulong)state.AgentCount / 2);
        if (state.Position - _lastPosition < interval || !_saving.IsCompleted)
            return;
        Take();
    }

    /// <summary>The last one, at a clean end.</summary>
    public async Task FinishAsync()
    {
        await _saving.ConfigureAwait(false);
        if (state.Position > _lastPosition && state.IsBootstrapped)
            Take();
        await _saving.ConfigureAwait(false);
    }

    private void Take()
    {
        if (publisher.Signed is not { } signed || signed.Size.Value != state.Position)
            return;
        var copy = state.Copy();
        _lastPosition = copy.Position;
        _saving = Task.Run(() => Save(copy, signed.Root));
    }

    private void Save(StateCopy copy, Hash root)
    {
        try
        {
            store.Save(stream =>
            {
                SnapshotFormat.Write(stream, copy, root, logKey);
                if (stream.Position > SnapshotFormat.LengthMax)
                    throw new IOException($"it would have {stream.Position:N0} bytes, and a start reads {SnapshotFormat.LengthMax:N0} at most");
            });
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            log($"No snapshot was written, so the next start reads more of the ledger: {failure.Message}");
        }
    }
}
