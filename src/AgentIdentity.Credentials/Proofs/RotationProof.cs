using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Proofs;

/// <summary>What a key signs when an agent is given another one: by itself together with the other key, or alone under a token that was handed out for that. docs/formats.md, "Rotation proof".</summary>
/// <param name="Key">The key that signs.</param>
/// <param name="Agent">Whose key is rotated.</param>
/// <param name="Challenge">What the registry gave out, for the registry to recognise.</param>
/// <param name="Other">The other key; null when there is a token.</param>
/// <param name="TokenHash">SHA-256 of the token; null when there is another key.</param>
public sealed record RotationProof(PublicKey Key, SubjectId Agent, string Challenge, KeyId? Other, Hash? TokenHash)
{
    private const string Type = "agentid-rotate+jwt";

    /// <summary>Makes the proof of one of two keys of which one takes the place of the other.</summary>
    public static string Create(PrivateKey key, SubjectId agent, string publicUrl, string challenge, KeyId other, DateTimeOffset now) =>
        JwkSignedToken.Sign(Type, Claims(agent, publicUrl, now).Append($",\"jkt\":\"{other}\",\"nonce\":").AppendString(challenge).Append('}').ToString(), key);

    /// <summary>Makes the proof of a new key that a token lets in.</summary>
    public static string Create(PrivateKey key, SubjectId agent, string publicUrl, string challenge, Hash tokenHash, DateTimeOffset now) =>
        JwkSignedToken.Sign(Type, Claims(agent, publicUrl, now).Append(",\"nonce\":").AppendString(challenge).Append($",\"token_hash\":\"{tokenHash.ToBase64Url()}\"}}").ToString(), key);

    /// <summary>Reads a proof for this registry. Whether the challenge is a good one, and the keys are whose they should be, is asked of the result.</summary>
    public static Refusal Read(string? proof, string publicUrl, DateTimeOffset now, out RotationProof? presented)
    {
        if (!TryRead(proof, publicUrl, out presented, out var issuedAt))
            return string.IsNullOrEmpty(proof) ? Refusal.ProofMissing : Refusal.ProofInvalid;
        return (now - DateTimeOffset.FromUnixTimeSeconds(issuedAt)).Duration() > EnrolmentProof.Window ? Refusal.ProofStale : Refusal.None;
    }

    /// <summary>Whether an entry keeps the proofs that it needs: of the new key, and of the key that ends unless there is an order with this token. Whether they came in time was asked when they came.</summary>
    public static bool AreKeptBy(AgentKeyRotated rotated, PublicKey retired, Hash? orderedToken, string publicUrl)
    {
        if (rotated.Retired != retired.KeyId || !TryRead(rotated.Proof, publicUrl, out var made, out _) || made.Key.KeyId != rotated.Key.KeyId || made.Agent != rotated.AgentId)
            return false;
        return rotated.Order is not null
            ? made.TokenHash is { } hash && hash == orderedToken
            : TryRead(rotated.Consent, publicUrl, out var consent, out _) && made.IsOtherOf(consent) && consent.Key.KeyId == rotated.Retired;
    }

    /// <summary>Whether this and another proof are about the same agent, and each names the other's key.</summary>
    public bool IsOtherOf(RotationProof proof) => Agent == proof.Agent && Other == proof.Key.KeyId && proof.Other == Key.KeyId;

    private static StringBuilder Claims(SubjectId agent, string publicUrl, DateTimeOffset now) =>
        new StringBuilder($"{{\"agent\":\"{agent}\",\"aud\":").AppendString(publicUrl).Append($",\"iat\":{now.ToUnixTimeSeconds()}");

    private static bool TryRead(string? proof, string publicUrl, [NotNullWhen(true)] out RotationProof? presented, out long issuedAt)
    {
        (presented, issuedAt) = (null, 0);
        if (!JwkSignedToken.TryRead(proof, Type, out var jws, out var key))
            return false;
        using (jws)
        {
            var claims = jws.Payload;
            if (claims.GetPropertyCount() != 5 || !claims.HasText("aud"u8, publicUrl) || !claims.TryGetInteger("iat"u8, NumericDate.Max, out issuedAt)
                || !claims.TryGetText("nonce"u8, int.MaxValue, out var challenge)
                || !claims.TryGetText("agent"u8, int.MaxValue, out var id) || !SubjectId.TryParse(id, out var agent))
                return false;
            var (other, token) = (HashOf(claims, "jkt"u8), HashOf(claims, "token_hash"u8));
            presented = new RotationProof(key, agent, challenge, other is { } held ? new KeyId(held) : null, token);
            return other is not null || token is not null;
        }
    }

    private static Hash? HashOf(JsonElement claims, ReadOnlySpan<byte> name)
    {
        Span<byte> hash = stackalloc byte[Hash.Size];
        return claims.TryGetBytes(name, hash) ? Hash.Read(hash) : null;
    }
}
