using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Proofs;

/// <summary>The request that a key proof is made for. docs/formats.md, "Key proof".</summary>
/// <param name="Method">The HTTP method; <c>POST</c> over gRPC.</param>
/// <param name="Url">The target, without query and fragment.</param>
/// <param name="Nonce">The verifier's nonce. Null for a verifier that looks at the proof's nonce itself.</param>
/// <param name="CredentialHash">base64url SHA-256 of the credential presented with the proof (<c>ath</c>). Null when none is: then the proof must name none.</param>
/// <param name="BodyHash">base64url SHA-256 of the message (<c>body_sha256</c>). Null for a verifier that does not ask for it.</param>
public sealed record RequestBinding(string Method, string Url, string? Nonce = null, string? CredentialHash = null, string? BodyHash = null)
{
    /// <summary>SHA-256 of the client certificate that the request's connection has shown, in DER. A proof says nothing of it; a credential may be bound to it.</summary>
    public Hash? Certificate { get; init; }
}
