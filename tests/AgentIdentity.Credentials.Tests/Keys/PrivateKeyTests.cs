using System.Text;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Tests.Keys;

public sealed class PrivateKeyTests
{
    private const string Passphrase = "correct horse battery staple";
    private static readonly byte[] Message = Vectors.Utf8("a message");

    public static TheoryData<KeyAlgorithm, string> Files => new()
    {
        { KeyAlgorithm.ES256, "" },
        { KeyAlgorithm.Ed25519, "" },
        { KeyAlgorithm.ES256, Passphrase },
        { KeyAlgorithm.Ed25519, Passphrase },
        { KeyAlgorithm.ES256, "pässwörd ✓" },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void A_key_file_gives_back_a_key_that_signs(KeyAlgorithm algorithm, string passphrase)
    {
        using var key = PrivateKey.Generate(algorithm);
        Assert.True(PrivateKey.TryReadKeyFile(key.ToKeyFile(passphrase), passphrase, out var read, out var problem), problem);
        using (read)
        {
            Assert.Equal(key.PublicKey, read.PublicKey);
            Assert.True(key.PublicKey.Verifies(Message, read.Sign(Message)));
        }
    }

    [Fact]
    public void A_key_of_the_vectors_has_the_public_half_of_the_vectors()
    {
        foreach (var expected in Vectors.Section("keys").EnumerateArray())
        {
            using var key = Vectors.Key(expected.Text("name"));
            Assert.Equal(expected.Text("jwk"), key.PublicKey.ToJwk());
        }
    }

    [Fact]
    public void A_plain_key_file_is_the_private_JWK()
    {
        using var key = Vectors.Key("agent");
        var secret = CanonicalBase64Url.Encode(Vectors.Section("keys").EnumerateArray().Single(one => one.Text("name") == "agent").Hex("secret"));
        var x = CanonicalBase64Url.Encode(key.PublicKey.Bytes);
        Assert.Equal($$"""{"crv":"Ed25519","d":"{{secret}}","kty":"OKP","x":"{{x}}"}""", Encoding.ASCII.GetString(key.ToKeyFile("")));
    }

    [Fact]
    public void An_encrypted_key_file_shows_nothing_of_the_key_and_never_repeats_itself()
    {
        using var key = Vectors.Key("agent");
        var secret = CanonicalBase64Url.Encode(Vectors.Section("keys").EnumerateArray().Single(one => one.Text("name") == "agent").Hex("secret"));
        var first = Encoding.ASCII.GetString(key.ToKeyFile(Passphrase));
        Assert.DoesNotContain(secret, first, StringComparison.Ordinal);
        Assert.NotEqual(first, Encoding.ASCII.GetString(key.ToKeyFile(Passphrase)));
    }

    [Fact]
    public void A_wrong_passphrase_is_refused()
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        Assert.False(PrivateKey.TryReadKeyFile(key.ToKeyFile(Passphrase), Passphrase + "r", out var read, out var problem));
        Assert.Null(read);
        Assert.Equal("The passphrase is wrong, or the key file was changed.", problem);
    }

    [Fact]
    public void A_passphrase_is_given_for_an_encrypted_key_file_and_for_no_other()
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        Assert.False(PrivateKey.TryReadKeyFile(key.ToKeyFile(Passphrase), "", out _, out var needed));
        Assert.Equal("The key file is encrypted: its passphrase is needed.", needed);
        Assert.False(PrivateKey.TryReadKeyFile(key.ToKeyFile(""), Passphrase, out _, out var unneeded));
        Assert.Equal("The key file is not encrypted, and a passphrase was given for it.", unneeded);
    }

    [Theory]
    [InlineData("\"iterations\":210000", "\"iterations\":209999")]
    [InlineData("\"iterations\":210000", "\"iterations\":10000001")]
    [InlineData("\"iterations\":210000", "\"iterations\":2e5")]
    [InlineData("\"iterations\":210000", "\"iterations\":-1")]
    [InlineData("\"iterations\":210000", "\"iterations\":\"210000\"")]
    [InlineData("PBKDF2-HMAC-SHA-512", "PBKDF2-HMAC-SHA-1")]
    [InlineData("AES-256-GCM", "AES-256-CBC")]
    [InlineData("\"salt\":\"", "\"salt\":\"AA")]
    [InlineData("\"tag\":\"", "\"tag\":\"AA")]
    [InlineData("\"nonce\":\"", "\"once\":\"")]
    [InlineData("\"ciphertext\":\"", "\"ciphertext\":\"=")]
    public void Other_parameters_than_ours_are_refused_without_being_tried(string ours, string other)
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var file = Encoding.ASCII.GetString(key.ToKeyFile(Passphrase)).Replace(ours, other, StringComparison.Ordinal);
        Assert.False(PrivateKey.TryReadKeyFile(Encoding.ASCII.GetBytes(file), Passphrase, out _, out var problem));
        Assert.StartsWith("The encrypted key file is not one of ours", problem);
    }

    [Fact]
    public void A_key_file_pieced_together_from_two_keys_is_refused()
    {
        foreach (var algorithm in Enum.GetValues<KeyAlgorithm>())
        {
            using var one = PrivateKey.Generate(algorithm);
            using var other = PrivateKey.Generate(algorithm);
            var mixed = Encoding.ASCII.GetString(one.ToKeyFile(""))
                .Replace(one.PublicKey.ToJwk()[one.PublicKey.ToJwk().IndexOf("\"x\"", StringComparison.Ordinal)..], other.PublicKey.ToJwk()[other.PublicKey.ToJwk().IndexOf("\"x\"", StringComparison.Ordinal)..], StringComparison.Ordinal);
            Assert.False(PrivateKey.TryReadKeyFile(Encoding.ASCII.GetBytes(mixed), "", out _, out var problem));
            Assert.Equal("The two halves of the key in the key file do not belong together.", problem);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("-----BEGIN PRIVATE KEY-----")]
    [InlineData("""{"crv":"P-256","d":"","kty":"EC","x":"","y":""}""")]
    [InlineData("""{"crv":"P-256","d":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","kty":"EC","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}""")]
    [InlineData("""{"crv":"P-256","d":"_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE","kty":"EC","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}""")]
    [InlineData("""{"crv":"P-521","d":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","kty":"EC","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}""")]
    public void What_is_not_a_key_file_is_refused_with_a_sentence(string content)
    {
        Assert.False(PrivateKey.TryReadKeyFile(Vectors.Utf8(content), "", out var key, out var problem));
        Assert.Null(key);
        Assert.EndsWith(".", problem);
    }

    [Theory]
    [InlineData(KeyAlgorithm.ES256)]
    [InlineData(KeyAlgorithm.Ed25519)]
    public void A_key_signs_from_many_threads_at_once(KeyAlgorithm algorithm)
    {
        using var key = PrivateKey.Generate(algorithm);
        Parallel.For(0, 500, new ParallelOptions { MaxDegreeOfParallelism = 16 }, round =>
        {
            var message = BitConverter.GetBytes(round);
            Assert.True(key.PublicKey.Verifies(message, key.Sign(message)));
        });
    }
}
