using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Tests.Keys;

public sealed class PublicKeyTests
{
    private static readonly BigInteger P256Order = BigInteger.Parse("0ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", NumberStyles.HexNumber);
    private static readonly byte[] Message = Vectors.Utf8("a message");

    public static TheoryData<KeyAlgorithm> Algorithms => [KeyAlgorithm.ES256, KeyAlgorithm.Ed25519];

    [Fact]
    public void Each_key_of_the_vectors_reads_from_bytes_JWK_and_DER_as_the_same_key()
    {
        foreach (var expected in Vectors.Section("keys").EnumerateArray())
        {
            var algorithm = (KeyAlgorithm)expected.GetProperty("alg").GetByte();
            Assert.True(PublicKey.TryRead(algorithm, expected.Hex("public"), out var fromBytes));
            Assert.True(PublicKey.TryParseJwk(Vectors.Utf8(expected.Text("jwk")), out var fromJwk));
            Assert.True(PublicKey.TryReadSubjectPublicKeyInfo(expected.Hex("spki"), out var fromDer));
            Assert.Equal(expected.Text("jwk"), fromBytes.ToJwk());
            Assert.Equal(expected.Text("key_id_text"), fromBytes.KeyId.ToString());
            Assert.Equal(expected.Hex("key_id"), fromBytes.KeyId.ToArray());
            Assert.Equal(fromBytes, fromJwk);
            Assert.Equal(fromBytes, fromDer);
            Assert.Equal(algorithm, fromJwk.Algorithm);
        }
    }

    [Fact]
    public void The_thumbprint_is_that_of_RFC_8037()
    {
        var example = Vectors.Section("thumbprints")[0];
        Assert.True(PublicKey.TryParseJwk(Vectors.Utf8(example.Text("jwk")), out var key));
        Assert.Equal(example.Text("key_id_text"), key.KeyId.ToString());
    }

    [Theory]
    [InlineData("""{"crv":"P-256","kty":"EC","x":"$x","y":"$y","kid":"a","use":"sig","alg":"ES256","key_ops":["verify"],"ext":true}""", true)]
    [InlineData("""{"kty":"EC","y":"$y","x":"$x","crv":"P-256"}""", true)]
    [InlineData("""{"crv":"P-256","kty":"EC","x":"$x"}""", false)]
    [InlineData("""{"crv":"P-256","kty":"EC","y":"$y"}""", false)]
    [InlineData("""{"crv":"P-256","x":"$x","y":"$y"}""", false)]
    [InlineData("""{"kty":"EC","x":"$x","y":"$y"}""", false)]
    [InlineData("""{"crv":"P-384","kty":"EC","x":"$x","y":"$y"}""", false)]
    [InlineData("""{"crv":"secp256k1","kty":"EC","x":"$x","y":"$y"}""", false)]
    [InlineData("""{"crv":"Ed25519","kty":"EC","x":"$x","y":"$y"}""", false)]
    [InlineData("""{"crv":"P-256","kty":"OKP","x":"$x","y":"$y"}""", false)]
    [InlineData("""{"crv":"Ed25519","kty":"OKP","x":"$x","y":"$y"}""", false)]
    [InlineData("""{"crv":"P-256","kty":"EC","x":"$x","y":"$y","d":"$x"}""", false)]
    [InlineData("""{"crv":"P-256","kty":"EC","x":"$x","y":"$y","k":"$x"}""", false)]
    [InlineData("""{"crv":"P-256","kty":"EC","x":"$x","y":"$y","x5c":[]}""", false)]
    [InlineData("""{"crv":"P-256","kty":"EC","x":"$x","y":"$y","x5u":"https://a.example"}""", false)]
    [InlineData("""{"crv":"P-256","kty":"EC","x":"$x","y":"$y","use":"enc"}""", false)]
    [InlineData("""{"crv":"P-256","kty":"EC","x":"$x","y":"$y","alg":"ES384"}""", false)]
    [InlineData("""{"crv":"P-256","kty":"EC","x":"$x","y":"$y","alg":"EdDSA"}""", false)]
    [InlineData("""{"crv":"P-256","kty":"EC","x":"$x","y":"$y","alg":"none"}""", false)]
    [InlineData("""{"crv":"P-256","kty":"EC","x":"$y","y":"$x"}""", false)]
    [InlineData("""{"crv":"P-256","kty":"EC","x":"$x=","y":"$y"}""", false)]
    [InlineData("""{"crv":"P-256","kty":"EC","x":" $x","y":"$y"}""", false)]
    [InlineData("""{"crv":"P-256","kty":"EC","x":"AA$x","y":"$y"}""", false)]
    [InlineData("""{"crv":"P-256","kty":"EC","x":1,"y":"$y"}""", false)]
    [InlineData("""{"crv":"P-256","kty":"EC","x":"$x","x":"$x","y":"$y"}""", false)]
    [InlineData("""{"kty":"oct","k":"$x"}""", false)]
    [InlineData("""{"kty":"RSA","n":"$x","e":"AQAB"}""", false)]
    [InlineData("""["EC"]""", false)]
    [InlineData("null", false)]
    [InlineData("", false)]
    public void A_JWK_is_read_when_it_is_a_public_signing_key_and_says_nothing_else(string template, bool isRead)
    {
        var key = Vectors.Key("issuer").PublicKey;
        var (x, y) = (CanonicalBase64Url.Encode(key.Bytes[..32]), CanonicalBase64Url.Encode(key.Bytes[32..]));
        var isKey = PublicKey.TryParseJwk(Vectors.Utf8(template.Replace("$x", x, StringComparison.Ordinal).Replace("$y", y, StringComparison.Ordinal)), out var read);
        Assert.Equal(isRead, isKey);
        Assert.Equal(isRead ? key : null, read);
    }

    [Fact]
    public void A_point_off_the_curve_is_refused()
    {
        var point = Vectors.Key("issuer").PublicKey.Bytes.ToArray();
        for (var bit = 0; bit < point.Length * 8; bit++)
        {
            point[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(PublicKey.TryRead(KeyAlgorithm.ES256, point, out _), $"bit {bit}");
            point[bit / 8] ^= (byte)(1 << (bit % 8));
        }
        Assert.False(PublicKey.TryRead(KeyAlgorithm.ES256, new byte[64], out _));
    }

    [Fact]
    public void A_coordinate_is_below_the_prime()
    {
        // 5 and 5 + p stand for the same x; the second spelling would be a second key id for one key. (x = 5 is on the curve.)
        var prime = BigInteger.Parse("0ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", NumberStyles.HexNumber);
        var b = BigInteger.Parse("05ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b", NumberStyles.HexNumber);
        var y = BigInteger.ModPow((125 - 15 + b) % prime, (prime + 1) / 4, prime);
        Assert.True(PublicKey.TryRead(KeyAlgorithm.ES256, [.. Bytes(5), .. Bytes(y)], out _));
        Assert.False(PublicKey.TryRead(KeyAlgorithm.ES256, [.. Bytes(5 + prime), .. Bytes(y)], out _));
    }

    [Theory]
    [InlineData(KeyAlgorithm.ES256, 63)]
    [InlineData(KeyAlgorithm.ES256, 65)]
    [InlineData(KeyAlgorithm.ES256, 32)]
    [InlineData(KeyAlgorithm.ES256, 0)]
    [InlineData(KeyAlgorithm.Ed25519, 31)]
    [InlineData(KeyAlgorithm.Ed25519, 33)]
    [InlineData((KeyAlgorithm)0, 32)]
    [InlineData((KeyAlgorithm)3, 64)]
    public void Another_length_or_algorithm_is_no_key(KeyAlgorithm algorithm, int length) =>
        Assert.False(PublicKey.TryRead(algorithm, [.. Enumerable.Repeat((byte)7, length)], out _));

    [Theory]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000080")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000080")]
    [InlineData("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")]
    [InlineData("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85")]
    [InlineData("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")]
    [InlineData("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa")]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    public void An_Ed25519_key_of_small_order_or_with_a_second_spelling_is_refused(string hex)
    {
        var bytes = Convert.FromHexString(hex);
        Assert.False(PublicKey.TryRead(KeyAlgorithm.Ed25519, bytes, out _));
        Assert.False(PublicKey.TryParseJwk(Vectors.Utf8($$"""{"kty":"OKP","crv":"Ed25519","x":"{{CanonicalBase64Url.Encode(bytes)}}"}"""), out _));
    }

    [Fact]
    public void Only_the_one_DER_encoding_of_a_key_is_read()
    {
        foreach (var key in Vectors.Section("keys").EnumerateArray())
        {
            var der = key.Hex("spki");
            Assert.False(PublicKey.TryReadSubjectPublicKeyInfo([.. der, 0], out _));
            Assert.False(PublicKey.TryReadSubjectPublicKeyInfo(der.AsSpan(0, der.Length - 1), out _));
            Assert.False(PublicKey.TryReadSubjectPublicKeyInfo(der.AsSpan(1), out _));
        }
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var rsa = RSA.Create(2048);
        Assert.False(PublicKey.TryReadSubjectPublicKeyInfo(p384.ExportSubjectPublicKeyInfo(), out _));
        Assert.False(PublicKey.TryReadSubjectPublicKeyInfo(rsa.ExportSubjectPublicKeyInfo(), out _));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void A_signature_verifies_over_exactly_its_message_by_exactly_its_key(KeyAlgorithm algorithm)
    {
        using var key = PrivateKey.Generate(algorithm);
        using var other = PrivateKey.Generate(algorithm);
        var signature = key.Sign(Message);
        Assert.Equal(PublicKey.SignatureSize, signature.Length);
        Assert.True(key.PublicKey.Verifies(Message, signature));
        Assert.False(other.PublicKey.Verifies(Message, signature));
        Assert.False(key.PublicKey.Verifies(Message.AsSpan(1), signature));
        Assert.False(key.PublicKey.Verifies(Message, signature.AsSpan(1)));
        Assert.False(key.PublicKey.Verifies(Message, [.. signature, 0]));
        Assert.False(key.PublicKey.Verifies(Message, []));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void A_signature_with_one_bit_wrong_does_not_verify(KeyAlgorithm algorithm)
    {
        using var key = PrivateKey.Generate(algorithm);
        var signature = key.Sign(Message);
        for (var bit = 0; bit < signature.Length * 8; bit++)
        {
            signature[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(key.PublicKey.Verifies(Message, signature), $"bit {bit}");
            signature[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void A_high_S_signature_verifies_since_the_statement_is_the_same()
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var signature = key.Sign(Message);
        var s = new BigInteger(signature.AsSpan(32), isUnsigned: true, isBigEndian: true);
        byte[] other = [.. signature[..32], .. Bytes(P256Order - s)];
        Assert.NotEqual(signature, other);
        Assert.True(key.PublicKey.Verifies(Message, other));
    }

    [Theory]
    [InlineData("zero", "zero")]
    [InlineData("zero", "s")]
    [InlineData("r", "zero")]
    [InlineData("one", "one")]
    [InlineData("n", "s")]
    [InlineData("r", "n")]
    [InlineData("n", "n")]
    [InlineData("zero", "one")]
    [InlineData("n+1", "n+1")]
    [InlineData("max", "max")]
    [InlineData("r", "r")]
    [InlineData("s", "r")]
    [InlineData("n-1", "s")]
    [InlineData("r", "n-1")]
    public void A_forged_pair_of_integers_is_no_ES256_signature(string r, string s)
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var genuine = key.Sign(Message);
        byte[] Integer(string name) => name switch
        {
            "zero" => Bytes(0),
            "one" => Bytes(1),
            "n" => Bytes(P256Order),
            "n-1" => Bytes(P256Order - 1),
            "n+1" => Bytes(P256Order + 1),
            "max" => Bytes((BigInteger.One << 256) - 1),
            "r" => genuine[..32],
            _ => genuine[32..],
        };
        Assert.False(key.PublicKey.Verifies(Message, [.. Integer(r), .. Integer(s)]));
        Assert.False(key.PublicKey.Verifies([], [.. Integer(r), .. Integer(s)]));
    }

    [Fact]
    public void A_DER_signature_is_no_ES256_signature()
    {
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.True(PublicKey.TryReadSubjectPublicKeyInfo(ecdsa.ExportSubjectPublicKeyInfo(), out var key));
        Assert.False(key.Verifies(Message, ecdsa.SignData(Message, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)));
        Assert.True(key.Verifies(Message, ecdsa.SignData(Message, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)));
        Assert.False(key.Verifies(Message, ecdsa.SignData(Message, HashAlgorithmName.SHA384, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)));
    }

    [Fact]
    public void An_Ed25519_signature_has_an_S_below_the_order_of_the_group()
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var order = (BigInteger.One << 252) + BigInteger.Parse("27742317777372353535851937790883648493");
        var signature = key.Sign(Message);
        var s = new BigInteger(signature.AsSpan(32), isUnsigned: true) + order;
        var shifted = new byte[64];
        signature.AsSpan(0, 32).CopyTo(shifted);
        Assert.True(s.TryWriteBytes(shifted.AsSpan(32), out _, isUnsigned: true));
        Assert.False(key.PublicKey.Verifies(Message, shifted));
        Assert.False(key.PublicKey.Verifies(Message, new byte[64]));
    }

    [Fact]
    public void Keys_that_drive_each_other_out_of_the_imported_ones_verify_from_many_threads()
    {
        // Of 600 keys about 20 share one of 8,192 places with another.
        var keys = Enumerable.Range(0, 600).Select(_ => PrivateKey.Generate(KeyAlgorithm.ES256)).ToArray();
        var signatures = keys.Select(key => key.Sign(Message)).ToArray();
        Parallel.For(0, 6_000, new ParallelOptions { MaxDegreeOfParallelism = 16 }, round =>
        {
            var own = round % keys.Length;
            Assert.True(keys[own].PublicKey.Verifies(Message, signatures[own]));
            Assert.False(keys[own].PublicKey.Verifies(Message, signatures[(own + 1) % keys.Length]));
        });
    }

    private static byte[] Bytes(BigInteger number)
    {
        var bytes = new byte[32];
        var minimal = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        minimal.CopyTo(bytes, 32 - minimal.Length);
        return bytes;
    }
}
