using System.Security.Cryptography;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Storage.Keys.Pkcs11;

/// <summary>A P-256 key in a token, as .NET knows keys. It signs hashes and gives its public half; nothing else is asked of it.</summary>
internal sealed class TokenP256 : ECDsa
{
    private readonly PublicKey _publicKey;
    private readonly Action<byte[], byte[]> _sign;

    /// <param name="publicKey">Its public half.</param>
    /// <param name="sign">Signs a hash, into 64 bytes.</param>
    public TokenP256(PublicKey publicKey, Action<byte[], byte[]> sign)
    {
        (_publicKey, _sign) = (publicKey, sign);
        KeySizeValue = 256;
    }

    public override byte[] SignHash(byte[] hash)
    {
        var signature = new byte[PublicKey.SignatureSize];
        _sign(hash, signature);
        return signature;
    }

    public override bool VerifyHash(byte[] hash, byte[] signature)
    {
        using var key = Create(ExportParameters(includePrivateParameters: false));
        return key.VerifyHash(hash, signature);
    }

    public override ECParameters ExportParameters(bool includePrivateParameters) => includePrivateParameters
        ? throw new CryptographicException("A key in a token does not leave it.")
        : new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = _publicKey.Bytes[..32].ToArray(), Y = _publicKey.Bytes[32..].ToArray() } };
}
