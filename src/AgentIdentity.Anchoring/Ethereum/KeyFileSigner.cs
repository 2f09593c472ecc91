using System.Security.Cryptography;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>Signs with a key from a file, by the system's cryptography: OpenSSL has secp256k1, other systems may not.</summary>
public sealed class KeyFileSigner : ISigner, IDisposable
{
    private const string CurveOid = "1.3.132.0.10";
    private const UnixFileMode Others = ~(UnixFileMode.UserRead | UnixFileMode.UserWrite);

    private readonly ECDsa _key;

    private KeyFileSigner(ECDsa key)
    {
        _key = key;
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        Address = Secp256k1.AddressOf(point.X, point.Y);
    }

    public Address Address { get; }

    /// <summary>Reads 64 hexadecimal digits, with or without 0x, from a file that nobody but its owner may read.</summary>
    /// <exception cref="SigningException">The file, or this system's cryptography, cannot be used; the message says why, and never what stands in the file.</exception>
    public static KeyFileSigner Open(string path)
    {
        if (!File.Exists(path))
            throw new SigningException($"The chain key {path} does not exist.");
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0)
            throw new SigningException($"The chain key {path} must have mode 0600: others may read it.");
        var text = File.ReadAllText(path).Trim();
        var digits = text.StartsWith("0x", StringComparison.Ordinal) ? text[2..] : text;
        if (digits.Length != 64 || !digits.All(char.IsAsciiHexDigit))
            throw new SigningException($"The chain key {path} must hold 64 hexadecimal digits.");
        return Import(Convert.FromHexString(digits), path);
    }

    public Task<SignedTransaction> SignAsync(Transaction transaction, CancellationToken cancellation)
    {
        if (!SignedTransaction.TryRead(transaction.Encode(SignHash(transaction.SigningHash())), out var signed))
            throw new SigningException("The transaction is not one that can be read back.");
        return Task.FromResult(signed);
    }

    public void Dispose() => _key.Dispose();

    internal EcdsaSignature SignHash(byte[] hash) =>
        EcdsaSignature.Of(_key.SignHash(hash), hash, Address) ?? throw new SigningException("The system's cryptography gave a signature that is not this key's.");

    private static KeyFileSigner Import(byte[] secret, string path)
    {
        try
        {
            return new KeyFileSigner(ECDsa.Create(new ECParameters { Curve = ECCurve.CreateFromValue(CurveOid), D = secret }));
        }
        catch (Exception error) when (error is CryptographicException or PlatformNotSupportedException)
        {
            throw new SigningException($"The chain key {path} is no key of secp256k1, or this system's cryptography has no such curve; a remote signer needs none.", error);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }
}
