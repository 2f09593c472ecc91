using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>What became of the probe of a stop at one enforcer. docs/formats.md, "Probe".</summary>
public enum ProbeSeen
{
    /// <summary>None rode along.</summary>
    NoProbe = 1,

    /// <summary>Nothing is signed about it.</summary>
    Unanswered = 2,

    /// <summary>Let in before the stop, and refused after it.</summary>
    Refused = 3,

    /// <summary>Refused before the stop already, which proves nothing.</summary>
    RefusedBefore = 4,

    /// <summary>Let in after the stop.</summary>
    LetIn = 5,
}

/// <summary>An enforcer in the report on a stop. Times are ms since 1970.</summary>
/// <param name="Enforcer">Who.</param>
/// <param name="Progress">Where it stands.</param>
/// <param name="At">When it signed, or was without a lease; 0 when neither.</param>
/// <param name="Signed">What it has signed; null when it has not.</param>
/// <param name="IsNeeded">Whether it was registered when the stop was made: without its word the stop is not enforced.</param>
/// <param name="IsOfCallee">Whether it answers for an agent that the stop covers, whom nobody may call.</param>
/// <param name="LeaseUntil">When its lease ends or ended, as far as is known here.</param>
/// <param name="Unlogged">How many credentials it was ever shown that the ledger does not hold.</param>
/// <param name="Probe">What became of the probe there.</param>
/// <param name="ProbeRefusal">Why it was refused, at last or before; none when it was not.</param>
/// <param name="Revokers">What became of the code that ends what was handed out; null when it has none, or they are at it.</param>
/// <param name="Alarms">Its alarms since the stop, the newest of each name.</param>
public sealed record EnforcerReport(
    CallerRecord Enforcer, EnforcerProgress Progress, long At, SignedEpoch? Signed, bool IsNeeded, bool IsOfCallee, long LeaseUntil, ulong Unlogged, ProbeSeen Probe, Refusal ProbeRefusal,
    RevokerOutcome? Revokers, IReadOnlyList<RaisedAlarm> Alarms)
{
    public bool IsDone => Progress is EnforcerProgress.Acknowledged or EnforcerProgress.LeaseOver;
}

/// <summary>How far one stop has come. Times are ms since 1970; null: not reached.</summary>
/// <param name="Stop">The stop.</param>
/// <param name="EnforcedAt">When it was enforced.</param>
/// <param name="ExhaustedAt">When it was exhausted.</param>
/// <param name="Enforcers">All that answer for an audience that it concerns.</param>
/// <param name="Unproven">Audiences without an enforcer that refuses: nobody's word until then.</param>
/// <param name="Residual">What is left, in words.</param>
public sealed record StopReport(
    StopRecord Stop, long? EnforcedAt, long? ExhaustedAt, IReadOnlyList<EnforcerReport> Enforcers, IReadOnlyList<ExposedAudience> Unproven, IReadOnlyList<string> Residual)
{
    public StopLevel Level => ExhaustedAt is not null ? StopLevel.Exhausted : EnforcedAt is not null ? StopLevel.Enforced : StopLevel.Nodes;
}

/// <summary>How far the stops of an incident, or one stop, have come. Never better than the one that has come least far.</summary>
/// <param name="Stops">Each, oldest first.</param>
/// <param name="SingleOperator">Whether one person may lift them: the registry was founded so.</param>
/// <param name="LeasesKnownFrom">Leases that were granted before this moment are taken to run for their whole length after it: the process was started then.</param>
public sealed record PropagationReport(IReadOnlyList<StopReport> Stops, bool SingleOperator, long LeasesKnownFrom)
{
    public StopLevel Level => Stops.Min(stop => stop.Level);
}
