using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Verification;

namespace AgentIdentity.Client.Enforcing;

/// <summary>One use of authority, held against the envelope.</summary>
/// <param name="Type">Of the item in the envelope.</param>
/// <param name="Action">What is done.</param>
/// <param name="Location">What it is done to.</param>
public readonly record struct AskedAction(string Type, string Action, string Location);

/// <summary>Yes or no, and why.</summary>
/// <param name="IsAllowed">Whether to let the agent in.</param>
/// <param name="Refusal">Why not. An enforcer that only observes allows, and names here what it would refuse for.</param>
/// <param name="RelyUntil">When allowed: do not rely on it after that. Never beyond the lease or the credential.</param>
/// <param name="Epoch">The epoch that was gone by.</param>
/// <param name="Presented">The credential, once its signature was good.</param>
public readonly record struct Decision(bool IsAllowed, Refusal Refusal, DateTimeOffset RelyUntil, ulong Epoch, PresentedCredential? Presented);
