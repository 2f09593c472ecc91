namespace AgentIdentity.Registry.State;

/// <summary>What was stored contradicts itself or what was signed. The registry does not start on it, and does not go on with it.</summary>
public sealed class LedgerDamagedException(string message) : Exception(message);
