using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Keys;

/// <summary>A private key in a file: docs/formats.md, "Key file".</summary>
internal static class KeyFile
{
    private const string KeyDerivation = "PBKDF2-HMAC-SHA-512";
    private const string Cipher = "AES-256-GCM";
    private const string NotAKeyFile = "This is not a key file: a private JWK, or an encrypted one, as JSON is expected.";
    private const int SecretSize = 32;
    private const int SaltSize = 16;
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int JwkLengthMax = 512;
    private const int FileLengthMax = 4096;

    // A guess at the passphrase should cost at least this much; a file from a stranger must not cost more than a few seconds to refuse.
    private const int IterationsMin = 210_000;
    private const int IterationsMax = 10_000_000;

    public static byte[] Write(PrivateKey key, ReadOnlySpan<char> passphrase)
    {
        var jwk = PrivateJwk(key);
        if (passphrase.IsEmpty)
            return jwk;
        try
        {
            return Encrypt(jwk, passphrase);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(jwk);
        }
    }

    public static bool TryRead(ReadOnlySpan<byte> content, ReadOnlySpan<char> passphrase, [NotNullWhen(true)] out PrivateKey? key, out string problem)
    {
        key = null;
        if (content.Length > FileLengthMax || !StrictJson.TryParse(content.ToArray(), out var document))
            return Refuse(NotAKeyFile, out problem);
        using (document)
        {
            var file = document.RootElement;
            var isEncrypted = file.TryGetMember("cipher"u8, out _);
            // Taken in silence, a plain file could stand in for the encrypted one, with somebody else's key.
            if (isEncrypted == passphrase.IsEmpty)
                return Refuse(isEncrypted ? "The key file is encrypted: its passphrase is needed." : "The key file is not encrypted, and a passphrase was given for it.", out problem);
            return isEncrypted ? TryDecrypt(file, passphrase, out key, out problem) : TryReadJwk(file, out key, out problem);
        }
    }

    private static byte[] PrivateJwk(PrivateKey key)
    {
        Span<byte> secret = stackalloc byte[SecretSize];
        key.ExportSecret(secret);
        // In JCS order d stands behind crv, which is where the public JWK has its first comma.
        var jwk = key.PublicKey.ToJwk();
        var comma = jwk.IndexOf(',', StringComparison.Ordinal);
        var text = Encoding.ASCII.GetBytes($"{jwk[..comma]},\"d\":\"{CanonicalBase64Url.Encode(secret)}\"{jwk[comma..]}");
        CryptographicOperations.ZeroMemory(secret);
        return text;
    }

    private static bool TryReadJwk(JsonElement jwk, [NotNullWhen(true)] out PrivateKey? key, out string problem)
    {
        key = null;
        Span<byte> secret = stackalloc byte[SecretSize];
        if (!PublicKey.TryReadCurve(jwk, out var algorithm) || !jwk.TryGetBytes("d"u8, secret))
            return Refuse(NotAKeyFile, out problem);
        var read = PrivateKey.FromSecret(algorithm, secret);
        CryptographicOperations.ZeroMemory(secret);
        if (read is null || !NamesPublicHalf(jwk, read.PublicKey))
        {
            read?.Dispose();
            return Refuse("The two halves of the key in the key file do not belong together.", out problem);
        }
        key = read;
        problem = "";
        return true;
    }

    // A file that was pieced together from two keys would sign with one and show the other.
    private static bool NamesPublicHalf(JsonElement jwk, PublicKey key)
    {
        Span<byte> named = stackalloc byte[2 * P256.CoordinateSize];
        return PublicKey.TryReadPoint(jwk, key.Algorithm, named, out var length) && named[..length].SequenceEqual(key.Bytes);
    }

    private static byte[] Encrypt(ReadOnlySpan<byte> jwk, ReadOnlySpan<char> passphrase)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltSize);
        var nonce = RandomNumberGenerator.GetBytes(NonceSize);
        var ciphertext = new byte[jwk.Length];
        var tag = new byte[TagSize];
        using (var aes = Derive(passphrase, salt, IterationsMin))
            aes.Encrypt(nonce, jwk, ciphertext, tag);
        return Encoding.ASCII.GetBytes(
            $$"""{"cipher":"{{Cipher}}","ciphertext":"{{Text(ciphertext)}}","iterations":{{IterationsMin}},"kdf":"{{KeyDerivation}}","nonce":"{{Text(nonce)}}","salt":"{{Text(salt)}}","tag":"{{Text(tag)}}"}""");
    }

    private static bool TryDecrypt(JsonElement file, ReadOnlySpan<char> passphrase, [NotNullWhen(true)] out PrivateKey? key, out string problem)
    {
        key = null;
        Span<byte> salt = stackalloc byte[SaltSize];
        Span<byte> nonce = stackalloc byte[NonceSize];
        Span<byte> tag = stackalloc byte[TagSize];
        var ciphertext = new byte[JwkLengthMax];
        if (!file.HasText("cipher"u8, Cipher) || !file.HasText("kdf"u8, KeyDerivation)
            || !file.TryGetInteger("iterations"u8, IterationsMax, out var iterations) || iterations < IterationsMin
            || !file.TryGetBytes("salt"u8, salt) || !file.TryGetBytes("nonce"u8, nonce) || !file.TryGetBytes("tag"u8, tag)
            || !file.TryGetText("ciphertext"u8, FileLengthMax, out var text) || !CanonicalBase64Url.TryDecode(text, ciphertext, out var length))
            return Refuse($"The encrypted key file is not one of ours: {KeyDerivation} with {IterationsMin} to {IterationsMax} iterations and {Cipher} are expected.", out problem);

        var jwk = new byte[length];
        try
        {
            using var aes = Derive(passphrase, salt, (int)iterations);
            aes.Decrypt(nonce, ciphertext.AsSpan(0, length), tag, jwk);
        }
        catch (AuthenticationTagMismatchException)
        {
            return Refuse("The passphrase is wrong, or the key file was changed.", out problem);
        }
        try
        {
            return TryRead(jwk, passphrase: [], out key, out problem);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(jwk);
        }
    }

    private static AesGcm Derive(ReadOnlySpan<char> passphrase, ReadOnlySpan<byte> salt, int iterations)
    {
        Span<byte> derived = stackalloc byte[32];
        Rfc2898DeriveBytes.Pbkdf2(passphrase, salt, derived, iterations, HashAlgorithmName.SHA512);
        var aes = new AesGcm(derived, TagSize);
        CryptographicOperations.ZeroMemory(derived);
        return aes;
    }

    private static string Text(ReadOnlySpan<byte> bytes) => CanonicalBase64Url.Encode(bytes);

    private static bool Refuse(string sentence, out string problem)
    {
        problem = sentence;
        return false;
    }
}
