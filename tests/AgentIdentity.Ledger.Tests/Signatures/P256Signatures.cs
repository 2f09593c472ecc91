using System.Security.Cryptography;
using System.Text;

namespace AgentIdentity.Ledger.Tests.Signatures;

public sealed class P256Signatures
{
    // RFC 6979, A.2.5: the key, and its signature of "sample" with SHA-256.
    private const string Point = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
    private const string Signature = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
    private const string Order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

    private static readonly byte[] Sample = Encoding.ASCII.GetBytes("sample");

    [Fact]
    public void The_vector_of_the_standard_is_met()
    {
        using var key = Import(Convert.FromHexString(Point));

        Assert.True(key.Verify(Sample, Convert.FromHexString(Signature)));
        Assert.False(key.Verify("simple"u8, Convert.FromHexString(Signature)));
    }

    [Fact]
    public void What_the_class_library_signs_verifies_and_each_flipped_bit_does_not()
    {
        using var signer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var key = Import(PointOf(signer));
        var signature = signer.SignData(Sample, HashAlgorithmName.SHA256);

        Assert.True(key.Verify(Sample, signature));
        for (var bit = 0; bit < 8 * signature.Length; bit++)
        {
            var changed = signature.ToArray();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(key.Verify(Sample, changed));
        }
    }

    // One in 128 has a number that begins with a zero byte, and half begin with a bit that DER takes for a sign.
    [Fact]
    public void Numbers_of_every_length_are_read_as_the_class_library_reads_them()
    {
        using var signer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var key = Import(PointOf(signer));
        var shortest = 0;
        for (var i = 0; i < 1500; i++)
        {
            var message = BitConverter.GetBytes(i);
            var signature = signer.SignData(message, HashAlgorithmName.SHA256);
            Assert.True(key.Verify(message, signature));
            shortest += signature[0] == 0 || signature[32] == 0 ? 1 : 0;
        }
        Assert.NotEqual(0, shortest);
    }

    [Fact]
    public void High_s_is_accepted()
    {
        using var key = Import(Convert.FromHexString(Point));
        var signature = Convert.FromHexString(Signature);
        var s = new System.Numerics.BigInteger(signature.AsSpan(32), isUnsigned: true, isBigEndian: true);
        var other = new System.Numerics.BigInteger(Convert.FromHexString(Order), isUnsigned: true, isBigEndian: true) - s;
        var bytes = other.ToByteArray(isUnsigned: true, isBigEndian: true);
        signature.AsSpan(32).Clear();
        bytes.CopyTo(signature.AsSpan(64 - bytes.Length));

        Assert.True(key.Verify(Sample, signature));
    }

    [Theory]
    [InlineData("00", "01")]
    [InlineData("01", "00")]
    [InlineData("00", "00")]
    [InlineData(Order, "01")]
    [InlineData("01", Order)]
    [InlineData("01", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    public void Numbers_out_of_range_are_refused(string r, string s)
    {
        using var key = Import(Convert.FromHexString(Point));

        Assert.False(key.Verify(Sample, Convert.FromHexString(r.PadLeft(64, '0') + s.PadLeft(64, '0'))));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(65)]
    [InlineData(72)]
    public void Another_length_is_refused(int length)
    {
        using var key = Import(Convert.FromHexString(Point));

        Assert.False(key.Verify(Sample, new byte[length]));
    }

    [Fact]
    public void What_is_no_point_is_not_imported()
    {
        var point = Convert.FromHexString(Point);
        Assert.False(P256PublicKey.TryImport(point.AsSpan(1), out _));
        Assert.False(P256PublicKey.TryImport(new byte[64], out _));
        for (var i = 0; i < point.Length; i++)
        {
            var changed = point.ToArray();
            changed[i] ^= 1;
            Assert.False(P256PublicKey.TryImport(changed, out _));
        }
    }

    [Fact]
    public void Threads_verify_with_one_key_at_once()
    {
        using var key = Import(Convert.FromHexString(Point));
        var signature = Convert.FromHexString(Signature);

        Parallel.For(0, 500, i => Assert.Equal(i % 2 == 0, key.Verify(i % 2 == 0 ? Sample : "simple"u8, signature)));
    }

    private static P256PublicKey Import(byte[] point)
    {
        Assert.True(P256PublicKey.TryImport(point, out var key));
        return key;
    }

    private static byte[] PointOf(ECDsa key)
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return [.. point.X!, .. point.Y!];
    }
}
