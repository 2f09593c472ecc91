using System.Security.Cryptography;

namespace AgentIdentity.Ledger.Tests.Tree;

public sealed class Hashes
{
    private static readonly byte[] Bytes = [.. Enumerable.Range(0xe0, 32).Select(value => (byte)value)];

    [Fact]
    public void A_hash_keeps_its_bytes()
    {
        var hash = Hash.Read(Bytes);
        var copy = new byte[33];
        hash.CopyTo(copy);
        Assert.Equal(Bytes, hash.ToArray());
        Assert.Equal([.. Bytes, 0], copy);
        Assert.Equal(Convert.ToBase64String(Bytes), hash.ToString());
        Assert.Equal([hash, default], Hash.ReadMany([.. Bytes, .. new byte[32]]).ToArray());
    }

    [Fact]
    public void Hashes_that_differ_in_one_bit_are_not_equal()
    {
        var hash = Hash.Read(Bytes);
        Assert.Equal(hash, Hash.Read(Bytes));
        Assert.Equal(hash.GetHashCode(), Hash.Read(Bytes).GetHashCode());
        for (var bit = 0; bit < 256; bit++)
            Assert.NotEqual(hash, Tampering.Flip(hash, bit));
    }

    [Fact]
    public void Hashes_are_ordered_by_their_bytes_from_the_first_on()
    {
        for (var i = 0; i < 32; i++)
        {
            var less = new byte[32];
            var more = new byte[32];
            less[i] = 0x7f;
            more[i] = 0x80;
            less.AsSpan(i + 1).Fill(0xff);
            Assert.True(Hash.Read(less) < Hash.Read(more), $"byte {i}");
            Assert.True(Hash.Read(more) > Hash.Read(less), $"byte {i}");
            Assert.True(Hash.Read(more) >= Hash.Read(more) && Hash.Read(more) <= Hash.Read(more));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    public void A_hash_is_32_bytes_and_nothing_else(int length)
    {
        Assert.Throws<ArgumentException>(() => Hash.Read(new byte[length]));
        if (length != 0)
            Assert.Throws<ArgumentException>(() => Hash.ReadMany(new byte[length]).Length);
        Assert.Throws<ArgumentException>(() => default(Hash).CopyTo(new byte[Math.Min(length, 31)]));
    }

    [Fact]
    public void Sha256_is_that_of_the_class_library_at_every_short_length_and_at_long_ones()
    {
        var data = new byte[100_000];
        new Random(20261101).NextBytes(data);
        var hash = new byte[32];
        foreach (var length in Enumerable.Range(0, 1200).Append(4096).Append(99_999))
        {
            var input = data.AsSpan(0, length);
            var expected = SHA256.HashData(input);
            Assert.Equal(expected, Sha256.Hash(input).ToArray());
            Sha256.Hash(input, hash);
            Assert.Equal(expected, hash);
            Sha256.Hash(input[..(length / 3)], input[(length / 3)..], hash);
            Assert.Equal(expected, hash);
            Sha256.HashManaged(input[..(length / 3)], input[(length / 3)..], hash);
            Assert.Equal(expected, hash);
        }
    }

    [Fact]
    public void Sha256_does_not_write_beyond_a_destination_that_is_too_short() =>
        Assert.Throws<ArgumentException>(() => Sha256.Hash([], new byte[31]));
}
