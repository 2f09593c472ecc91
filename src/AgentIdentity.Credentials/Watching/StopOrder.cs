using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;

namespace AgentIdentity.Credentials.Watching;

/// <summary>A stop by the break-glass key, which needs no registry. It freezes, and nothing else. docs/formats.md, "Stop order".</summary>
/// <param name="Id">Names the order.</param>
/// <param name="Scope">What is frozen.</param>
/// <param name="Reason">Why, 1 to 500 characters.</param>
/// <param name="IssuedAt">Seconds since 1970, by whoever signed it.</param>
public sealed record StopOrder(SubjectId Id, Scope Scope, string Reason, long IssuedAt)
{
    private const string Type = "agentid-stop+jwt";
    private const int ReasonMax = 500;

    /// <summary>Signs it.</summary>
    /// <param name="key">The break-glass key.</param>
    /// <param name="publicUrl">The registry's public URL.</param>
    public string Sign(PrivateKey key, string publicUrl)
    {
        var claims = new StringBuilder("{\"aud\":").AppendString(publicUrl).Append($",\"iat\":{IssuedAt},\"jti\":\"{Id}\",\"reason\":").AppendString(Reason)
            .Append(",\"scope\":").AppendString(Scope.ToString()).Append('}');
        return JwkSignedToken.Sign(Type, claims.ToString(), key);
    }

    /// <summary>Reads an order for this registry and verifies its signature. Whether the key is the break-glass key is the caller's question.</summary>
    public static bool TryRead(string? token, string publicUrl, out StopOrder order, out PublicKey key)
    {
        order = null!;
        if (!JwkSignedToken.TryRead(token, Type, out var jws, out key!))
            return false;
        using (jws)
        {
            var claims = jws.Payload;
            if (claims.GetPropertyCount() != 5 || !claims.HasText("aud"u8, publicUrl)
                || !claims.TryGetText("jti"u8, int.MaxValue, out var jti) || !SubjectId.TryParse(jti, out var id)
                || !claims.TryGetText("scope"u8, int.MaxValue, out var text) || !Scope.TryParse(text, out var scope)
                || !claims.TryGetText("reason"u8, ReasonMax, out var reason)
                || !claims.TryGetInteger("iat"u8, NumericDate.Max, out var issuedAt))
                return false;
            order = new StopOrder(id, scope, reason, issuedAt);
            return true;
        }
    }
}
