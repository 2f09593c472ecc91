using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Verifying;

/// <summary>Reads what is presented as a credential of this registry, and counts at which step it failed: outward that has one name, and operators see which it was.</summary>
public sealed class CredentialReader(RegistrySettings settings, RegistryState state)
{
    private readonly long[] _failed = new long[Enum.GetValues<CredentialFlaw>().Length];

    /// <summary>Steps 1 to 4 of docs/formats.md, "Verifying a credential".</summary>
    public Refusal Read(TokenText token, out PresentedCredential? credential)
    {
        var refusal = PresentedCredential.Read(token, settings.Name, state.IssuerKeys.Find, out credential, out var flaw);
        if (refusal != Refusal.None)
            Interlocked.Increment(ref _failed[(int)flaw]);
        return refusal;
    }

    /// <summary>How many failed so since the start.</summary>
    public long Failed(CredentialFlaw flaw) => Interlocked.Read(ref _failed[(int)flaw]);
}
