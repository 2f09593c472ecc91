using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Evidence;

/// <summary>A JWT that somebody else has issued about a workload, taken apart. Only its form has been looked at: whose signature it bears is the caller's question.</summary>
/// <remarks>
/// Stricter than JWT is: one audience, integers as times, no repeated member, an end. Headers that say where a key is to be found, that nest, or that must be
/// understood are refused, and so is every <c>typ</c> that names another kind of token, an access token least of all.
/// </remarks>
public sealed class WorkloadToken : IDisposable
{
    /// <summary>Longer evidence is not read.</summary>
    public const int LengthMax = 16_384;

    /// <summary>How far two clocks may lie apart.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromSeconds(30);

    /// <summary>Evidence that lives longer is not taken: that it was used must be remembered until it ends.</summary>
    public static readonly TimeSpan LifeMax = TimeSpan.FromHours(24);

    private static readonly string[] Algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];
    private static readonly string[] HeaderMembers = ["alg", "kid", "typ", "x5t", "x5t#S256"];

    private readonly CompactJws _jws;

    private WorkloadToken(CompactJws jws) => _jws = jws;

    /// <summary>The JWS <c>alg</c>, one of RSA and ECDSA.</summary>
    public required string Algorithm { get; init; }

    /// <summary>Which of the issuer's keys; null when the token does not say.</summary>
    public required string? KeyId { get; init; }

    /// <summary>Null when the token does not say: a JWT-SVID need not.</summary>
    public required string? Issuer { get; init; }

    /// <summary>Whom it is about.</summary>
    public required string Subject { get; init; }

    /// <summary>Whom it is meant for.</summary>
    public required string Audience { get; init; }

    /// <summary>When it ends, in seconds since 1970.</summary>
    public required long ExpiresAt { get; init; }

    /// <summary>SHA-256 of what was signed.</summary>
    public Hash Hash => Sha256.Hash(_jws.SigningInput);

    /// <summary>Reads a token; false when its form is not one that is taken.</summary>
    public static bool TryRead(string text, [NotNullWhen(true)] out WorkloadToken? token)
    {
        token = null;
        if (!CompactJws.TryRead(text, LengthMax, out var jws))
            return false;
        token = TryReadHeader(jws, out var algorithm, out var keyId) ? ReadClaims(jws, algorithm, keyId) : null;
        if (token is null)
            jws.Dispose();
        return token is not null;
    }

    /// <summary>Why the token is not good at this time, at this registry.</summary>
    public Refusal RefusalAt(DateTimeOffset now, string publicUrl)
    {
        var (seconds, skew) = (now.ToUnixTimeSeconds(), (long)Skew.TotalSeconds);
        if (Audience != publicUrl)
            return Refusal.EvidenceAudienceMismatch;
        if (BeginsAt("iat"u8) > seconds + skew || BeginsAt("nbf"u8) > seconds + skew)
            return Refusal.EvidenceNotYetValid;
        if (seconds >= ExpiresAt + skew)
            return Refusal.EvidenceExpired;
        return ExpiresAt - seconds > (long)LifeMax.TotalSeconds + skew ? Refusal.EvidenceNotAllowed : Refusal.None;
    }

    /// <summary>A claim that is a text: a member, or with a leading slash a JSON pointer (RFC 6901) into members.</summary>
    public bool TryGetClaim(string name, out string value)
    {
        value = "";
        var at = _jws.Payload;
        foreach (var step in name.StartsWith('/') ? name[1..].Split('/').Select(step => step.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)) : [name])
        {
            if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(step, out at))
                return false;
        }
        value = at.ValueKind == JsonValueKind.String ? at.GetString()! : "";
        return value.Length > 0;
    }

    /// <inheritdoc/>
    public void Dispose() => _jws.Dispose();

    private static bool TryReadHeader(CompactJws jws, out string algorithm, out string? keyId)
    {
        (algorithm, keyId) = ("", null);
        return jws.TryReadHeader(out var header)
            && header.EnumerateObject().All(member => HeaderMembers.Contains(member.Name))
            && header.TryGetText("alg"u8, 8, out algorithm) && Algorithms.Contains(algorithm)
            && header.TryGetOptionalText("kid"u8, 256, out keyId)
            && (!header.TryGetMember("typ"u8, out _) || header.HasText("typ"u8, "JWT") || header.HasText("typ"u8, "JOSE"));
    }

    private static WorkloadToken? ReadClaims(CompactJws jws, string algorithm, string? keyId)
    {
        var claims = jws.Payload;
        if (!claims.TryGetOptionalText("iss"u8, 512, out var issuer) || !claims.TryGetText("sub"u8, 2048, out var subject) || !TryReadAudience(claims, out var audience)
            || !claims.TryGetInteger("exp"u8, NumericDate.Max, out var expiresAt) || !IsOptionalInstant(claims, "iat"u8) || !IsOptionalInstant(claims, "nbf"u8))
            return null;
        return new WorkloadToken(jws) { Algorithm = algorithm, KeyId = keyId, Issuer = issuer, Subject = subject, Audience = audience, ExpiresAt = expiresAt };
    }

    // For us alone: what is also meant for somebody else, that one could bring here.
    private static bool TryReadAudience(JsonElement claims, out string audience)
    {
        if (claims.TryGetText("aud"u8, 512, out audience))
            return true;
        if (!claims.TryGetMember("aud"u8, out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() != 1 || list[0].ValueKind != JsonValueKind.String)
            return false;
        audience = list[0].GetString()!;
        return true;
    }

    private static bool IsOptionalInstant(JsonElement claims, ReadOnlySpan<byte> name) => !claims.TryGetMember(name, out _) || claims.TryGetInteger(name, NumericDate.Max, out _);

    private long BeginsAt(ReadOnlySpan<byte> name) => _jws.Payload.TryGetInteger(name, NumericDate.Max, out var seconds) ? seconds : 0;
}
