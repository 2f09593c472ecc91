using System.Text;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Client;

/// <summary>What goes with one request: the key proof, and the credential that it is bound to when there is one.</summary>
internal readonly record struct RequestProof(string Proof, string? Credential);

/// <summary>Makes key proofs with one key. docs/formats.md, "Key proof".</summary>
internal sealed class ProofMaker(PrivateKey key, CredentialSource? credentials, TimeProvider clock)
{
    public async ValueTask<RequestProof> MakeAsync(string method, string url, string? nonce, string? bodyHash, CancellationToken cancellationToken)
    {
        var credential = credentials is null ? null : await credentials(cancellationToken).ConfigureAwait(false);
        var credentialHash = credential is null ? null : Sha256.Hash(Encoding.ASCII.GetBytes(credential)).ToBase64Url();
        var request = new RequestBinding(method, url, nonce, credentialHash, bodyHash);
        return new RequestProof(KeyProof.Create(key, request, clock.GetUtcNow()), credential);
    }
}
