using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Tokens;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace AgentIdentity.Registry.Attesting;

/// <summary>The public keys of somebody who issues tokens: a JSON Web Key Set (RFC 7517), as far as it can be used here.</summary>
public sealed class VerificationKeys
{
    private const int KeysMax = 64;
    private const int RsaBytesMin = 256;

    // Providers would be kept for each key that was ever seen.
    private static readonly CryptoProviderFactory Uncached = new() { CacheSignatureProviders = false };

    private readonly JsonWebKey[] _keys;

    private VerificationKeys(JsonWebKey[] keys) => _keys = keys;

    /// <summary>No keys: nothing is signed by them.</summary>
    public static VerificationKeys None { get; } = new([]);

    /// <summary>Reads a set. Keys of kinds that are not used here, or for something else, are left out; a set that holds a private key is refused.</summary>
    /// <param name="jwks">The JSON.</param>
    /// <param name="use">What the keys must be for, when they say.</param>
    /// <param name="keys">The keys.</param>
    public static bool TryParse(string jwks, string use, [NotNullWhen(true)] out VerificationKeys? keys)
    {
        keys = null;
        if (!StrictJson.TryParse(Encoding.UTF8.GetBytes(jwks), out var document))
            return false;
        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("keys", out var list)
                || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > KeysMax || list.EnumerateArray().Any(key => key.ValueKind != JsonValueKind.Object || key.TryGetProperty("d", out _)))
                return false;
            keys = new VerificationKeys([.. list.EnumerateArray().Where(key => IsUsed(key, use)).Select(TryRead).OfType<JsonWebKey>()]);
            return true;
        }
    }

    // A key with a member of another type than the library knows verifies nothing, and does not spoil the others.
    private static JsonWebKey? TryRead(JsonElement key)
    {
        try
        {
            return new JsonWebKey(key.GetRawText());
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Whether one of the keys has signed the token. Its form, its times and its audience have been read before, more strictly than the library does.</summary>
    public bool HaveSigned(WorkloadToken token, string text)
    {
        var candidates = _keys.Where(key => (token.KeyId is null || key.Kid == token.KeyId) && IsFor(key, token.Algorithm)).ToArray();
        if (candidates.Length == 0)
            return false;
        var result = new JsonWebTokenHandler().ValidateToken(text, new TokenValidationParameters
        {
            IssuerSigningKeys = candidates,
            RequireSignedTokens = true,
            ValidateIssuer = token.Issuer is not null,
            ValidIssuer = token.Issuer,
            ValidAudience = token.Audience,
            // By the registry's clock, which the library does not ask.
            ValidateLifetime = false,
            CryptoProviderFactory = Uncached,
        });
        return result.IsValid;
    }

    private static bool IsUsed(JsonElement key, string use) => (Text(key, "use") is not { } said || said == use) && Text(key, "kty") switch
    {
        "EC" => Text(key, "crv") is "P-256" or "P-384" or "P-521" && Text(key, "x") is not null && Text(key, "y") is not null,
        "RSA" => Text(key, "e") is not null && Text(key, "n") is { } modulus && CanonicalBase64Url.DecodedLength(modulus.Length) >= RsaBytesMin,
        _ => false,
    };

    // One algorithm family for each kind of key, and one curve for each ES algorithm: RFC 7518.
    private static bool IsFor(JsonWebKey key, string algorithm) => (key.Alg is null || key.Alg == algorithm) && (key.Kty == "RSA" ? algorithm[0] is 'R' or 'P' : algorithm == key.Crv switch
    {
        "P-256" => "ES256",
        "P-384" => "ES384",
        _ => "ES512",
    });

    private static string? Text(JsonElement key, string name) => key.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;
}
