using System.Numerics;

namespace AgentIdentity.Ledger.Tests.Signatures;

public sealed class Ed25519Signatures
{
    private static readonly BigInteger P = BigInteger.Pow(2, 255) - 19;
    private static readonly BigInteger L = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493");

    public static TheoryData<string, string, string, string> Rfc8032 => new()
    {
        {
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        },
        {
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        },
        {
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        },
        {
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        },
    };

    [Theory]
    [MemberData(nameof(Rfc8032))]
    public void The_vectors_of_the_standard_are_met(string seed, string publicKey, string message, string signature)
    {
        using var key = Ed25519PrivateKey.FromSeed(Convert.FromHexString(seed));
        Assert.Equal(publicKey, key.PublicKey.ToString());
        Assert.Equal(signature, Convert.ToHexStringLower(key.Sign(Convert.FromHexString(message))));
        Assert.True(Key(publicKey).Verify(Convert.FromHexString(message), Convert.FromHexString(signature)));
    }

    [Fact]
    public void One_wrong_bit_in_signature_message_or_key_fails()
    {
        using var key = Ed25519PrivateKey.FromSeed(new byte[32]);
        var message = "size 7"u8.ToArray();
        var signature = key.Sign(message);
        ForEachBit(signature, wrong => Assert.False(key.PublicKey.Verify(message, wrong)));
        ForEachBit(message, wrong => Assert.False(key.PublicKey.Verify(wrong, signature)));
        ForEachBit(key.PublicKey.Bytes.ToArray(), wrong => Assert.False(Ed25519PublicKey.TryRead(wrong, out var other) && other.Verify(message, signature)));
        Assert.True(key.PublicKey.Verify(message, signature));
    }

    [Fact]
    public void A_signature_with_the_order_of_the_group_added_to_its_scalar_fails()
    {
        using var key = Ed25519PrivateKey.FromSeed(new byte[32]);
        for (var i = 0; i < 20; i++)
        {
            byte[] message = [(byte)i];
            var signature = key.Sign(message);
            var scalar = new BigInteger(signature.AsSpan(32), isUnsigned: true) + L;
            byte[] malleated = [.. signature.AsSpan(0, 32), .. LittleEndian(scalar)];
            Assert.False(key.PublicKey.Verify(message, malleated));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(65)]
    [InlineData(128)]
    public void A_signature_of_another_length_fails(int length)
    {
        using var key = Ed25519PrivateKey.FromSeed(new byte[32]);
        byte[] padded = [.. key.Sign([]), .. new byte[64]];
        Assert.False(key.PublicKey.Verify([], padded.AsSpan(0, length)));
    }

    [Theory]
    // Order 1, 2, 4, 4, 8, 8, 8, 8; and the two whose x is 0 with the sign of x set.
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000080")]
    [InlineData("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")]
    [InlineData("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85")]
    [InlineData("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")]
    [InlineData("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000080")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    public void A_key_of_small_order_is_refused(string key) => Assert.False(Ed25519PublicKey.TryRead(Convert.FromHexString(key), out _));

    [Fact]
    public void The_points_of_small_order_are_all_named()
    {
        // Their y by the curve's own equation: x or y is 0 for orders 1, 2 and 4; an eighth point doubles to one with y = 0, so x² = -y²,
        // which the curve -x² + y² = 1 + d x² y² turns into d y⁴ + 2 y² - 1 = 0.
        var d = -121665 * BigInteger.ModPow(121666, P - 2, P) % P;
        var eighths = new[] { "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a" }
            .Select(hex => new BigInteger(Convert.FromHexString(hex), isUnsigned: true)).ToArray();
        Assert.All(eighths, y => Assert.True(((d * BigInteger.ModPow(y, 4, P)) + (2 * y * y) - 1) % P == 0));
        Assert.Equal(P, eighths[0] + eighths[1]);
    }

    [Fact]
    public void A_key_whose_coordinate_is_not_reduced_is_refused_and_the_last_that_is_reduced_is_not()
    {
        for (var y = P; y < BigInteger.Pow(2, 255); y++)
        {
            Assert.False(Ed25519PublicKey.TryRead(LittleEndian(y), out _), $"p + {y - P}");
            Assert.False(Ed25519PublicKey.TryRead(LittleEndian(y + BigInteger.Pow(2, 255)), out _), $"p + {y - P}, negative");
        }
        Assert.True(Ed25519PublicKey.TryRead(LittleEndian(P - 2), out _));
    }

    [Fact]
    public void A_key_that_is_no_point_of_the_curve_verifies_nothing()
    {
        // y = 2 has no x on the curve.
        var key = Key("0200000000000000000000000000000000000000000000000000000000000000");
        Assert.False(key.Verify([], new byte[64]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    public void A_key_of_another_length_is_refused(int length)
    {
        var bytes = new byte[length];
        bytes.AsSpan().Fill(3);
        Assert.False(Ed25519PublicKey.TryRead(bytes, out _));
        Assert.Throws<ArgumentException>(() => Ed25519PrivateKey.FromSeed(bytes));
    }

    [Fact]
    public void A_new_key_signs_and_its_seed_brings_it_back()
    {
        using var key = Ed25519PrivateKey.Generate();
        using var other = Ed25519PrivateKey.Generate();
        var seed = new byte[32];
        key.ExportSeed(seed);
        using var again = Ed25519PrivateKey.FromSeed(seed);
        Assert.Equal(key.PublicKey, again.PublicKey);
        Assert.Equal(key.PublicKey.GetHashCode(), again.PublicKey.GetHashCode());
        Assert.NotEqual(key.PublicKey, other.PublicKey);
        Assert.True(key.PublicKey.Verify([1], again.Sign([1])));
        Assert.False(other.PublicKey.Verify([1], again.Sign([1])));
        Assert.Throws<ArgumentException>(() => key.ExportSeed(new byte[31]));
        Assert.Throws<ArgumentException>(() => key.Sign([1], new byte[63]));
    }

    [Fact]
    public void A_disposed_key_neither_signs_nor_tells_its_seed()
    {
        var key = Ed25519PrivateKey.Generate();
        key.Dispose();
        key.Dispose();
        Assert.Throws<ObjectDisposedException>(() => key.Sign([]));
        Assert.Throws<ObjectDisposedException>(() => key.ExportSeed(new byte[32]));
    }

    [Fact]
    public void One_key_signs_and_verifies_on_many_threads_at_once()
    {
        using var key = Ed25519PrivateKey.Generate();
        Parallel.For(0, 2000, i =>
        {
            var message = BitConverter.GetBytes(i);
            var signature = key.Sign(message);
            Assert.True(key.PublicKey.Verify(message, signature));
            signature[i % 64] ^= 1;
            Assert.False(key.PublicKey.Verify(message, signature));
        });
    }

    [Fact]
    public void Without_the_library_the_message_says_what_to_install()
    {
        var error = Assert.Throws<PlatformNotSupportedException>(() => Ed25519.RequireSupport(isSupported: false));
        Assert.StartsWith("The system's OpenSSL (libcrypto 3) is needed for signatures and was not found", error.Message);
        Assert.True(Ed25519.IsSupported);
        Ed25519.RequireSupport();
    }

    private static Ed25519PublicKey Key(string hex)
    {
        Assert.True(Ed25519PublicKey.TryRead(Convert.FromHexString(hex), out var key));
        return key;
    }

    private static byte[] LittleEndian(BigInteger value)
    {
        var bytes = new byte[32];
        Assert.True(value.TryWriteBytes(bytes, out _, isUnsigned: true));
        return bytes;
    }

    private static void ForEachBit(byte[] bytes, Action<byte[]> assert)
    {
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            byte[] wrong = [.. bytes];
            wrong[bit / 8] ^= (byte)(1 << (bit % 8));
            assert(wrong);
        }
    }
}
