using System.Text;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Proofs;

/// <summary>What an operator signs when it takes two people: one action with all its parameters. docs/formats.md, "Approval".</summary>
public sealed class Approval
{
    /// <summary>How long an approval and its nonce are good: long enough to find a second person.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromHours(1);

    /// <summary>Characters of an approval at most. The longest action names a thousand entries.</summary>
    public const int LengthMax = 32_768;

    private const string Type = "agentid-approval+jwt";

    private Approval(PublicKey key, string action, string nonce)
    {
        Key = key;
        Action = action;
        Nonce = nonce;
    }

    /// <summary>The key that signed it.</summary>
    public PublicKey Key { get; }

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
        return JwkSignedToken.Sign(Type, claims.ToString(), key);
    }

    /// <summary>Reads an approval for this registry and verifies its signature. Whose key it is, whether the nonce is good and the action the one that is asked for is the caller's question.</summary>
    public static Refusal Read(string? token, string publicUrl, DateTimeOffset now, out Approval? approval)
    {
        approval = null;
        if (!JwkSignedToken.TryRead(token, Type, out var jws, out var key, LengthMax))
            return Refusal.ApprovalInvalid;
        using (jws)
        {
            var claims = jws.Payload;
            if (claims.GetPropertyCount() != 4 || !claims.HasText("aud"u8, publicUrl)
                || !claims.TryGetText("nonce"u8, int.MaxValue, out var nonce)
                || !claims.TryGetInteger("iat"u8, NumericDate.Max, out var issuedAt)
                || !claims.TryGetMember("action"u8, out var action) || !Jcs.TryCanonicalize(action, out var canonical))
                return Refusal.ApprovalInvalid;
            if ((now - DateTimeOffset.FromUnixTimeSeconds(issuedAt)).Duration() > Window)
                return Refusal.ApprovalStale;
            approval = new Approval(key, canonical, nonce);
            return Refusal.None;
        }
    }
}
