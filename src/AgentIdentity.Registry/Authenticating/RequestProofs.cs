using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Authenticating;

/// <summary>Checks the key proofs that come with requests to this registry, and uses each of them up.</summary>
/// <remarks>Operators' proofs are remembered apart: what everybody else sends cannot fill the memory that a stop needs.</remarks>
public sealed class RequestProofs(RegistryState state, Standing standing, BootNonces nonces, ReplayStore replays, ReplayStore operatorReplays, TimeProvider clock)
{
    /// <summary>
    /// Whose key signed this request. <see cref="Refusal.UseDpopNonce"/> asks for the same with a nonce of ours.
    /// </summary>
    /// <param name="proof">The <c>dpop</c> metadata.</param>
    /// <param name="url">Public URL and method: what <c>htu</c> must name.</param>
    /// <param name="credentialHash">base64url SHA-256 of the credential beside it, or null.</param>
    /// <param name="bodyHash">base64url SHA-256 of the message when its signature is demanded, or null.</param>
    public Outcome<PresentedProof> Check(string proof, string url, string? credentialHash, string? bodyHash)
    {
        var refusal = KeyProof.Read(proof, clock.GetUtcNow(), out var presented);
        if (refusal != Refusal.None)
            return Refused.Because(refusal, "The key proof is not a good one: docs/formats.md, \"Key proof\".");
        if (!nonces.IsGood(presented!.Nonce))
            return Refused.Because(Refusal.UseDpopNonce, "The key proof must carry the nonce that comes with this answer.");
        refusal = presented.Matches(new RequestBinding("POST", url, null, credentialHash, bodyHash));
        if (refusal != Refusal.None)
            return Refused.Because(refusal, $"The key proof is for another request than POST {url}.");
        // Before it is remembered: a stranger with any key could otherwise fill the memory for everybody.
        if (standing.OfCaller(presented.Key.KeyId) is { } unserved)
            return unserved;
        refusal = (state.FindCaller(presented.Key.KeyId) is { Role: CallerRole.Operator } ? operatorReplays : replays).Burn(presented);
        return refusal == Refusal.None ? presented : Refused.Because(refusal, "The key proof cannot be used: each serves once.");
    }
}
