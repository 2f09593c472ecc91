using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Keys;

/// <summary>A private key that signs. Safe for signing from several threads at once: signing reads the key and changes nothing.</summary>
public sealed class PrivateKey : IDisposable
{
    // One of the two, by algorithm.
    private readonly ECDsa? _p256;
    private readonly Ed25519PrivateKey? _ed25519;

    private PrivateKey(ECDsa p256)
    {
        _p256 = p256;
        var point = p256.ExportParameters(includePrivateParameters: false).Q;
        PublicKey = Read(KeyAlgorithm.ES256, [.. point.X!, .. point.Y!]);
    }

    private PrivateKey(Ed25519PrivateKey ed25519)
    {
        _ed25519 = ed25519;
        PublicKey = Read(KeyAlgorithm.Ed25519, ed25519.PublicKey.Bytes);
    }

    /// <summary>The public half.</summary>
    public PublicKey PublicKey { get; }

    /// <summary>The Ed25519 key itself, for what only such a key signs (checkpoints); null for P-256. Freed with this object.</summary>
    public Ed25519PrivateKey? Ed25519 => _ed25519;

    /// <summary>A new key from the system's random generator.</summary>
    public static PrivateKey Generate(KeyAlgorithm algorithm) => algorithm switch
    {
        KeyAlgorithm.ES256 => new PrivateKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)),
        KeyAlgorithm.Ed25519 => new PrivateKey(Ed25519PrivateKey.Generate()),
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "Not a key algorithm."),
    };

    /// <summary>A P-256 key that .NET knows, in a token for example. Freed with this object.</summary>
    public static PrivateKey Of(ECDsa p256) => new(p256);

    /// <summary>An Ed25519 key. Freed with this object.</summary>
    public static PrivateKey Of(Ed25519PrivateKey ed25519) => new(ed25519);

    /// <summary>The signature over exactly <paramref name="data"/>, 64 bytes.</summary>
    public byte[] Sign(ReadOnlySpan<byte> data) =>
        _p256?.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation) ?? _ed25519!.Sign(data);

    /// <summary>The Ed25519 key that this one, an Ed25519 key, stands for under a name: always the same, made by nobody who has not this key, and telling nothing of it.</summary>
    public PrivateKey Derive(ReadOnlySpan<byte> name)
    {
        if (_ed25519 is null)
            throw new InvalidOperationException("Only Ed25519 keys stand for others.");
        Span<byte> seed = stackalloc byte[Ledger.Ed25519.SeedSize];
        Span<byte> derived = stackalloc byte[HMACSHA512.HashSizeInBytes];
        try
        {
            _ed25519.ExportSeed(seed);
            HMACSHA512.HashData(seed, name, derived);
            return new PrivateKey(Ed25519PrivateKey.FromSeed(derived[..Ledger.Ed25519.SeedSize]));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
            CryptographicOperations.ZeroMemory(derived);
        }
    }

    /// <summary>
    /// The content of a key file, JSON: the private JWK when there is no passphrase, otherwise that JWK encrypted with AES-256-GCM under a key
    /// that PBKDF2-HMAC-SHA-512 makes of the passphrase.
    /// </summary>
    public byte[] ToKeyFile(ReadOnlySpan<char> passphrase) => KeyFile.Write(this, passphrase);

    /// <summary>Reads a key file. When it is refused, <paramref name="problem"/> says in a sentence why.</summary>
    public static bool TryReadKeyFile(
        ReadOnlySpan<byte> content, ReadOnlySpan<char> passphrase, [NotNullWhen(true)] out PrivateKey? key, out string problem) =>
        KeyFile.TryRead(content, passphrase, out key, out problem);

    /// <summary>Frees the key and wipes it.</summary>
    public void Dispose()
    {
        _p256?.Dispose();
        _ed25519?.Dispose();
    }

    /// <summary>The key of a P-256 scalar, or of an Ed25519 seed, 32 bytes each. Null for a scalar that is none.</summary>
    internal static PrivateKey? FromSecret(KeyAlgorithm algorithm, ReadOnlySpan<byte> secret)
    {
        if (algorithm == KeyAlgorithm.Ed25519)
            return new PrivateKey(Ed25519PrivateKey.FromSeed(secret));
        var scalar = secret.ToArray();
        try
        {
            // OpenSSL computes the point; a file that names another one is found out by comparing.
            return new PrivateKey(ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = scalar }));
        }
        catch (CryptographicException)
        {
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(scalar);
        }
    }

    /// <summary>Writes the P-256 scalar, or the Ed25519 seed, 32 bytes, which the caller wipes.</summary>
    internal void ExportSecret(Span<byte> destination)
    {
        if (_ed25519 is not null)
        {
            _ed25519.ExportSeed(destination);
            return;
        }
        var scalar = _p256!.ExportParameters(includePrivateParameters: true).D!;
        scalar.CopyTo(destination);
        CryptographicOperations.ZeroMemory(scalar);
    }

    private static PublicKey Read(KeyAlgorithm algorithm, ReadOnlySpan<byte> bytes) =>
        PublicKey.TryRead(algorithm, bytes, out var key) ? key : throw new CryptographicException("A private key has no valid public half.");
}
