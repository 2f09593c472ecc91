namespace AgentIdentity.AspNetCore;

/// <summary>What an endpoint does, as envelopes name it: the credential must cover it. Stands in the endpoint's metadata.</summary>
public sealed record AgentAction(string Type, string Action, string Location);
