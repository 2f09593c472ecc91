using System.Security.Cryptography;

namespace AgentIdentity.Ledger;

/// <summary>
/// Ed25519 (RFC 8032, the pure form) through the system's OpenSSL, libcrypto 3. Every member is safe to call from several threads.
/// </summary>
public static class Ed25519
{
    /// <summary>Bytes of a public key: 32.</summary>
    public const int PublicKeySize = 32;

    /// <summary>Bytes of a private key's seed: 32.</summary>
    public const int SeedSize = 32;

    /// <summary>Bytes of a signature: 64.</summary>
    public const int SignatureSize = 64;

    /// <summary>Whether the system has what Ed25519 needs. A program asks at its start, so as not to fail at its first signature.</summary>
    public static bool IsSupported => LibCrypto.IsAvailable;

    /// <summary>Throws, with a message for the person at the screen, unless <see cref="IsSupported"/>.</summary>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 was not found.</exception>
    public static void RequireSupport() => RequireSupport(IsSupported);

    internal static void RequireSupport(bool isSupported)
    {
        if (!isSupported)
            throw new PlatformNotSupportedException(
                "The system's OpenSSL (libcrypto 3) is needed for signatures and was not found. Install it: libssl3 or libssl3t64 on Debian and Ubuntu, "
                + "openssl-libs on Fedora, libcrypto3 on Alpine, openssl@3 with Homebrew.");
    }

    internal static void Sign(LibCrypto.EvpKey key, ReadOnlySpan<byte> message, Span<byte> signature)
    {
        using var context = LibCrypto.EVP_MD_CTX_new();
        var length = (nuint)SignatureSize;
        Require(LibCrypto.EVP_DigestSignInit(context, 0, 0, 0, key) == 1
            && LibCrypto.EVP_DigestSign(context, signature, ref length, message, (nuint)message.Length) == 1
            && length == SignatureSize);
    }

    internal static bool Verify(LibCrypto.EvpKey key, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        using var context = LibCrypto.EVP_MD_CTX_new();
        Require(LibCrypto.EVP_DigestVerifyInit(context, 0, 0, 0, key) == 1);
        return LibCrypto.EVP_DigestVerify(context, signature, (nuint)signature.Length, message, (nuint)message.Length) == 1;
    }

    /// <summary>Throws unless a call that cannot fail for its arguments has succeeded: the library is broken, or out of memory.</summary>
    internal static void Require(bool succeeded)
    {
        if (!succeeded)
            throw new CryptographicException("OpenSSL refused an operation that its own rules allow.");
    }
}
