using System.Text;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Tests.Proofs;

/// <summary>The reader in one pass says what the strict reader says, or nothing.</summary>
public sealed class KeyProofClaimsTests
{
    private const int Trials = 20_000;

    private static readonly string[] Members =
    [
        "\"jti\":\"0123456789\"", "\"jti\":\"other-than-that\"", "\"jti\":\"short\"", "\"htm\":\"POST\"", "\"htu\":\"https://tool.example/a\"", "\"htu\":\"https://tool.example/b\"", "\"iat\":1700000000", "\"iat\":1.0", "\"iat\":-1",
        "\"iat\":01", "\"iat\":253402300800", "\"nonce\":\"n\"", "\"nonce\":\"\"", "\"nonce\":null", "\"ath\":\"a\"", "\"ath\":{}", "\"body_sha256\":\"b\"", "\"h\\u0074m\":\"POST\"", "\"htm\":\"PO\\u0053T\"", "\"htm\":\"\\ud800\"", "\"exp\":[1,{\"a\":1}]",
        "\"exp\":{\"a\":1,\"a\":2}",
    ];

    [Theory]
    [InlineData("""{"ath":"a","body_sha256":"b","htm":"POST","htu":"u","iat":1,"jti":"12345678","nonce":"n"}""")]
    [InlineData(""" { "jti" : "12345678" , "iat" : 1 , "htu" : "u" , "htm" : "POST" } """)]
    public void A_proof_as_it_should_be_is_read_in_one_pass(string json)
    {
        var plain = KeyProofClaims.TryReadPlain(Encoding.UTF8.GetBytes(json));
        Assert.NotNull(plain);
        Assert.Equal(Strictly(Encoding.UTF8.GetBytes(json)), plain);
    }

    [Theory]
    [InlineData("""{"htm":"POST","htu":"u","iat":1,"jti":"12345678"}{}""")]
    [InlineData("""{"htm":"POST","htu":"u","iat":1,"jti":"12345678"} 1""")]
    [InlineData("""{"htm":"POST","htm":"POST","htu":"u","iat":1,"jti":"12345678"}""")]
    [InlineData("""{"htm":"POST","htu":"u","iat":1,"iat":1,"jti":"12345678"}""")]
    [InlineData("""{"htm":"POST","htu":"u","iat":1,"jti":"12345678","exp":{"a":1,"a":2}}""")]
    [InlineData("""{"htm":"POST","htu":"u","iat":1,"jti":"12345678",}""")]
    [InlineData("""[{"htm":"POST","htu":"u","iat":1,"jti":"12345678"}]""")]
    public void What_has_two_meanings_is_not_read_at_all(string json)
    {
        Assert.Null(KeyProofClaims.TryReadPlain(Encoding.UTF8.GetBytes(json)));
        Assert.Null(Strictly(Encoding.UTF8.GetBytes(json)));
    }

    [Fact]
    public void What_the_reader_in_one_pass_reads_is_what_the_strict_reader_reads()
    {
        var random = new Random(20261122);
        var read = 0;
        for (var trial = 0; trial < Trials; trial++)
        {
            var json = Encoding.UTF8.GetBytes(Object(random));
            if (random.Next(3) == 0)
                json = Mutation.Of(json, random);
            if (KeyProofClaims.TryReadPlain(json) is not { } plain)
                continue;
            read++;
            Assert.Equal(Strictly(json), plain);
        }
        Assert.InRange(read, Trials / 50, Trials);
    }

    // The four that a proof needs, most of the time, and a few of everything else.
    private static string Object(Random random)
    {
        var members = new List<string> { Members[0], Members[3], Members[4], Members[6] };
        if (random.Next(4) == 0)
            members.RemoveAt(random.Next(members.Count));
        for (var more = random.Next(3); more > 0; more--)
            members.Add(Members[random.Next(Members.Length)]);
        random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(members));
        return $"{{{string.Join(random.Next(2) == 0 ? "," : " , ", members)}}}";
    }

    private static KeyProofClaims? Strictly(byte[] json)
    {
        var token = $"{CanonicalBase64Url.Encode("{}"u8)}.{CanonicalBase64Url.Encode(json)}.{CanonicalBase64Url.Encode(new byte[PublicKey.SignatureSize])}";
        Assert.True(CompactJws.TrySplit(token, JwkSignedToken.LengthMax, out var jws));
        using (jws)
            return KeyProofClaims.TryReadAny(jws);
    }
}
