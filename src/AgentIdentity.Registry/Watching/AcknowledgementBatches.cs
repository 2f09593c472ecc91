using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>
/// Writes what enforcers have signed: the first at once, and what follows within ten milliseconds of it together. A thousand that hear of a stop at once
/// would otherwise be a hundred commits, which cost more than the wait of the last.
/// </summary>
internal sealed class AcknowledgementBatches(Sequencer sequencer)
{
    // As many as one entry takes.
    private const int BatchMax = Draft.AcknowledgementsMax;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly Lock _lock = new();

    // Owned by whoever holds the lock. The time is the machine's own, since what is spared is work and not a promise.
    private Batch? _gathering;
    private long _handedOver = Environment.TickCount64 - (long)Pause.TotalMilliseconds;

    /// <summary>Answers when it is durable, or was refused.</summary>
    public Task<Outcome<bool>> WriteAsync(CallerRecord enforcer, byte[] token)
    {
        lock (_lock)
        {
            var isFirst = _gathering is not { Signed.Count: < BatchMax };
            var batch = isFirst ? _gathering = new Batch() : _gathering!;
            batch.Signed.Add((enforcer, token));
            if (isFirst)
                batch.Written = HandOverAsync(batch, TimeSpan.FromMilliseconds(Math.Max(0, _handedOver + (long)Pause.TotalMilliseconds - Environment.TickCount64)));
            return batch.Written;
        }
    }

    private async Task<Outcome<bool>> HandOverAsync(Batch batch, TimeSpan wait)
    {
        if (wait > TimeSpan.Zero)
            await Task.Delay(wait).ConfigureAwait(false);
        lock (_lock)
        {
            if (_gathering == batch)
                _gathering = null;
            _handedOver = Environment.TickCount64;
        }
        return await sequencer.DecideAsync(Lane.Issuance, draft => Write(draft, batch)).ConfigureAwait(false);
    }

    private static Outcome<bool> Write(Draft draft, Batch batch)
    {
        foreach (var (enforcer, token) in batch.Signed)
        {
            // Two people may have removed it while it signed, or somebody has stopped its key.
            if (draft.State.FindCaller(enforcer.Key.KeyId) is not null && !draft.IsRemoved(enforcer.Id) && !draft.State.Stops.IsKeyStopped(enforcer.Key.KeyId))
                draft.Acknowledge(enforcer.Id, token);
        }
        return true;
    }

    private sealed class Batch
    {
        public List<(CallerRecord Enforcer, byte[] Token)> Signed { get; } = [];

        public Task<Outcome<bool>> Written { get; set; } = Task.FromResult<Outcome<bool>>(true);
    }
}
