using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Client;

/// <summary>Gives a credential that is good now, for example <see cref="CredentialKeeper.GetAsync"/>.</summary>
public delegate ValueTask<string> CredentialSource(CancellationToken cancellationToken);

/// <summary>A key, and a credential that is bound to it when there is one.</summary>
public readonly record struct HeldIdentity(PrivateKey Key, string? Credential)
{
    /// <summary>Which key it is, and not what is presented: this may stand in a log.</summary>
    public override string ToString() => $"key {Key.PublicKey.KeyId}";
}

/// <summary>Gives the agent's key of now together with a good credential for it, for example <see cref="RotatingKeeper.GetAsync"/>.</summary>
public delegate ValueTask<HeldIdentity> HeldIdentitySource(CancellationToken cancellationToken);
