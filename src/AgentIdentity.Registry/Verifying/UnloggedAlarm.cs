using AgentIdentity.Credentials.Verification;

namespace AgentIdentity.Registry.Verifying;

/// <summary>Tells people that a credential was shown which a key of the registry has signed and the ledger does not hold. For all threads.</summary>
internal sealed class UnloggedAlarm(TimeProvider clock, Action<string> alarm)
{
    // Whoever has the key makes as many as they like, and nobody reads more.
    private static readonly TimeSpan Apart = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private long? _toldAt;
    private ulong _untold;

    public void Raise(PresentedCredential shown)
    {
        ulong untold;
        lock (_lock)
        {
            if (_toldAt is { } toldAt && clock.GetElapsedTime(toldAt) < Apart)
            {
                _untold++;
                return;
            }
            (_toldAt, untold, _untold) = (clock.GetTimestamp(), _untold, 0);
        }
        var claims = shown.Claims;
        alarm($"The registry's key {shown.IssuerKeyId} has signed a credential that the ledger does not hold, {claims.Jti} of agent {claims.AgentId}: somebody else has that key, or entries are lost. It was refused"
            + (untold == 0 ? "." : $", and {untold} more since the last one that was told."));
    }
}
