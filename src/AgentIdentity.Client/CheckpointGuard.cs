using AgentIdentity.Credentials;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Client;

/// <summary>Presents the largest checkpoint that was seen, before the first call of a connection and each minute, and demands a log that goes on from there.</summary>
internal sealed class CheckpointGuard(Protocol.V1.Ledger.LedgerClient ledger, CheckpointMemory memory, TimeProvider clock)
{
    // A registry may be replaced by its older self while a connection stands.
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private long _presentedAt = long.MinValue;

    /// <exception cref="CheckpointContradictedException">The log does not go on from what was seen.</exception>
    /// <remarks>Calls that begin at once present it each: none is sent before its own answer.</remarks>
    public async Task RequireSameLogAsync(CancellationToken cancellation)
    {
        if (!IsRecent() && await PresentAsync(cancellation).ConfigureAwait(false))
            Volatile.Write(ref _presentedAt, clock.GetTimestamp());
    }

    private bool IsRecent() => Volatile.Read(ref _presentedAt) is not long.MinValue and var at && clock.GetElapsedTime(at) < Interval;

    // False while there is no checkpoint to speak of.
    private async Task<bool> PresentAsync(CancellationToken cancellation)
    {
        var known = memory.Read();
        try
        {
            var request = new GetConsistencyRequest { KnownCheckpoint = known?.Note ?? "" };
            memory.Learn(known, await ledger.GetConsistencyAsync(request, cancellationToken: cancellation).ConfigureAwait(false));
            return true;
        }
        catch (RegistryRefusedException refused) when (refused.Refusal is Refusal.NotBootstrapped or Refusal.NotIntegrated or Refusal.CheckpointNotOurs)
        {
            return known is null ? false : throw memory.Contradicted(known, refused.Message);
        }
    }
}
