using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Verification;

/// <summary>A credential that somebody presented, and that a key of the registry signed. Steps: docs/formats.md, "Verifying a credential".</summary>
public sealed class PresentedCredential
{
    // How far a verifier's clock may be behind the registry's.
    private const long NotBeforeLeewaySeconds = 5;

    // @context, created, cryptosuite, proofPurpose, proofValue, type, verificationMethod.
    private const int ProofMembers = 7;

    // All credentials that one key signed have one header.
    private static readonly RecentTexts<Header> Headers = new(places: 64, lengthMax: 512);

    private readonly ReadOnlyMemory<byte> _ascii;

    private PresentedCredential(CredentialClaims claims, KeyId issuerKeyId, ReadOnlyMemory<byte> ascii, Hash tokenHash)
    {
        _ascii = ascii;
        Claims = claims;
        IssuerKeyId = issuerKeyId;
        TokenHash = tokenHash;
        AuthorityHash = Envelope.AuthorityHash(claims.Envelope, claims.Act, claims.Certificate);
    }

    /// <summary>What the credential says.</summary>
    public CredentialClaims Claims { get; }

    /// <summary>The key of the registry that signed it. Whether it was in force at the credential's ledger index is for the caller to ask (step 5).</summary>
    public KeyId IssuerKeyId { get; }

    /// <summary>What the issuance item must say of the authority (step 6).</summary>
    public Hash AuthorityHash { get; }

    /// <summary>SHA-256 of what was presented: of the compact form, what the proof's <c>ath</c> must name (step 9).</summary>
    public Hash TokenHash { get; }

    /// <summary>What was presented: the compact form in ASCII, or the document.</summary>
    internal ReadOnlySpan<byte> Ascii => _ascii.Span;

    /// <summary>Steps 1 to 4. Whatever fails there has one name outside, <see cref="Refusal.CredentialInvalid"/>.</summary>
    /// <param name="token">What was presented.</param>
    /// <param name="registry">Whose credentials are accepted.</param>
    /// <param name="issuerKeys">Finds a key that signs, or ever signed, this registry's credentials. Null for any other id.</param>
    /// <param name="credential">The credential, when the answer is <see cref="Refusal.None"/>.</param>
    public static Refusal Read(TokenText token, RegistryName registry, Func<KeyId, PublicKey?> issuerKeys, out PresentedCredential? credential) =>
        Read(token, registry, issuerKeys, out credential, out _);

    /// <summary>The same, and for whoever runs the verifier at which step it failed.</summary>
    /// <param name="token">What was presented.</param>
    /// <param name="registry">Whose credentials are accepted.</param>
    /// <param name="issuerKeys">Finds a key that signs, or ever signed, this registry's credentials. Null for any other id.</param>
    /// <param name="credential">The credential, when the answer is <see cref="Refusal.None"/>.</param>
    /// <param name="flaw">Why it is none. Not for who presented it.</param>
    public static Refusal Read(TokenText token, RegistryName registry, Func<KeyId, PublicKey?> issuerKeys, out PresentedCredential? credential, out CredentialFlaw flaw)
    {
        flaw = TryRead(token, registry, issuerKeys, out credential);
        return flaw == CredentialFlaw.None ? Refusal.None : Refusal.CredentialInvalid;
    }

    private static CredentialFlaw TryRead(TokenText token, RegistryName registry, Func<KeyId, PublicKey?> issuerKeys, out PresentedCredential? credential)
    {
        credential = null;
        // 1. One form.
        if (!CompactJws.TrySplit(token, CredentialFormat.LengthMax, out var jws))
            return CredentialFlaw.Form;
        using (jws)
        {
            if (ReadHeader(jws, registry, out var issuerKeyId) is var header and not CredentialFlaw.None)
                return header;

            // 2. The key is the registry's own: what the token says about where to find keys is never followed.
            if (issuerKeys(issuerKeyId) is not { Algorithm: KeyAlgorithm.ES256 } issuerKey)
                return CredentialFlaw.Key;

            // 3. The signature covers the bytes received; encoding the parsed claims again would hide a second reading of them.
            if (!jws.IsSignedBy(issuerKey, out var tokenHash))
                return CredentialFlaw.Signature;

            // 4. Claims of the right types. After the signature, so that no stranger's JSON is looked at more closely than needed.
            if (!CredentialClaimsReader.TryRead(jws.PayloadJson, registry, out var claims))
                return CredentialFlaw.Claims;

            credential = new PresentedCredential(claims, issuerKeyId, jws.Ascii, tokenHash);
            return CredentialFlaw.None;
        }
    }

    /// <summary>Steps 1 to 4 for the form with an embedded proof. docs/formats.md, "Credential with an embedded proof".</summary>
    /// <param name="document">What was presented: JSON, spelled in any way.</param>
    /// <param name="registry">Whose credentials are accepted.</param>
    /// <param name="proofKeys">Finds a key that signs, or ever signed, this registry's embedded proofs. Null for any other id.</param>
    /// <param name="now">The reader's clock.</param>
    /// <param name="credential">The credential, when the answer is <see cref="Refusal.None"/>.</param>
    public static Refusal ReadDocument(ReadOnlyMemory<byte> document, RegistryName registry, Func<KeyId, PublicKey?> proofKeys, DateTimeOffset now, out PresentedCredential? credential)
    {
        credential = null;
        if (document.Length > CredentialFormat.LengthMax || !StrictJson.TryParseObject(document, out var json))
            return Refusal.CredentialInvalid;
        using (json)
        {
            var root = json.RootElement;
            if (!root.TryGetMember("proof"u8, out var proof) || !TryReadMethod(proof, registry, out var keyId) || proofKeys(keyId) is not { } key
                || IntegrityProof.Check(root, proof, key, IntegrityProof.AssertionMethod, now) != IntegrityRefusal.None
                || !Jcs.TryCanonicalize(root, out var canonical) || !CredentialClaimsReader.TryRead(Encoding.UTF8.GetBytes(canonical), registry, out var claims))
                return Refusal.CredentialInvalid;
            credential = new PresentedCredential(claims, keyId, document.ToArray(), Sha256.Hash(document.Span));
            return Refusal.None;
        }
    }

    /// <summary>Step 7. Expiry is exclusive: at <c>exp</c> the credential is already refused.</summary>
    public static Refusal CheckTimes(CredentialClaims claims, DateTimeOffset now)
    {
        var seconds = now.ToUnixTimeSeconds();
        if (claims.NotBefore > seconds + NotBeforeLeewaySeconds)
            return Refusal.CredentialNotYetValid;
        return seconds >= claims.ExpiresAt ? Refusal.CredentialExpired : Refusal.None;
    }

    /// <summary>Step 8.</summary>
    public static Refusal CheckAudience(CredentialClaims claims, string audience) =>
        claims.Audience.Contains(audience) ? Refusal.None : Refusal.AudienceMismatch;

    /// <summary>Step 9, its first part: a credential that is bound to a client certificate (RFC 8705) is good on a connection that has shown it, and on no other.</summary>
    /// <param name="claims">The credential's.</param>
    /// <param name="certificate">SHA-256 of the client certificate of the connection, in DER; null when it has shown none.</param>
    public static Refusal CheckCertificate(CredentialClaims claims, Hash? certificate) =>
        claims.Certificate is null || claims.Certificate == certificate ? Refusal.None : Refusal.CertificateMismatch;

    private static CredentialFlaw ReadHeader(CompactJws jws, RegistryName registry, out KeyId issuerKeyId)
    {
        if (Headers.Find(jws.HeaderText) is { } known && ReferenceEquals(known.Registry, registry))
        {
            issuerKeyId = known.IssuerKeyId;
            return CredentialFlaw.None;
        }
        issuerKeyId = default;
        if (!jws.TryReadHeader(out var header) || !IsHeader(header, out var kid))
            return CredentialFlaw.Form;
        if (!registry.TryParseKeyUrl(kid, out issuerKeyId))
            return CredentialFlaw.Key;
        Headers.Add(jws.HeaderText, new Header(registry, issuerKeyId));
        return CredentialFlaw.None;
    }

    private static bool IsHeader(JsonElement header, out string kid)
    {
        kid = "";
        return header.GetPropertyCount() == 4
            && header.HasText("alg"u8, CredentialFormat.Algorithm)
            && header.HasText("typ"u8, CredentialFormat.Type)
            && header.HasText("cty"u8, CredentialFormat.ContentType)
            && header.TryGetText("kid"u8, int.MaxValue, out kid);
    }

    // Exactly the proof that we make: its contexts are those that the claims must have, and what else somebody signs with a proof we would not understand.
    private static bool TryReadMethod(JsonElement proof, RegistryName registry, out KeyId keyId)
    {
        keyId = default;
        return proof.TryGetText("verificationMethod"u8, int.MaxValue, out var method)
            && registry.TryParseKeyUrl(method, out keyId)
            && proof.GetPropertyCount() == ProofMembers
            && proof.HasTexts("@context"u8, CredentialFormat.BaseContext, CredentialFormat.OwnContext)
            && proof.TryGetMember("created"u8, out _);
    }

    private sealed record Header(RegistryName Registry, KeyId IssuerKeyId);
}
