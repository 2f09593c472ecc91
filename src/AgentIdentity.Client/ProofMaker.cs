using System.Text;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Client;

/// <summary>What goes with one request: the key proof, and the credential that it is bound to when there is one.</summary>
internal readonly record struct RequestProof(string Proof, string? Credential);

/// <summary>Makes key proofs, with one key or with whichever is the agent's at the moment. docs/formats.md, "Key proof".</summary>
internal sealed class ProofMaker(HeldIdentitySource identities, TimeProvider clock)
{
    public ProofMaker(PrivateKey key, CredentialSource? credentials, TimeProvider clock)
        : this(async cancellationToken => new HeldIdentity(key, credentials is null ? null : await credentials(cancellationToken).ConfigureAwait(false)), clock)
    {
    }

    public async ValueTask<RequestProof> MakeAsync(string method, string url, string? nonce, string? bodyHash, CancellationToken cancellationToken)
    {
        var (key, credential) = await identities(cancellationToken).ConfigureAwait(false);
        var credentialHash = credential is null ? null : Sha256.Hash(Encoding.ASCII.GetBytes(credential)).ToBase64Url();
        var request = new RequestBinding(method, url, nonce, credentialHash, bodyHash);
        return new RequestProof(KeyProof.Create(key, request, clock.GetUtcNow()), credential);
    }
}
