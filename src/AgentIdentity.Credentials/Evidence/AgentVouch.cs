using System.Text;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Evidence;

/// <summary>What an agent signs to vouch for the key of another that enrols. docs/formats.md, "Evidence".</summary>
/// <param name="By">The key of the agent that vouches.</param>
/// <param name="Hash">SHA-256 of what was signed.</param>
/// <param name="ExpiresAt">When it ends, in seconds since 1970.</param>
public sealed record AgentVouch(PublicKey By, Hash Hash, long ExpiresAt)
{
    /// <summary>How far the vouch's time may lie from the registry's.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(300);

    /// <summary>The type of authority that an agent needs, with <see cref="Action"/> and the blueprint as location, in its maximum envelope.</summary>
    public const string AuthorityType = "agentidentity";

    /// <summary>What it must be allowed to do.</summary>
    public const string Action = "vouch";

    private const string Type = "agentid-vouch+jwt";

    /// <summary>Makes a vouch.</summary>
    /// <param name="key">The key of the agent that vouches.</param>
    /// <param name="publicUrl">The registry's public URL.</param>
    /// <param name="newcomer">The key that enrols.</param>
    /// <param name="tokenHash">SHA-256 of the enrolment token.</param>
    /// <param name="now">The agent's clock.</param>
    public static string Create(PrivateKey key, string publicUrl, KeyId newcomer, Hash tokenHash, DateTimeOffset now)
    {
        var claims = new StringBuilder("{\"aud\":").AppendString(publicUrl);
        claims.Append($",\"iat\":{now.ToUnixTimeSeconds()},\"jkt\":\"{newcomer}\",\"token_hash\":\"{tokenHash.ToBase64Url()}\"}}");
        return JwkSignedToken.Sign(Type, claims.ToString(), key);
    }

    /// <summary>Whether the text says that it is a vouch; anybody can say so.</summary>
    public static bool IsOne(string text) => EvidenceText.TypeOf(text) == Type;

    /// <summary>Reads a vouch for this registry, token and newcomer. In the order of docs/formats.md, "Evidence", from 2 to 7.</summary>
    /// <param name="text">As it was sent.</param>
    /// <param name="isAgents">Whether a key is an agent's.</param>
    /// <param name="publicUrl">The registry's public URL.</param>
    /// <param name="newcomer">The key that enrols.</param>
    /// <param name="tokenHash">SHA-256 of the enrolment token.</param>
    /// <param name="now">The registry's clock.</param>
    /// <param name="vouch">The vouch, when the answer is <see cref="Refusal.None"/>.</param>
    public static Refusal Read(string text, Func<KeyId, bool> isAgents, string publicUrl, KeyId newcomer, Hash tokenHash, DateTimeOffset now, out AgentVouch? vouch)
    {
        vouch = null;
        if (!JwkSignedToken.TryRead(text, Type, out var jws, out var key, isVerified: false))
            return Refusal.EvidenceMalformed;
        using (jws)
        {
            var claims = jws.Payload;
            if (!claims.TryGetInteger("iat"u8, NumericDate.Max, out var issuedAt))
                return Refusal.EvidenceMalformed;
            if (!isAgents(key.KeyId))
                return Refusal.EvidenceIssuerUnknown;
            if (!jws.IsSignedBy(key))
                return Refusal.EvidenceSignatureInvalid;
            if (!claims.HasText("aud"u8, publicUrl))
                return Refusal.EvidenceAudienceMismatch;
            var age = now - DateTimeOffset.FromUnixTimeSeconds(issuedAt);
            if (age.Duration() > Window)
                return age > TimeSpan.Zero ? Refusal.EvidenceExpired : Refusal.EvidenceNotYetValid;
            if (!claims.HasText("jkt"u8, newcomer.ToString()) || !claims.HasHash("token_hash"u8, tokenHash))
                return Refusal.EvidenceUnbound;
            vouch = new AgentVouch(key, Sha256.Hash(jws.SigningInput), issuedAt + (long)Window.TotalSeconds);
            return Refusal.None;
        }
    }
}
