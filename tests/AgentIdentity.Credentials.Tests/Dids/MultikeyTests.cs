using System.Text.Json;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Credentials.Tests.Dids;

public sealed class MultikeyTests
{
    private static readonly JsonElement Expected = Vectors.Section("dids");

    [Fact]
    public void Bytes_and_texts_of_base58_are_those_of_the_vectors()
    {
        foreach (var one in Expected.GetProperty("base58").EnumerateArray())
        {
            Assert.Equal(one.Text("text"), Base58.Encode(one.Hex("bytes")));
            Assert.True(Base58.TryDecode(one.Text("text"), out var bytes));
            Assert.Equal(one.Hex("bytes"), bytes);
        }
    }

    [Fact]
    public void Any_bytes_come_back_from_base58()
    {
        var random = new Random(58);
        for (var length = 0; length < 80; length++)
        {
            var bytes = new byte[length];
            random.NextBytes(bytes.AsSpan(length % 4));
            Assert.True(Base58.TryDecode(Base58.Encode(bytes), out var read));
            Assert.Equal(bytes, read);
        }
    }

    [Fact]
    public void Keys_are_written_and_read_as_the_vectors_say()
    {
        foreach (var one in Expected.GetProperty("keys").EnumerateArray().Where(one => !one.Text("key").StartsWith("did", StringComparison.Ordinal)))
        {
            var key = Vectors.Key(one.Text("key")).PublicKey;
            Assert.Equal(one.Text("multikey"), Multikey.Of(key));
            Assert.Equal(one.Text("did"), Multikey.Did(key));
            Assert.True(Multikey.TryParseDid(one.Text("did"), out var read));
            Assert.Equal(key, read);
            Assert.True(Multikey.TryParseMethod(Multikey.Method(key), out read));
            Assert.Equal(key, read);
        }
    }

    [Fact]
    public void Every_P256_point_comes_back_from_its_compressed_form()
    {
        for (var count = 0; count < 20; count++)
        {
            using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
            Assert.True(Multikey.TryParse(Multikey.Of(key.PublicKey), out var read));
            Assert.Equal(key.PublicKey, read);
        }
    }

    [Fact]
    public void What_is_no_key_is_refused()
    {
        var good = Multikey.Of(Vectors.Key("agent").PublicKey);
        string[] bad =
        [
            "", "z", good[1..], "Z" + good[1..], "m" + good[1..], good + "1", good[..^1], "z1" + good[1..], good.Replace(good[10], '0'), good + "\0",
            'z' + Base58.Encode([0xed, 0x01, .. new byte[32]]), // of small order
            'z' + Base58.Encode([0xec, 0x01, .. new byte[32]]), // X25519
            'z' + Base58.Encode([0x80, 0x24, 4, .. new byte[32]]), // neither even nor odd
            'z' + Base58.Encode([0x80, 0x24, 2, .. Enumerable.Repeat((byte)0xff, 32)]), // x beyond the prime
            'z' + new string('2', 1000),
        ];
        Assert.All(bad, text => Assert.False(Multikey.TryParse(text, out _), text));
    }

    [Fact]
    public void An_x_that_no_point_has_is_refused()
    {
        var x = new byte[32];
        var refused = 0;
        for (x[31] = 0; x[31] < 32; x[31]++)
            refused += P256.TryDecompress([2, .. x], out _) ? 0 : 1;
        // Half of all x are of no point.
        Assert.InRange(refused, 8, 24);
    }

    [Fact]
    public void A_method_whose_fragment_is_another_key_is_refused()
    {
        var (one, other) = (Multikey.Of(Vectors.Key("agent").PublicKey), Multikey.Of(Vectors.Key("log").PublicKey));
        Assert.False(Multikey.TryParseMethod($"did:key:{one}#{other}", out _));
        Assert.False(Multikey.TryParseMethod($"did:key:{one}#", out _));
        Assert.False(Multikey.TryParseMethod($"did:key:{one}", out _));
        Assert.False(Multikey.TryParseMethod("did:key:#", out _));
    }
}
