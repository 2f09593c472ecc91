namespace AgentIdentity.Credentials.Verification;

/// <summary>At which step a credential failed before it was known for genuine (docs/formats.md, "Verifying a credential", 1 to 4). For whoever runs the verifier: who presented it is told <see cref="Refusal.CredentialInvalid"/>, whichever it was.</summary>
public enum CredentialFlaw
{
    /// <summary>It is genuine.</summary>
    None = 0,

    /// <summary>1. It has not the form of a credential.</summary>
    Form,

    /// <summary>2. It names no key that has signed credentials of this registry.</summary>
    Key,

    /// <summary>3. The signature is not that key's over these bytes.</summary>
    Signature,

    /// <summary>4. What the key has signed are no claims of a credential.</summary>
    Claims,
}
