using System.Diagnostics.CodeAnalysis;
using System.Text;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Proofs;

/// <summary>A proof that whoever enrols holds both the token and the key. docs/formats.md, "Enrolment proof".</summary>
public sealed class EnrolmentProof
{
    /// <summary>How far the proof's time may lie from the registry's.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(300);

    private const string Type = "agentid-enrol+jwt";

    private EnrolmentProof(PublicKey key, string challenge)
    {
        Key = key;
        Challenge = challenge;
    }

    /// <summary>The agent's key.</summary>
    public PublicKey Key { get; }

    /// <summary>The nonce: the challenge that the registry gave out, for the registry to recognise.</summary>
    public string Challenge { get; }

    /// <summary>Makes a proof.</summary>
    /// <param name="key">The agent's key.</param>
    /// <param name="publicUrl">The registry's public URL.</param>
    /// <param name="challenge">What the registry answered to BeginEnroll.</param>
    /// <param name="tokenHash">SHA-256 of the enrolment token.</param>
    /// <param name="now">The agent's clock.</param>
    public static string Create(PrivateKey key, string publicUrl, string challenge, Hash tokenHash, DateTimeOffset now)
    {
        var claims = new StringBuilder("{\"aud\":").AppendString(publicUrl).Append($",\"iat\":{now.ToUnixTimeSeconds()},\"nonce\":").AppendString(challenge);
        return JwkSignedToken.Sign(Type, claims.Append($",\"token_hash\":\"{tokenHash.ToBase64Url()}\"}}").ToString(), key);
    }

    /// <summary>Reads a proof for this registry and token. Whether the challenge is a good one is asked of the result.</summary>
    public static Refusal Read(string? proof, string publicUrl, Hash tokenHash, DateTimeOffset now, out EnrolmentProof? presented)
    {
        presented = null;
        if (string.IsNullOrEmpty(proof))
            return Refusal.ProofMissing;
        if (!JwkSignedToken.TryRead(proof, Type, out var jws, out var key))
            return Refusal.ProofInvalid;
        using (jws)
        {
            var claims = jws.Payload;
            if (!claims.HasText("aud"u8, publicUrl) || !claims.HasHash("token_hash"u8, tokenHash)
                || !claims.TryGetText("nonce"u8, int.MaxValue, out var challenge)
                || !claims.TryGetInteger("iat"u8, NumericDate.Max, out var issuedAt))
                return Refusal.ProofInvalid;
            if ((now - DateTimeOffset.FromUnixTimeSeconds(issuedAt)).Duration() > Window)
                return Refusal.ProofStale;
            presented = new EnrolmentProof(key, challenge);
            return Refusal.None;
        }
    }

    /// <summary>Reads a proof that an enrolment entry keeps. The token is a secret and only its hash is there; whether the proof came in time was asked when it came.</summary>
    public static bool TryReadKept(string? proof, string publicUrl, [NotNullWhen(true)] out PublicKey? key, out Hash tokenHash)
    {
        tokenHash = default;
        if (!JwkSignedToken.TryRead(proof, Type, out var jws, out key))
            return false;
        using (jws)
        {
            Span<byte> hash = stackalloc byte[Hash.Size];
            var claims = jws.Payload;
            if (!claims.HasText("aud"u8, publicUrl) || !claims.TryGetBytes("token_hash"u8, hash))
                return false;
            tokenHash = Hash.Read(hash);
            return claims.TryGetText("nonce"u8, int.MaxValue, out _) && claims.TryGetInteger("iat"u8, NumericDate.Max, out _);
        }
    }
}
