using System.Security.Cryptography;

namespace AgentIdentity.Ledger;

/// <summary>Signs a message with a key that lies elsewhere: fills 64 bytes, or throws.</summary>
public delegate void Ed25519Signer(ReadOnlySpan<byte> message, Span<byte> signature);

/// <summary>An Ed25519 private key (RFC 8032, section 5.1.5). It lives in OpenSSL's memory, which wipes it when the key is disposed; or in a token that signs for it.</summary>
/// <remarks>Safe for signing from several threads at once. After <see cref="Dispose"/> every use throws <see cref="ObjectDisposedException"/>.</remarks>
public sealed class Ed25519PrivateKey : IDisposable
{
    // One of the two.
    private readonly LibCrypto.EvpKey? _key;
    private readonly Ed25519Signer? _elsewhere;

    private Ed25519PrivateKey(LibCrypto.EvpKey? key, Ed25519Signer? elsewhere, Ed25519PublicKey publicKey)
    {
        (_key, _elsewhere) = (key, elsewhere);
        PublicKey = publicKey;
    }

    /// <summary>The public half.</summary>
    public Ed25519PublicKey PublicKey { get; }

    /// <summary>A new key from the system's random generator.</summary>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 was not found.</exception>
    public static Ed25519PrivateKey Generate()
    {
        Span<byte> seed = stackalloc byte[Ed25519.SeedSize];
        try
        {
            RandomNumberGenerator.Fill(seed);
            return FromSeed(seed);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    /// <summary>The key that a seed of 32 bytes stands for. The caller wipes the seed.</summary>
    /// <exception cref="ArgumentException">The seed is not 32 bytes long.</exception>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 was not found.</exception>
    public static Ed25519PrivateKey FromSeed(ReadOnlySpan<byte> seed)
    {
        Ed25519.RequireSupport();
        if (seed.Length != Ed25519.SeedSize)
            throw new ArgumentException($"An Ed25519 seed is {Ed25519.SeedSize} bytes; {seed.Length} were given.", nameof(seed));
        var key = LibCrypto.EVP_PKEY_new_raw_private_key(LibCrypto.KeyTypeEd25519, 0, seed, (nuint)seed.Length);
        Ed25519.Require(!key.IsInvalid);
        return new Ed25519PrivateKey(key, null, ReadPublicKey(key));
    }

    /// <summary>A key that lies elsewhere, and signs there. Whether what comes back is its signature is for <paramref name="signer"/> to see to.</summary>
    public static Ed25519PrivateKey HeldElsewhere(Ed25519PublicKey publicKey, Ed25519Signer signer) => new(null, signer, publicKey);

    /// <summary>The signature over exactly <paramref name="message"/>: 64 bytes, always the same for the same key and message.</summary>
    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        var signature = new byte[Ed25519.SignatureSize];
        Sign(message, signature);
        return signature;
    }

    /// <summary>Writes the signature over exactly <paramref name="message"/> to the first 64 bytes of <paramref name="signature"/>.</summary>
    /// <exception cref="ArgumentException">There is no room for 64 bytes.</exception>
    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        if (signature.Length < Ed25519.SignatureSize)
            throw new ArgumentException($"A signature takes {Ed25519.SignatureSize} bytes; there is room for {signature.Length}.", nameof(signature));
        if (_elsewhere is not null)
            _elsewhere(message, signature[..Ed25519.SignatureSize]);
        else
            Ed25519.Sign(_key!, message, signature[..Ed25519.SignatureSize]);
    }

    /// <summary>Writes the 32-byte seed to the start of <paramref name="destination"/>, which the caller wipes after use.</summary>
    /// <exception cref="ArgumentException">There is no room for 32 bytes.</exception>
    /// <exception cref="InvalidOperationException">The key lies elsewhere.</exception>
    public void ExportSeed(Span<byte> destination)
    {
        if (_key is null)
            throw new InvalidOperationException("A key that lies elsewhere does not leave.");
        if (destination.Length < Ed25519.SeedSize)
            throw new ArgumentException($"A seed takes {Ed25519.SeedSize} bytes; there is room for {destination.Length}.", nameof(destination));
        var length = (nuint)Ed25519.SeedSize;
        Ed25519.Require(LibCrypto.EVP_PKEY_get_raw_private_key(_key, destination, ref length) == 1 && length == Ed25519.SeedSize);
    }

    /// <summary>Frees the key and wipes it, once no thread signs with it any more.</summary>
    public void Dispose() => _key?.Dispose();

    private static Ed25519PublicKey ReadPublicKey(LibCrypto.EvpKey key)
    {
        Span<byte> bytes = stackalloc byte[Ed25519.PublicKeySize];
        var length = (nuint)bytes.Length;
        Ed25519.Require(LibCrypto.EVP_PKEY_get_raw_public_key(key, bytes, ref length) == 1);
        // A multiple of the base point by an RFC 8032 scalar is never of small order.
        Ed25519.Require(Ed25519PublicKey.TryRead(bytes, out var publicKey));
        return publicKey!;
    }
}
