using System.Text;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Passkeys;

namespace AgentIdentity.Credentials.Proofs;

/// <summary>A proof that somebody who shall become an operator holds a key. docs/formats.md, "Operator proof".</summary>
/// <param name="Key">The key.</param>
/// <param name="Name">The name, as its owner signed it.</param>
/// <param name="Passkey">Where a passkey signed it; null when the key is none.</param>
public sealed record OperatorProof(PublicKey Key, string Name, PasskeyOrigin? Passkey)
{
    private const string Subject = "agentid-operator";

    /// <summary>Makes a proof.</summary>
    /// <param name="key">The key of the operator to be.</param>
    /// <param name="publicUrl">The registry's public URL.</param>
    /// <param name="name">The name of the operator to be.</param>
    /// <param name="now">Their clock.</param>
    public static string Create(PrivateKey key, string publicUrl, string name, DateTimeOffset now) =>
        JwkSignedToken.Sign(OperatorToken.JwsType(Subject), new StringBuilder("{\"aud\":").AppendString(publicUrl).Append($",\"iat\":{now.ToUnixTimeSeconds()},\"name\":").AppendString(name).Append('}').ToString(), key);

    /// <summary>Reads a proof for this registry. It is as old as the approvals that go with it may be.</summary>
    public static Refusal Read(string? proof, string publicUrl, DateTimeOffset now, out OperatorProof? presented)
    {
        presented = null;
        if (!OperatorToken.TryRead(proof, Subject, JwkSignedToken.LengthMax, out var signed))
            return Refusal.ProofInvalid;
        var claims = signed.Claims;
        if (claims.GetPropertyCount() != 3 || !claims.HasText("aud"u8, publicUrl)
            || !claims.TryGetText("name"u8, int.MaxValue, out var name) || !claims.TryGetInteger("iat"u8, NumericDate.Max, out var issuedAt))
            return Refusal.ProofInvalid;
        if ((now - DateTimeOffset.FromUnixTimeSeconds(issuedAt)).Duration() > Approval.Window)
            return Refusal.ProofStale;
        presented = new OperatorProof(signed.Key, name, signed.Passkey);
        return Refusal.None;
    }
}
