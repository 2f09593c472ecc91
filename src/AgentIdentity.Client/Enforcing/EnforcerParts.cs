namespace AgentIdentity.Client.Enforcing;

/// <summary>What decisions and the watch share.</summary>
internal sealed record EnforcerParts(HeldStops Stops, Lease Lease, LiveSessions Sessions, AcceptedCredentials Accepted, DecisionChain Decisions, AlarmReports Alarms);
