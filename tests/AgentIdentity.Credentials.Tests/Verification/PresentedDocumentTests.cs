using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Verification;

namespace AgentIdentity.Credentials.Tests.Verification;

public sealed class PresentedDocumentTests
{
    private static readonly PrivateKey Key = Vectors.Key("integrity");
    private static readonly string Genuine = Vectors.Section("credentials")[0].Text("document");

    [Fact]
    public void The_documents_of_the_vectors_are_written_and_read_with_what_the_tokens_beside_them_say()
    {
        foreach (var expected in Vectors.Section("credentials").EnumerateArray())
        {
            var issuer = Vectors.Key("issuer").PublicKey;
            Assert.Equal(Refusal.None, PresentedCredential.Read(expected.Text("token"), Vectors.Registry, _ => issuer, out var token));
            Assert.Equal(expected.Text("document"), CredentialWriter.SignDocument(token!.Claims, Vectors.Registry, Key));
            Assert.Equal(Refusal.None, Read(expected.Text("document"), out var document));
            Assert.Equal(CredentialWriter.Claims(token.Claims, Vectors.Registry), CredentialWriter.Claims(document!.Claims, Vectors.Registry));
            Assert.Equal(token.AuthorityHash, document.AuthorityHash);
            Assert.Equal(Key.PublicKey.KeyId, document.IssuerKeyId);
        }
    }

    [Fact]
    public void A_document_may_be_spelled_in_another_way()
    {
        var spelled = JsonNode.Parse(Genuine)!.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
        Assert.Equal(Refusal.None, Read(spelled, out _));
    }

    [Fact]
    public void A_document_with_any_member_changed_removed_or_added_is_refused()
    {
        foreach (var (name, _) in JsonNode.Parse(Genuine)!.AsObject())
        {
            AssertRefused(name, document => document.Remove(name));
            AssertRefused(name, document => document[name] = "other");
        }
        foreach (var (name, _) in JsonNode.Parse(Genuine)!["proof"]!.AsObject())
        {
            AssertRefused(name, document => document["proof"]!.AsObject().Remove(name));
            AssertRefused(name, document => document["proof"]![name] = "other");
        }
        AssertRefused("added", document => document["admin"] = true);
        AssertRefused("context added behind", document => document["@context"]!.AsArray().Add("urn:more"));
        AssertRefused("several proofs", document => document["proof"] = new JsonArray(document["proof"]!.DeepClone(), document["proof"]!.DeepClone()));
    }

    public static TheoryData<string, string> Proofs => new()
    {
        { "for another purpose", CredentialClaims(purpose: "authentication") },
        { "by a key that is named elsewhere", CredentialClaims(method: Multikey.Method(Key.PublicKey)) },
        { "by an unknown key", CredentialClaims(method: Vectors.Registry.KeyUrl(Vectors.Key("log").PublicKey.KeyId)) },
        { "by a key of an agent", CredentialClaims(method: Vectors.Registry.AgentKeyUrl(Vectors.AgentId, Key.PublicKey.KeyId)) },
        { "of one context", CredentialClaims(contexts: $"[\"{CredentialFormat.BaseContext}\"]") },
        { "without a context", CredentialClaims(contexts: null) },
        { "made at no time", CredentialClaims(created: "yesterday") },
    };

    [Theory]
    [MemberData(nameof(Proofs))]
    public void A_genuine_signature_in_a_proof_of_another_form_is_refused(string name, string document)
    {
        Assert.Equal(Refusal.CredentialInvalid, Read(document, out var read));
        Assert.True(read is null, name);
    }

    [Fact]
    public void The_same_construction_with_nothing_wrong_is_a_credential() => Assert.Equal(Refusal.None, Read(CredentialClaims(), out _));

    [Fact]
    public void A_genuine_proof_over_claims_that_are_no_credential_is_refused()
    {
        foreach (var claims in new[] { "{}", "{\"type\":[\"VerifiableCredential\"]}", CredentialWriter.Claims(Vectors.Claims(), Vectors.Registry).Replace("\"aud\":[", "\"aud\":[1,", StringComparison.Ordinal) })
            Assert.Equal(Refusal.CredentialInvalid, Read(Sign(claims, Vectors.Registry.KeyUrl(Key.PublicKey.KeyId), "assertionMethod", "2024-11-03T06:41:04Z", CredentialFormat.Contexts), out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"proof\":{}}")]
    [InlineData("{\"proof\":null,\"proof\":null}")]
    public void What_is_no_document_is_refused(string text) => Assert.Equal(Refusal.CredentialInvalid, Read(text, out _));

    [Fact]
    public void A_document_that_is_too_long_or_followed_by_more_is_refused()
    {
        Assert.Equal(Refusal.CredentialInvalid, Read(Genuine + new string(' ', 16_384), out _));
        Assert.Equal(Refusal.CredentialInvalid, Read(Genuine + "{}", out _));
    }

    private static string CredentialClaims(string? method = null, string purpose = "assertionMethod", string created = "2024-11-03T06:41:04Z", string? contexts = CredentialFormat.Contexts) =>
        Sign(CredentialWriter.Claims(Vectors.Claims(), Vectors.Registry), method ?? Vectors.Registry.KeyUrl(Key.PublicKey.KeyId), purpose, created, contexts);

    private static string Sign(string claims, string method, string purpose, string created, string? contexts)
    {
        var document = JsonNode.Parse(claims)!.AsObject();
        document["proof"] = JsonNode.Parse(IntegrityProof.Create(claims, Key, method, purpose, created, contexts));
        return document.ToJsonString();
    }

    private static void AssertRefused(string name, Action<JsonObject> change)
    {
        var document = JsonNode.Parse(Genuine)!.AsObject();
        change(document);
        Assert.True(Read(document.ToJsonString(), out _) == Refusal.CredentialInvalid, name);
    }

    private static Refusal Read(string document, out PresentedCredential? credential) =>
        PresentedCredential.ReadDocument(Encoding.UTF8.GetBytes(document), Vectors.Registry, id => id == Key.PublicKey.KeyId ? Key.PublicKey : null, Vectors.Now, out credential);
}
