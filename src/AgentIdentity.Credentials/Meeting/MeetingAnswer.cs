using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Status;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Meeting;

/// <summary>What an agent answers to a challenge: its credential, the registry's word of the last minute that it is not stopped, and a proof of its key over both. docs/formats.md, "Friend or foe".</summary>
public static class MeetingAnswer
{
    /// <summary>The longest answer.</summary>
    public const int LengthMax = 262_144;

    private const string Type = "agentid-answer+jwt";

    /// <summary>Makes an answer.</summary>
    /// <param name="challenge">What was asked.</param>
    /// <param name="key">The key that the credential is bound to.</param>
    /// <param name="credential">The credential.</param>
    /// <param name="statusList">The status list that the credential names, as the registry serves it.</param>
    public static string Create(MeetingChallenge challenge, PrivateKey key, string credential, string statusList)
    {
        var claims = new StringBuilder($"{{\"ath\":\"{HashOf(credential)}\",\"challenge\":\"{HashOf(challenge.ToString())}\",\"channel\":\"{challenge.Channel.ToBase64Url()}\",\"from\":")
            .AppendString(challenge.To).Append(",\"purpose\":").AppendString(challenge.Purpose).Append($",\"status\":\"{HashOf(statusList)}\",\"to\":").AppendString(challenge.From).Append('}');
        var proof = JwkSignedToken.Sign(Type, claims.ToString(), key);
        return new StringBuilder("{\"credential\":").AppendString(credential).Append(",\"proof\":").AppendString(proof).Append(",\"status\":").AppendString(statusList).Append('}').ToString();
    }

    /// <summary>Whether the answer proves that the other is whom the challenge names. Whether the challenge is still open is the caller's question.</summary>
    /// <param name="answer">What came back.</param>
    /// <param name="challenge">What was asked.</param>
    /// <param name="registry">Whose agents are met.</param>
    /// <param name="issuerKeys">Finds a key that signs this registry's credentials. Null for any other id.</param>
    /// <param name="freshness">How old the registry's word may be; it never serves for longer than a minute.</param>
    /// <param name="now">The reader's clock.</param>
    /// <param name="claims">The other's credential, when the answer is <see cref="Refusal.None"/>.</param>
    public static Refusal Verify(
        string answer, MeetingChallenge challenge, RegistryName registry, Func<KeyId, PublicKey?> issuerKeys, TimeSpan freshness, DateTimeOffset now, out CredentialClaims? claims)
    {
        claims = null;
        // 1. One form.
        if (!TryRead(answer, out var credential, out var proof, out var statusList))
            return Refusal.ProofInvalid;

        // 2. The credential is the registry's, and good now.
        var refusal = PresentedCredential.Read(credential, registry, issuerKeys, out var presented);
        if (refusal == Refusal.None)
            refusal = PresentedCredential.CheckTimes(presented!.Claims, now);
        // A meeting shows no client certificate, so one that is bound to it is not good here.
        if (refusal == Refusal.None)
            refusal = PresentedCredential.CheckCertificate(presented!.Claims, null);
        if (refusal != Refusal.None)
            return refusal;

        // 3. It is that of the agent that was asked.
        if (registry.AgentDid(presented!.Claims.AgentId) != challenge.To)
            return Refusal.PeerMismatch;

        // 4. Its key has signed: for this challenge, these names, this purpose, this channel, and the list that comes along.
        refusal = CheckProof(proof, challenge, presented, statusList);
        if (refusal != Refusal.None)
            return refusal;

        // 5. The registry has said within the time accepted that neither it nor anybody above it is stopped.
        refusal = CheckStatus(statusList, presented.Claims, new StatusListReader(registry, issuerKeys), freshness, now);
        claims = refusal == Refusal.None ? presented.Claims : null;
        return refusal;
    }

    private static bool TryRead(string answer, out string credential, out string proof, out string statusList)
    {
        (credential, proof, statusList) = ("", "", "");
        if (answer.Length > LengthMax || !StrictJson.TryParse(Encoding.UTF8.GetBytes(answer), out var document))
            return false;
        using (document)
        {
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object && root.GetPropertyCount() == 3
                && root.TryGetText("credential"u8, LengthMax, out credential) && root.TryGetText("proof"u8, LengthMax, out proof) && root.TryGetText("status"u8, LengthMax, out statusList);
        }
    }

    private static Refusal CheckProof(string proof, MeetingChallenge challenge, PresentedCredential presented, string statusList)
    {
        if (!JwkSignedToken.TryRead(proof, Type, out var jws, out var key))
            return Refusal.ProofInvalid;
        using (jws)
        {
            var claims = jws.Payload;
            if (key.KeyId != presented.Claims.Jkt || !claims.HasHash("ath"u8, presented.TokenHash))
                return Refusal.ProofKeyMismatch;
            if (!claims.HasText("from"u8, challenge.To) || !claims.HasText("to"u8, challenge.From))
                return Refusal.PeerMismatch;
            if (!claims.HasHash("channel"u8, challenge.Channel))
                return Refusal.ChannelMismatch;
            if (!claims.HasText("purpose"u8, challenge.Purpose))
                return Refusal.PurposeMismatch;
            if (!claims.HasText("challenge"u8, HashOf(challenge.ToString())))
                return Refusal.NonceMismatch;
            return claims.HasText("status"u8, HashOf(statusList)) ? Refusal.None : Refusal.StatusListInvalid;
        }
    }

    private static Refusal CheckStatus(string statusList, CredentialClaims claims, StatusListReader reader, TimeSpan freshness, DateTimeOffset now)
    {
        var place = StatusPlace.Of(claims.StatusIndex);
        var refusal = reader.ReadTokenList(statusList, place.List, now, out var bitmap);
        if (refusal != Refusal.None)
            return refusal;
        if (!CompactJws.TryRead(statusList, LengthMax, out var jws))
            return Refusal.StatusListInvalid;
        using (jws)
        {
            if (!jws.Payload.TryGetInteger("iat"u8, NumericDate.Max, out var issuedAt) || now - DateTimeOffset.FromUnixTimeSeconds(issuedAt) > freshness)
                return Refusal.StatusListEnded;
        }
        return bitmap![place.Place] ? Refusal.PeerStopped : Refusal.None;
    }

    private static string HashOf(string text) => Sha256.Hash(Encoding.UTF8.GetBytes(text)).ToBase64Url();
}
