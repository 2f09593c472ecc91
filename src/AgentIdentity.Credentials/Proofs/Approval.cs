using System.Text;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Passkeys;

namespace AgentIdentity.Credentials.Proofs;

/// <summary>What an operator signs when it takes two people: one action with all its parameters. docs/formats.md, "Approval".</summary>
public sealed class Approval
{
    /// <summary>How long an approval and its nonce are good: long enough to find a second person.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromHours(1);

    /// <summary>Characters of an approval at most. The longest action names a thousand entries.</summary>
    public const int LengthMax = 32_768;

    private const string Subject = "agentid-approval";

    private Approval(OperatorToken signed, string action, string nonce)
    {
        (Key, Passkey) = (signed.Key, signed.Passkey);
        Action = action;
        Nonce = nonce;
    }

    /// <summary>The key that signed it.</summary>
    public PublicKey Key { get; }

    /// <summary>Where a passkey signed it; null when the key is none.</summary>
    public PasskeyOrigin? Passkey { get; }

    /// <summary>The action, in JCS form.</summary>
    public string Action { get; }

    /// <summary>What the registry gave out for this action.</summary>
    public string Nonce { get; }

    /// <summary>Signs an action.</summary>
    /// <param name="key">The operator's key.</param>
    /// <param name="publicUrl">The registry's public URL.</param>
    /// <param name="action">A JSON object in JCS form.</param>
    /// <param name="nonce">What the registry gave out for this action.</param>
    /// <param name="now">The operator's clock.</param>
    public static string Create(PrivateKey key, string publicUrl, string action, string nonce, DateTimeOffset now)
    {
        var claims = new StringBuilder($"{{\"action\":{action},\"aud\":").AppendString(publicUrl).Append($",\"iat\":{now.ToUnixTimeSeconds()},\"nonce\":").AppendString(nonce).Append('}');
        return JwkSignedToken.Sign(OperatorToken.JwsType(Subject), claims.ToString(), key);
    }

    /// <summary>Reads an approval for this registry and verifies its signature. Whose key it is, whether the nonce is good and the action the one that is asked for is the caller's question.</summary>
    public static Refusal Read(string? token, string publicUrl, DateTimeOffset now, out Approval? approval)
    {
        approval = null;
        if (!OperatorToken.TryRead(token, Subject, LengthMax, out var signed))
            return Refusal.ApprovalInvalid;
        var claims = signed.Claims;
        if (claims.GetPropertyCount() != 4 || !claims.HasText("aud"u8, publicUrl)
            || !claims.TryGetText("nonce"u8, int.MaxValue, out var nonce)
            || !claims.TryGetInteger("iat"u8, NumericDate.Max, out var issuedAt)
            || !claims.TryGetMember("action"u8, out var action) || !Jcs.TryCanonicalize(action, out var canonical))
            return Refusal.ApprovalInvalid;
        if ((now - DateTimeOffset.FromUnixTimeSeconds(issuedAt)).Duration() > Window)
            return Refusal.ApprovalStale;
        approval = new Approval(signed, canonical, nonce);
        return Refusal.None;
    }

    /// <summary>Whether this key signed it, in the form that it signs in: a passkey at its origin, every other key by itself.</summary>
    public bool IsBy(PublicKey key, PasskeyOrigin? passkey) => Key.Equals(key) && Passkey == passkey;
}
