using AgentIdentity.Credentials.Delegation;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Status;
using AgentIdentity.Credentials.Verification;

namespace AgentIdentity.Credentials.Tests.Verification;

public sealed class PresentedCredentialTests
{
    private static readonly PrivateKey Issuer = Vectors.Key("issuer");

    [Fact]
    public void The_credentials_of_the_vectors_are_read_with_their_hashes()
    {
        foreach (var expected in Vectors.Section("credentials").EnumerateArray())
        {
            Assert.Equal(Refusal.None, Read(expected.Text("token"), out var credential));
            Assert.Equal(expected.Hash("token_hash"), credential!.TokenHash);
            Assert.Equal(expected.Hash("authority_hash"), credential.AuthorityHash);
            Assert.Equal(Issuer.PublicKey.KeyId, credential.IssuerKeyId);
            Assert.Equal(expected.Text("jti"), credential.Claims.Jti.ToString());
            Assert.Equal(expected.GetProperty("act").GetString(), credential.Claims.Act);
            Assert.Equal(credential.Claims.Act, ChainOfCommand.Write(credential.Claims.Chain, Vectors.Registry, credential.Claims.TopSponsor));
            AssertEqual(Vectors.Claims() with { Jti = credential.Claims.Jti, Act = credential.Claims.Act, Chain = credential.Claims.Chain, TopSponsor = credential.Claims.TopSponsor, StatedLabels = credential.Claims.StatedLabels, AttestedLabels = credential.Claims.AttestedLabels, StatusIndex = credential.Claims.StatusIndex, Certificate = credential.Claims.Certificate }, credential.Claims);
            Assert.Equal(expected.GetProperty("certificate").ValueKind == System.Text.Json.JsonValueKind.Null ? null : expected.Hash("certificate"), credential.Claims.Certificate);
        }
        Assert.Equal(Refusal.None, Read(Vectors.Section("credentials")[2].Text("token"), out var stating));
        Assert.Equal(Vectors.StatedLabels, stating!.Claims.StatedLabels);
        Assert.Equal([.. Vectors.Claims().Labels, .. Vectors.StatedLabels], stating.Claims.AllLabels);
        Assert.Equal(Refusal.None, Read(Vectors.Section("credentials")[4].Text("token"), out var attested));
        Assert.Equal([.. Vectors.Claims().Labels, .. Vectors.AttestedLabels], attested!.Claims.AllLabels);
        Assert.Equal(Refusal.None, Read(Vectors.Section("credentials")[3].Text("token"), out var later));
        Assert.Equal(new StatusPlace(1, 5), StatusPlace.Of(later!.Claims.StatusIndex));
    }

    [Fact]
    public void The_writer_makes_the_header_and_the_claims_of_the_vectors()
    {
        var expected = Vectors.Section("credentials")[0];
        Assert.Equal(expected.Text("header"), CredentialWriter.Header(Vectors.Registry, Issuer.PublicKey.KeyId));
        Assert.Equal(expected.Text("claims"), CredentialWriter.Claims(Vectors.Claims(), Vectors.Registry));

        var delegated = Vectors.Section("credentials")[1];
        var claims = Vectors.Claims() with { Jti = Vectors.Id(delegated.Text("jti")), Act = delegated.Text("act"), StatusIndex = 1 };
        Assert.Equal(delegated.Text("claims"), CredentialWriter.Claims(claims, Vectors.Registry));
        Assert.Equal(Vectors.Section("credentials")[2].Text("claims"), CredentialWriter.Claims(Vectors.Claims() with { StatedLabels = Vectors.StatedLabels }, Vectors.Registry));
        var bound = Vectors.Section("credentials")[5];
        Assert.Equal(bound.Text("claims"), CredentialWriter.Claims(Vectors.Claims() with { Certificate = bound.Hash("certificate") }, Vectors.Registry));
        Assert.Equal(Vectors.Section("credentials")[3].Text("claims"), CredentialWriter.Claims(Vectors.Claims() with { StatusIndex = new StatusPlace(1, 5).Index }, Vectors.Registry));
        Assert.Equal(Vectors.Section("credentials")[4].Text("claims"), CredentialWriter.Claims(Vectors.Claims() with { AttestedLabels = Vectors.AttestedLabels }, Vectors.Registry));
    }

    [Fact]
    public void A_credential_that_was_written_is_read_with_the_same_claims()
    {
        var claims = Vectors.Claims() with
        {
            Sponsor = "\"Sp\\onsor\"\u0001 ☃ 😀",
            Blueprint = "b\n",
            Labels = [new("\"", "quote"), new("a", ""), new("größe", "\\")],
            LedgerIndex = (1UL << 53) - 1,
            LedgerPosition = uint.MaxValue,
            StatusIndex = ulong.MaxValue,
        };
        Assert.Equal(Refusal.None, Read(CredentialWriter.Sign(claims, Vectors.Registry, Issuer), out var credential));
        AssertEqual(claims, credential!.Claims);
    }

    [Fact]
    public void A_credential_that_one_registry_reads_is_not_anothers()
    {
        var token = CredentialWriter.Sign(Vectors.Claims(), Vectors.Registry, Issuer);
        Assert.Equal(Refusal.None, Read(token, out _));
        Assert.True(RegistryName.TryParse("https://registry.example", out var other, out _));
        Assert.Equal(Refusal.CredentialInvalid, PresentedCredential.Read(token, other, _ => Issuer.PublicKey, out _));
    }

    [Fact]
    public void An_envelope_that_was_read_before_has_the_same_authority_alone_and_under_a_chain_of_command()
    {
        foreach (var expected in Vectors.Section("credentials").EnumerateArray().Concat(Vectors.Section("credentials").EnumerateArray()))
        {
            Assert.Equal(Refusal.None, Read(expected.Text("token"), out var credential));
            Assert.Equal(expected.Hash("authority_hash"), credential!.AuthorityHash);
        }
    }

    [Theory]
    [InlineData("{\"@context\"", "{\"@a\":{\"b\":[1,\"\\u00e4\"]},\"@context\"")]
    [InlineData(",\"exp\":", ",\"excuse\":null,\"exp\":")]
    [InlineData("\"labels\":", "\"kind\":[],\"labels\":")]
    [InlineData(",\"uri\":\"https://localhost:5000/status/0\"", ",\"uri\":\"https://localhost:5000/status/0\",\"z\":{}")]
    [InlineData("Z\"}", "Z\",\"zz\":1.5e3}")]
    public void A_member_of_a_later_version_says_nothing_in_its_place(string piece, string replacement)
    {
        var token = Tokens.Forge.Token(CredentialWriter.Header(Vectors.Registry, Issuer.PublicKey.KeyId), Tokens.Forge.With(CredentialWriter.Claims(Vectors.Claims(), Vectors.Registry), piece, replacement), Issuer);
        Assert.Equal(Refusal.None, Read(token, out var credential));
        AssertEqual(Vectors.Claims(), credential!.Claims);
    }

    [Fact]
    public void A_credential_without_labels_is_read()
    {
        var claims = Vectors.Claims() with { Labels = [] };
        Assert.Equal(Refusal.None, Read(CredentialWriter.Sign(claims, Vectors.Registry, Issuer), out var credential));
        Assert.Empty(credential!.Claims.Labels);
    }

    [Theory]
    [InlineData(-6, Refusal.CredentialNotYetValid)]
    [InlineData(-5, Refusal.None)]
    [InlineData(0, Refusal.None)]
    [InlineData(599, Refusal.None)]
    [InlineData(600, Refusal.CredentialExpired)]
    [InlineData(1e9, Refusal.CredentialExpired)]
    [InlineData(-1e9, Refusal.CredentialNotYetValid)]
    public void A_credential_is_good_from_five_seconds_before_its_start_to_the_second_before_its_end(double seconds, Refusal expected) =>
        Assert.Equal(expected, PresentedCredential.CheckTimes(Vectors.Claims(), Vectors.Now.AddSeconds(seconds)));

    [Fact]
    public void The_last_moment_before_the_end_is_inside() =>
        Assert.Equal(Refusal.None, PresentedCredential.CheckTimes(Vectors.Claims(), Vectors.Now.AddSeconds(600).AddTicks(-1)));

    [Theory]
    [InlineData("https://tools.example/documents", Refusal.None)]
    [InlineData("https://tools.example/mail", Refusal.None)]
    [InlineData("https://tools.example/documents/", Refusal.AudienceMismatch)]
    [InlineData("https://TOOLS.example/documents", Refusal.AudienceMismatch)]
    [InlineData("https://tools.example", Refusal.AudienceMismatch)]
    [InlineData("", Refusal.AudienceMismatch)]
    public void The_audience_is_compared_exactly(string audience, Refusal expected) =>
        Assert.Equal(expected, PresentedCredential.CheckAudience(Vectors.Claims(), audience));

    [Fact]
    public void A_credential_of_a_key_that_the_registry_never_had_is_invalid()
    {
        var token = Vectors.Section("credentials")[0].Text("token");
        Assert.Equal(Refusal.CredentialInvalid, PresentedCredential.Read(token, Vectors.Registry, _ => null, out var credential));
        Assert.Null(credential);
    }

    [Fact]
    public void What_is_wrong_with_a_credential_is_told_beside_the_one_name_that_it_has_outside()
    {
        var token = Vectors.Section("credentials")[0].Text("token");
        var header = CredentialWriter.Header(Vectors.Registry, Issuer.PublicKey.KeyId);
        Assert.Equal(CredentialFlaw.None, Flaw(token));
        Assert.Equal(CredentialFlaw.Form, Flaw("not a credential"));
        Assert.Equal(CredentialFlaw.Form, Flaw(Tokens.Forge.Token(Tokens.Forge.With(header, "vc+jwt", "jwt"), "{}", Issuer)));
        Assert.Equal(CredentialFlaw.Key, Flaw(Tokens.Forge.Token(CredentialWriter.Header(Vectors.Registry, Vectors.Key("next issuer").PublicKey.KeyId), "{}", Vectors.Key("next issuer"))));
        Assert.Equal(CredentialFlaw.Key, Flaw(Tokens.Forge.Token(Tokens.Forge.With(header, Vectors.Registry.Did + "#", "did:web:registry.example#"), "{}", Issuer)));
        Assert.Equal(CredentialFlaw.Signature, Flaw(Tokens.Forge.Token(header, CredentialWriter.Claims(Vectors.Claims(), Vectors.Registry), Vectors.Key("next issuer"))));
        Assert.Equal(CredentialFlaw.Claims, Flaw(Tokens.Forge.Token(header, "{}", Issuer)));
    }

    [Fact]
    public void The_issuer_key_is_looked_up_by_the_id_in_the_header_and_nothing_else()
    {
        var asked = new List<KeyId>();
        PresentedCredential.Read(Vectors.Section("credentials")[0].Text("token"), Vectors.Registry, id => Answer(id, asked), out _);
        Assert.Equal([Issuer.PublicKey.KeyId], asked);
    }

    [Fact]
    public void An_Ed25519_key_signs_no_credentials()
    {
        using var ed25519 = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        Assert.Throws<ArgumentException>(() => CredentialWriter.Sign(Vectors.Claims(), Vectors.Registry, ed25519));
        var token = Tokens.Forge.Token(CredentialWriter.Header(Vectors.Registry, ed25519.PublicKey.KeyId), CredentialWriter.Claims(Vectors.Claims(), Vectors.Registry), ed25519);
        Assert.Equal(Refusal.CredentialInvalid, PresentedCredential.Read(token, Vectors.Registry, _ => ed25519.PublicKey, out _));
    }

    [Fact]
    public void What_does_not_fit_is_known_before_it_is_signed()
    {
        var longest = LongestSponsor();
        var fitting = Vectors.Claims() with { Sponsor = new string('s', longest) };
        Assert.Equal(Refusal.None, Read(CredentialWriter.Sign(fitting, Vectors.Registry, Issuer), out _));
        var tooLong = fitting with { Sponsor = new string('s', longest + 1) };
        Assert.False(CredentialWriter.Fits(tooLong, Vectors.Registry));
        Assert.Throws<ArgumentException>(() => CredentialWriter.Sign(tooLong, Vectors.Registry, Issuer));
    }

    [Fact]
    public void Random_mutations_of_a_credential_are_all_invalid()
    {
        const int seed = 20268;
        var random = new Random(seed);
        var token = Vectors.Section("credentials")[0].Text("token");
        for (var round = 0; round < 20_000; round++)
        {
            var mutated = new string([.. Mutation.Of(Vectors.Utf8(token), random).Select(letter => (char)letter)]);
            if (mutated != token)
                Assert.True(Read(mutated, out _) == Refusal.CredentialInvalid, $"seed {seed}, round {round}: {mutated}");
        }
    }

    [Fact]
    public void Each_truncation_of_a_credential_is_invalid()
    {
        var token = Vectors.Section("credentials")[0].Text("token");
        for (var length = 0; length < token.Length; length++)
            Assert.Equal(Refusal.CredentialInvalid, Read(token[..length], out _));
    }

    private static Refusal Read(string? token, out PresentedCredential? credential) =>
        PresentedCredential.Read(token, Vectors.Registry, id => id == Issuer.PublicKey.KeyId ? Issuer.PublicKey : null, out credential);

    private static CredentialFlaw Flaw(string token)
    {
        var refusal = PresentedCredential.Read(token, Vectors.Registry, id => id == Issuer.PublicKey.KeyId ? Issuer.PublicKey : null, out _, out var flaw);
        Assert.Equal(flaw == CredentialFlaw.None ? Refusal.None : Refusal.CredentialInvalid, refusal);
        return flaw;
    }

    private static PublicKey? Answer(KeyId id, List<KeyId> asked)
    {
        asked.Add(id);
        return Issuer.PublicKey;
    }

    private static int LongestSponsor()
    {
        var (fits, doesNot) = (1, 20_000);
        while (doesNot - fits > 1)
        {
            var middle = (fits + doesNot) / 2;
            var isFitting = CredentialWriter.Fits(Vectors.Claims() with { Sponsor = new string('s', middle) }, Vectors.Registry);
            (fits, doesNot) = isFitting ? (middle, doesNot) : (fits, middle);
        }
        return fits;
    }

    private static void AssertEqual(CredentialClaims expected, CredentialClaims actual)
    {
        Assert.Equal(expected.Labels, actual.Labels);
        Assert.Equal(expected.Audience, actual.Audience);
        Assert.Equal(expected.Envelope.Canonical, actual.Envelope.Canonical);
        Assert.Equal(expected with { Labels = actual.Labels, Audience = actual.Audience, Envelope = actual.Envelope }, actual);
    }
}
