namespace AgentIdentity.Client;

/// <summary>Gives a credential that is good now, for example <see cref="CredentialKeeper.GetAsync"/>.</summary>
public delegate ValueTask<string> CredentialSource(CancellationToken cancellationToken);
