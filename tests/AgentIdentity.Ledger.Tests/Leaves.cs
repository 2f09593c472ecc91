using Xunit.Abstractions;

namespace AgentIdentity.Ledger.Tests;

public sealed class Leaves(ITestOutputHelper output)
{
    private static readonly byte[] Salt = new byte[Leaf.SaltSize];

    [Fact]
    public void A_leaf_is_read_as_it_was_written()
    {
        foreach (var count in new[] { 0, 1, 2, 255, 256, Leaf.NullifiersMax })
        {
            var nullifiers = Nullifiers(count);
            var bytes = Leaf.Encode(7, nullifiers, Salt, "entry"u8);
            Assert.Equal(4 + (32 * count) + 32, bytes.Length);
            Assert.True(Leaf.TryDecode(bytes, out var leaf));
            Assert.Equal(7, leaf.Class);
            Assert.Equal(nullifiers, leaf.Nullifiers);
            Assert.Equal(Leaf.Commit(Salt, "entry"u8), leaf.Commitment);
        }
    }

    [Fact]
    public void The_largest_leaf_fits_the_length_that_an_entry_bundle_has_for_it_and_no_larger_one_would()
    {
        Assert.InRange(Leaf.Encode(1, Nullifiers(Leaf.NullifiersMax), Salt, []).Length, ushort.MaxValue - Hash.Size + 1, ushort.MaxValue);
        var tooMany = Nullifiers(Leaf.NullifiersMax + 1);
        Assert.Throws<ArgumentException>(() => Leaf.Encode(1, tooMany, Salt, []));
        byte[] tooLong = [1, 1, 0x07, 0xff, .. tooMany.SelectMany(nullifier => nullifier.ToArray()), .. new byte[32]];
        Assert.Equal(0x07ff, tooMany.Length);
        Assert.False(Leaf.TryDecode(tooLong, out _));
    }

    [Fact]
    public void Nullifiers_out_of_order_or_twice_are_neither_written_nor_read()
    {
        var right = Nullifiers(3);
        foreach (var order in new int[][] { [1, 0, 2], [0, 2, 1], [0, 0, 2], [0, 2, 2] })
        {
            Hash[] wrong = [.. order.Select(i => right[i])];
            Assert.Throws<ArgumentException>(() => Leaf.Encode(1, wrong, Salt, []));
            var bytes = Leaf.Encode(1, right, Salt, []);
            for (var i = 0; i < wrong.Length; i++)
                wrong[i].CopyTo(bytes.AsSpan(4 + (32 * i)));
            Assert.False(Leaf.TryDecode(bytes, out _));
        }
    }

    [Fact]
    public void Another_version_or_another_length_is_not_read()
    {
        var bytes = Leaf.Encode(1, Nullifiers(2), Salt, []);
        for (var length = 0; length < bytes.Length; length++)
            Assert.False(Leaf.TryDecode(bytes.AsSpan(0, length), out _), $"{length} bytes");
        Assert.False(Leaf.TryDecode([.. bytes, 0], out _));
        Assert.False(Leaf.TryDecode([.. bytes, .. new byte[32]], out _));
        foreach (byte version in new[] { 0, 2, 255 })
            Assert.False(Leaf.TryDecode([version, .. bytes[1..]], out _));
        foreach (byte count in new[] { 0, 1, 3, 255 })
            Assert.False(Leaf.TryDecode([.. bytes[..3], count, .. bytes[4..]], out _));
    }

    [Fact]
    public void A_commitment_hides_the_entry_behind_all_of_the_salt()
    {
        var commitment = Leaf.Commit(Salt, "entry"u8);
        for (var i = 0; i < Leaf.SaltSize; i++)
        {
            byte[] salt = [.. Salt];
            salt[i] = 1;
            Assert.NotEqual(commitment, Leaf.Commit(salt, "entry"u8));
        }
        Assert.NotEqual(commitment, Leaf.Commit(Salt, "entri"u8));
        Assert.Throws<ArgumentException>(() => Leaf.Commit(new byte[31], []));
        Assert.Throws<ArgumentException>(() => Leaf.Encode(1, [], new byte[33], []));
    }

    [Fact]
    public void A_nullifier_is_the_hmac_that_the_class_library_computes()
    {
        var label = Salt;
        foreach (var sequence in (ulong[])[0, 1, 255, 1UL << 40, ulong.MaxValue])
        {
            byte[] message = [.. "air/null/v1\0"u8, .. BitConverter.GetBytes(System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(sequence))];
            Assert.Equal(System.Security.Cryptography.HMACSHA256.HashData(label, message), Leaf.Nullifier(label, sequence).ToArray());
        }
    }

    [Fact]
    public void A_nullifier_differs_by_label_and_by_sequence()
    {
        var label = new byte[Leaf.LabelSize];
        byte[] other = [.. label[1..], 1];
        var sequences = Enumerable.Range(0, 64).Select(bit => 1UL << bit).Append(0UL).ToArray();
        var nullifiers = sequences.SelectMany(sequence => new[] { Leaf.Nullifier(label, sequence), Leaf.Nullifier(other, sequence) });
        Assert.Equal(2 * sequences.Length, nullifiers.Distinct().Count());
        Assert.Throws<ArgumentException>(() => Leaf.Nullifier(new byte[31], 0));
        Assert.Throws<ArgumentException>(() => Leaf.Nullifier(new byte[33], 0));
    }

    [Fact]
    public void A_damaged_leaf_is_refused_or_read_and_never_throws()
    {
        byte[][] originals = [Leaf.Encode(1, Nullifiers(3), Salt, []), Leaf.Encode(1, [], Salt, [])];
        new Mutation(output, originals, [[0], [1], new byte[32], [0xff]]).Run(bytes =>
        {
            if (Leaf.TryDecode(bytes, out var leaf))
                Assert.Equal(bytes.Length, 4 + (32 * leaf.Nullifiers.Length) + 32);
        });
    }

    private static Hash[] Nullifiers(int count) => [.. Enumerable.Range(0, count).Select(i => Leaf.Nullifier(Salt, (ulong)i)).Order()];
}
