using System.Buffers.Binary;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Statements;

public sealed class SignedStatementTests
{
    private const string Origin = "localhost:5000";
    private static readonly KeyId KeyId = Vectors.Key("agent").PublicKey.KeyId;
    private static readonly Hash Commitment = Sha256.Hash("a commitment"u8);

    [Fact]
    public void The_statements_of_the_vectors_are_read_verified_and_written_the_same_again()
    {
        var previous = default(Hash);
        foreach (var expected in Vectors.Section("statements").EnumerateArray())
        {
            Assert.True(SignedStatement.TryRead(expected.Hex("statement"), out var statement));
            Assert.Equal(Origin, statement.Origin);
            Assert.Equal(Vectors.AgentId, statement.AgentId);
            Assert.Equal(KeyId, statement.KeyId);
            Assert.Equal(expected.GetProperty("sequence").GetUInt64(), statement.Sequence);
            Assert.Equal(expected.GetProperty("kind").GetByte(), (byte)statement.Kind);
            Assert.Equal(previous, statement.Previous);
            Assert.Equal(Vectors.Section("times").GetProperty("at").GetUInt64(), statement.ClaimedAt);
            Assert.Equal(expected.Hash("identity"), statement.Identity);
            Assert.Equal(expected.GetProperty("commitments").EnumerateArray().Select(one => one.GetString()), statement.Commitments.ToArray().Select(one => Convert.ToHexStringLower(one.ToArray())));
            Assert.True(Vectors.Key("agent").PublicKey.Verifies(statement.Bytes, expected.Hex("signature")));
            Assert.Equal(expected.Hex("statement"), Again(statement));
            previous = statement.Identity;
        }
    }

    [Fact]
    public void An_activity_commitment_is_that_of_the_vectors()
    {
        var expected = Vectors.Section("activity_commitment");
        Assert.Equal(expected.Hash("commitment"), SignedStatement.Commitment(expected.Hex("salt"), expected.Hex("payload")));
        Assert.Equal(expected.Hash("commitment"), SignedStatement.Commitment(expected.Hex("salt"), Sha256.Hash(expected.Hex("payload"))));
        Assert.Throws<ArgumentException>(() => SignedStatement.Commitment(new byte[31], default(Hash)));
    }

    [Fact]
    public void A_thousand_commitments_are_read_in_place_and_one_more_is_not_a_statement()
    {
        var commitments = Enumerable.Range(0, 1000).Select(number => Sha256.Hash(BitConverter.GetBytes(number))).ToArray();
        var bytes = Encode(commitments: commitments);
        Assert.True(SignedStatement.TryRead(bytes, out var statement));
        Assert.Equal(commitments, statement.Commitments.ToArray());
        Assert.Throws<ArgumentException>(() => Encode(commitments: [.. commitments, Commitment]));

        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.True(SignedStatement.TryRead(bytes, out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 1_000);
    }

    [Theory]
    [InlineData(StatementKind.Activity, 0, false)]
    [InlineData(StatementKind.Intent, 0, false)]
    [InlineData(StatementKind.Result, 0, false)]
    [InlineData(StatementKind.Close, 0, true)]
    [InlineData(StatementKind.Close, 1, true)]
    [InlineData(StatementKind.Intent, 1, true)]
    [InlineData((StatementKind)0, 1, false)]
    [InlineData((StatementKind)5, 1, false)]
    public void Only_the_last_of_a_chain_may_be_empty(StatementKind kind, int count, bool isStatement)
    {
        var bytes = Encode(commitments: [Commitment]);
        bytes[KindAt] = (byte)kind;
        bytes[KindAt + 2] = (byte)count;
        Assert.Equal(isStatement, SignedStatement.TryRead(bytes.AsMemory(0, bytes.Length - ((1 - count) * Hash.Size)), out _));
    }

    [Fact]
    public void The_first_of_a_chain_names_no_predecessor()
    {
        Assert.Throws<ArgumentException>(() => Encode(sequence: 0, previous: Commitment));
        Assert.True(SignedStatement.TryRead(Encode(sequence: 1, previous: Commitment), out _));
        Assert.True(SignedStatement.TryRead(Encode(sequence: 0, previous: default(Hash)), out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("local host")]
    [InlineData("localhost\n")]
    [InlineData("localhost\0")]
    [InlineData("löcalhost")]
    public void An_origin_is_visible_ASCII(string origin) => Assert.Throws<ArgumentException>(() => Encode(origin: origin));

    [Theory]
    [InlineData(301)]
    [InlineData(65_536 + 14)]
    public void An_origin_has_at_most_300_characters(int length)
    {
        Assert.Equal(SignedStatement.SizeMax - (999 * Hash.Size), Encode(origin: new string('o', 300)).Length);
        Assert.Throws<ArgumentException>(() => Encode(origin: new string('o', length)));
    }

    [Fact]
    public void Each_truncation_and_each_byte_more_is_refused()
    {
        var bytes = Encode();
        for (var length = 0; length < bytes.Length; length++)
            Assert.False(SignedStatement.TryRead(bytes.AsMemory(0, length), out _), $"{length} bytes");
        Assert.False(SignedStatement.TryRead(new byte[] { 0 }.Concat(bytes).ToArray(), out _));
        Assert.False(SignedStatement.TryRead(bytes.Append((byte)0).ToArray(), out _));
    }

    [Fact]
    public void Another_domain_is_refused()
    {
        var bytes = Encode();
        for (var at = 0; at < 12; at++)
        {
            bytes[at] ^= 1;
            Assert.False(SignedStatement.TryRead(bytes, out _));
            bytes[at] ^= 1;
        }
    }

    [Fact]
    public void A_length_of_the_origin_that_does_not_fit_is_refused()
    {
        var bytes = Encode();
        foreach (var length in new ushort[] { 0, 13, 15, 14 + 256, ushort.MaxValue })
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(12), length);
            Assert.False(SignedStatement.TryRead(bytes, out _), $"{length}");
        }
    }

    [Fact]
    public void Random_mutations_are_refused_or_are_other_statements()
    {
        const int seed = 20271;
        var random = new Random(seed);
        var bytes = Encode();
        SignedStatement.TryRead(bytes, out var original);
        for (var round = 0; round < 100_000; round++)
        {
            var mutated = Mutation.Of(bytes, random);
            if (mutated.AsSpan().SequenceEqual(bytes) || !SignedStatement.TryRead(mutated, out var other))
                continue;
            Assert.True(other.Identity != original!.Identity && Again(other).AsSpan().SequenceEqual(mutated), $"seed {seed}, round {round}: {Convert.ToHexString(mutated)}");
        }
    }

    // Behind domain, length and origin: agent id, key id, sequence, previous, claimed time.
    private static int KindAt => 12 + 2 + Origin.Length + 16 + 32 + 8 + 32 + 8;

    private static byte[] Encode(string origin = Origin, ulong sequence = 7, Hash? previous = null, Hash[]? commitments = null) => SignedStatement.Encode(
        origin, Vectors.AgentId, KeyId, sequence, previous ?? Commitment, 1_730_616_064_512, StatementKind.Activity, commitments ?? [Commitment]);

    private static byte[] Again(SignedStatement statement) => SignedStatement.Encode(
        statement.Origin, statement.AgentId, statement.KeyId, statement.Sequence, statement.Previous, statement.ClaimedAt, statement.Kind, statement.Commitments);
}
