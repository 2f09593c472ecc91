using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Watching;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc;

/// <summary>How far stops have come, as it goes over the wire.</summary>
internal static class PropagationAnswers
{
    public static Wire.PropagationResponse Propagation(this RegistryNode registry, PropagationReport report) => new()
    {
        Level = Level(report.Level),
        Stops = { report.Stops.Select(stop => Stop(registry, stop)) },
        SingleOperator = report.SingleOperator,
        LeasesKnownFrom = report.LeasesKnownFrom,
        At = registry.At(),
    };

    /// <summary>Whether nothing has happened between the two: a lease that goes on is not news.</summary>
    public static bool IsSameAs(this Wire.PropagationResponse one, Wire.PropagationResponse other) => Settled(one).Equals(Settled(other));

    private static Wire.PropagationResponse Settled(Wire.PropagationResponse answer)
    {
        var settled = answer.Clone();
        settled.At = null;
        foreach (var enforcer in settled.Stops.SelectMany(stop => stop.Enforcers))
            enforcer.LeaseUntil = 0;
        // They name times that move with the leases; what else they say follows from the rest.
        foreach (var stop in settled.Stops)
            stop.Residual.Clear();
        return settled;
    }

    private static Wire.StopPropagation Stop(RegistryNode registry, StopReport report)
    {
        var (stop, denial) = (report.Stop, report.Stop.Denial);
        return new Wire.StopPropagation
        {
            Stop = ToWire.Stop(registry, stop),
            Level = Level(report.Level),
            RecordedAt = stop.At,
            NodesAt = stop.At,
            EnforcedAt = report.EnforcedAt ?? 0,
            ExhaustedAt = report.ExhaustedAt ?? 0,
            AgentsBelow = (ulong)denial.Agents.Count,
            CredentialsBelow = (ulong)stop.CredentialsBelow,
            LiveCredentials = (ulong)stop.Exposure.Credentials,
            Enforcers = { report.Enforcers.Select(Enforcer) },
            Unproven = { report.Unproven.Select(audience => new Wire.UnprovenAudience { Audience = audience.Audience, Until = audience.Until }) },
            Residual = { report.Residual },
        };
    }

    private static Wire.EnforcerPropagation Enforcer(EnforcerReport report) => new()
    {
        Name = report.Enforcer.Name,
        CallerId = ToWire.Bytes(report.Enforcer.Id.ToArray()),
        Audiences = { report.Enforcer.Audiences },
        Progress = Progress(report.Progress),
        ProgressedAt = report.At,
        Epoch = report.Signed?.Epoch ?? 0,
        LedgerIndex = report.Signed?.Index.Value ?? 0,
        Needed = report.IsNeeded,
        OfCallee = report.IsOfCallee,
        LeaseUntil = report.LeaseUntil,
        Unlogged = report.Unlogged,
        Probe = Probe(report.Probe),
        ProbeRefusal = report.ProbeRefusal == Refusal.None ? "" : report.ProbeRefusal.Name(),
        RevokersDone = report.Revokers?.Done ?? 0,
        RevokersFailed = report.Revokers?.Failed ?? 0,
        Alarms = { report.Alarms.Select(alarm => new Wire.RaisedAlarm { Name = alarm.Name, Detail = alarm.Detail, RaisedAt = alarm.RaisedAt, LedgerIndex = alarm.Index.Value }) },
    };

    private static Wire.ProbeSeen Probe(ProbeSeen seen) => seen switch
    {
        ProbeSeen.NoProbe => Wire.ProbeSeen.NoProbe,
        ProbeSeen.Unanswered => Wire.ProbeSeen.Unanswered,
        ProbeSeen.Refused => Wire.ProbeSeen.ProbeRefused,
        ProbeSeen.RefusedBefore => Wire.ProbeSeen.RefusedBefore,
        ProbeSeen.LetIn => Wire.ProbeSeen.LetIn,
        _ => throw new InvalidOperationException($"No wire value for {seen}."),
    };

    private static Wire.StopLevel Level(StopLevel level) => level switch
    {
        StopLevel.Recorded => Wire.StopLevel.Recorded,
        StopLevel.Nodes => Wire.StopLevel.Nodes,
        StopLevel.Enforced => Wire.StopLevel.Enforced,
        StopLevel.Exhausted => Wire.StopLevel.Exhausted,
        _ => throw new InvalidOperationException($"No wire value for the level {level}."),
    };

    private static Wire.EnforcerProgress Progress(EnforcerProgress progress) => progress switch
    {
        EnforcerProgress.Acknowledged => Wire.EnforcerProgress.Acknowledged,
        EnforcerProgress.LeaseOver => Wire.EnforcerProgress.LeaseOver,
        EnforcerProgress.Lagging => Wire.EnforcerProgress.Lagging,
        EnforcerProgress.Silent => Wire.EnforcerProgress.Silent,
        EnforcerProgress.Observing => Wire.EnforcerProgress.Observing,
        EnforcerProgress.Lying => Wire.EnforcerProgress.Lying,
        _ => throw new InvalidOperationException($"No wire value for {progress}."),
    };
}
