using System.Security.Cryptography;
using System.Text;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Proofs;

/// <summary>A proof that the caller holds a key, for one request (DPoP, RFC 9449). docs/formats.md, "Key proof".</summary>
public static class KeyProof
{
    /// <summary>How far the proof's time may lie from the verifier's.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(60);

    private const string Type = "dpop+jwt";
    private const int JtiSize = 16;

    /// <summary>Makes a proof with a random <c>jti</c>.</summary>
    public static string Create(PrivateKey key, RequestBinding request, DateTimeOffset now) =>
        Create(key, request, now, CanonicalBase64Url.Encode(RandomNumberGenerator.GetBytes(JtiSize)));

    internal static string Create(PrivateKey key, RequestBinding request, DateTimeOffset now, string jti) =>
        JwkSignedToken.Sign(Type, Claims(request, now, jti), key);

    // In JCS order.
    internal static string Claims(RequestBinding request, DateTimeOffset now, string jti)
    {
        var text = new StringBuilder("{", 512);
        text.AppendOptional("ath", request.CredentialHash).AppendOptional("body_sha256", request.BodyHash);
        text.Append("\"htm\":").AppendString(request.Method).Append(",\"htu\":").AppendString(request.Url);
        text.Append($",\"iat\":{now.ToUnixTimeSeconds()},\"jti\":").AppendString(jti);
        if (request.Nonce is not null)
            text.Append(",\"nonce\":").AppendString(request.Nonce);
        return text.Append('}').ToString();
    }

    /// <summary>Reads a proof: its form, its signature by its own key, and its time. Whose key it is, and for which request, is asked of the result.</summary>
    /// <param name="proof">What was presented.</param>
    /// <param name="now">The verifier's clock, which must not go back while the process lives: see <see cref="ReplayStore"/>.</param>
    /// <param name="presented">The proof, when the answer is <see cref="Refusal.None"/>.</param>
    public static Refusal Read(TokenText proof, DateTimeOffset now, out PresentedProof? presented)
    {
        presented = null;
        if (proof.Length == 0)
            return Refusal.ProofMissing;
        if (!JwkSignedToken.TryReadSigned(proof, Type, out var jws, out var key))
            return Refusal.ProofInvalid;
        using (jws)
        {
            if (!KeyProofClaims.TryRead(jws, out var claims))
                return Refusal.ProofInvalid;
            if ((now - claims.IssuedAt).Duration() > Window)
                return Refusal.ProofStale;
            presented = new PresentedProof(key, claims);
            return Refusal.None;
        }
    }

    private static StringBuilder AppendOptional(this StringBuilder text, string name, string? value) =>
        value is null ? text : text.Append($"\"{name}\":").AppendString(value).Append(',');
}
