using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Issuing;
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

    private EnrolmentProof(PublicKey key, string challenge, IReadOnlyList<KeyValuePair<string, string>> labels, Hash? evidence)
    {
        Key = key;
        Challenge = challenge;
        Labels = labels;
        EvidenceHash = evidence;
    }

    /// <summary>The agent's key.</summary>
    public PublicKey Key { get; }

    /// <summary>The nonce: the challenge that the registry gave out, for the registry to recognise.</summary>
    public string Challenge { get; }

    /// <summary>What the agent says of itself, ascending by name. Whether it may is asked of the result.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Labels { get; }

    /// <summary>The evidence that the key claims; null when it claims none.</summary>
    public Hash? EvidenceHash { get; }

    /// <summary>Makes a proof.</summary>
    /// <param name="key">The agent's key.</param>
    /// <param name="publicUrl">The registry's public URL.</param>
    /// <param name="challenge">What the registry answered to BeginEnroll.</param>
    /// <param name="tokenHash">SHA-256 of the enrolment token.</param>
    /// <param name="now">The agent's clock.</param>
    /// <param name="labels">What the agent says of itself; names are distinct.</param>
    /// <param name="evidence">What the evidence hashes to that is sent along; null for none.</param>
    public static string Create(
        PrivateKey key, string publicUrl, string challenge, Hash tokenHash, DateTimeOffset now, IReadOnlyList<KeyValuePair<string, string>>? labels = null, Hash? evidence = null)
    {
        var claims = new StringBuilder("{\"aud\":").AppendString(publicUrl);
        if (evidence is { } hash)
            claims.Append($",\"evidence_hash\":\"{hash.ToBase64Url()}\"");
        claims.Append($",\"iat\":{now.ToUnixTimeSeconds()}").AppendLabels("labels", labels ?? []);
        claims.Append(",\"nonce\":").AppendString(challenge);
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
                || !LabelsObject.TryRead(claims, "labels"u8, out var labels)
                || !TryReadEvidence(claims, out var evidence)
                || !claims.TryGetInteger("iat"u8, NumericDate.Max, out var issuedAt))
                return Refusal.ProofInvalid;
            if ((now - DateTimeOffset.FromUnixTimeSeconds(issuedAt)).Duration() > Window)
                return Refusal.ProofStale;
            presented = new EnrolmentProof(key, challenge, InOrder(labels), evidence);
            return Refusal.None;
        }
    }

    /// <summary>Whether an enrolment entry keeps a proof of the key that it names, for this registry, and has the labels that were signed. The token is a secret and only its hash is there; whether the proof came in time was asked when it came.</summary>
    public static bool IsKeptBy(AgentEnrolled enrolled, string publicUrl, out Hash tokenHash)
    {
        tokenHash = default;
        if (!JwkSignedToken.TryRead(enrolled.Proof, Type, out var jws, out var key))
            return false;
        using (jws)
        {
            Span<byte> hash = stackalloc byte[Hash.Size];
            var claims = jws.Payload;
            if (!claims.HasText("aud"u8, publicUrl) || !claims.TryGetBytes("token_hash"u8, hash) || !LabelsObject.TryRead(claims, "labels"u8, out var labels))
                return false;
            tokenHash = Hash.Read(hash);
            return key.KeyId == enrolled.Key.KeyId && InOrder(labels).SequenceEqual(enrolled.Grant.StatedLabels)
                && claims.TryGetText("nonce"u8, int.MaxValue, out _) && claims.TryGetInteger("iat"u8, NumericDate.Max, out _);
        }
    }

    /// <summary>Whether an entry about evidence keeps a proof of the agent's key that claims it.</summary>
    public static bool IsKeptBy(EvidenceAccepted accepted, PublicKey key, string publicUrl)
    {
        if (!JwkSignedToken.TryRead(accepted.Proof, Type, out var jws, out var signer))
            return false;
        using (jws)
            return signer.KeyId == key.KeyId && jws.Payload.HasText("aud"u8, publicUrl) && jws.Payload.HasHash("evidence_hash"u8, accepted.Hash);
    }

    private static bool TryReadEvidence(JsonElement claims, out Hash? evidence)
    {
        evidence = null;
        if (!claims.TryGetMember("evidence_hash"u8, out _))
            return true;
        var isHash = claims.TryGetHash("evidence_hash"u8, out var hash);
        evidence = hash;
        return isHash;
    }

    private static KeyValuePair<string, string>[] InOrder(IReadOnlyList<KeyValuePair<string, string>> labels) => [.. labels.OrderBy(label => label.Key, StringComparer.Ordinal)];
}
