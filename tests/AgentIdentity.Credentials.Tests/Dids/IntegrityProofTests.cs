using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Credentials.Tests.Dids;

public sealed class IntegrityProofTests
{
    private static readonly JsonElement Expected = Vectors.Section("dids").GetProperty("proof");
    private static readonly PrivateKey Key = Vectors.Key("agent");

    [Fact]
    public void The_proof_is_that_of_the_vectors()
    {
        var proof = IntegrityProof.Create(
            Expected.Text("document"), Key, Multikey.Method(Key.PublicKey), "assertionMethod", "2024-11-03T06:41:04Z", """["https://www.w3.org/ns/credentials/v2"]""");
        Assert.Equal(Expected.Text("proof"), proof);
    }

    [Fact]
    public void A_proof_verifies_in_its_document_and_beside_it()
    {
        Assert.Equal(IntegrityRefusal.None, Check(document => { }, proof => { }));
        Assert.Equal(IntegrityRefusal.None, Check(document => document["proof"] = JsonNode.Parse(Expected.Text("proof")), proof => { }));
    }

    public static TheoryData<string, IntegrityRefusal> Changes => new()
    {
        { "proofValue", IntegrityRefusal.Form }, { "type", IntegrityRefusal.Form }, { "cryptosuite", IntegrityRefusal.Suite }, { "proofPurpose", IntegrityRefusal.Purpose },
        { "created", IntegrityRefusal.Form }, { "@context", IntegrityRefusal.Context }, { "verificationMethod", IntegrityRefusal.Signature }, { "nonce", IntegrityRefusal.Signature },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void A_proof_with_another_member_is_refused(string member, IntegrityRefusal refusal) =>
        Assert.Equal(refusal, Check(document => { }, proof => proof[member] = "other"));

    [Fact]
    public void A_changed_document_is_refused()
    {
        Assert.Equal(IntegrityRefusal.Signature, Check(document => document["credentialSubject"]!["score"] = 4.6, proof => { }));
        Assert.Equal(IntegrityRefusal.Signature, Check(document => document["added"] = true, proof => { }));
        Assert.Equal(IntegrityRefusal.Signature, Check(document => document.Remove("type"), proof => { }));
    }

    [Fact]
    public void A_context_added_behind_is_not_signed_and_one_before_is_refused_by_name()
    {
        Assert.Equal(IntegrityRefusal.None, Check(document => document["@context"]!.AsArray().Add("urn:more"), proof => { }));
        Assert.Equal(IntegrityRefusal.Signature, Check(document => document["@context"]!.AsArray().Add("urn:more"), proof => proof["@context"]!.AsArray().Add("urn:more")));
        Assert.Equal(IntegrityRefusal.Context, Check(document => document["@context"]!.AsArray().Insert(0, "urn:more"), proof => { }));
    }

    [Fact]
    public void A_proof_that_has_expired_is_refused()
    {
        Assert.Equal(IntegrityRefusal.Expired, Check(document => { }, proof => proof["expires"] = "2024-11-03T06:41:04Z"));
        Assert.Equal(IntegrityRefusal.Signature, Check(document => { }, proof => proof["expires"] = "2099-01-01T00:00:00Z"));
        Assert.Equal(IntegrityRefusal.Form, Check(document => { }, proof => proof["expires"] = "2099-01-01"));
    }

    [Fact]
    public void Another_key_refuses_and_so_does_one_of_another_kind()
    {
        Assert.Equal(IntegrityRefusal.Signature, Check(document => { }, proof => { }, Vectors.Key("log").PublicKey));
        Assert.Equal(IntegrityRefusal.Suite, Check(document => { }, proof => { }, Vectors.Key("issuer").PublicKey));
    }

    [Fact]
    public void Every_bit_of_the_signature_counts()
    {
        var value = JsonNode.Parse(Expected.Text("proof"))!["proofValue"]!.GetValue<string>();
        Assert.True(Base58.TryDecode(value.AsSpan(1), out var signature));
        for (var bit = 0; bit < 8 * signature.Length; bit++)
        {
            var turned = signature.ToArray();
            turned[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Equal(IntegrityRefusal.Signature, Check(document => { }, proof => proof["proofValue"] = 'z' + Base58.Encode(turned)));
        }
    }

    public static TheoryData<string, string> Numbers => new()
    {
        { "0", "0" }, { "-0", "0" }, { "1.0", "1" }, { "4.50", "4.5" }, { "2e-3", "0.002" }, { "0.000001", "0.000001" }, { "1e-7", "1e-7" }, { "1.5e-7", "1.5e-7" }, { "123456789012345680000", "123456789012345680000" },
        { "1e21", "1e+21" }, { "333333333.33333329", "333333333.3333333" }, { "1E30", "1e+30" }, { "-1.7976931348623157e308", "-1.7976931348623157e+308" }, { "5e-324", "5e-324" }, { "9007199254740993", "9007199254740992" },
        // 2^-25, and the number below it; 2^-958.
        { "2.98023223876953125e-8", "2.9802322387695312e-8" }, { "2.980232238769531e-8", "2.980232238769531e-8" }, { "4.1045368012983762e-289", "4.1045368012983762e-289" },
    };

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Numbers_are_written_as_ECMAScript_writes_them(string text, string canonical)
    {
        using var number = JsonDocument.Parse(text);
        Assert.True(Jcs.TryCanonicalizeAny(number.RootElement, out var written));
        Assert.Equal(canonical, written);
    }

    [Fact]
    public void A_number_beyond_all_doubles_is_refused()
    {
        using var number = JsonDocument.Parse("1e999");
        Assert.False(Jcs.TryCanonicalizeAny(number.RootElement, out _));
    }

    private static IntegrityRefusal Check(Action<JsonObject> changeDocument, Action<JsonObject> changeProof, PublicKey? key = null)
    {
        var (document, proof) = (JsonNode.Parse(Expected.Text("document"))!.AsObject(), JsonNode.Parse(Expected.Text("proof"))!.AsObject());
        changeDocument(document);
        changeProof(proof);
        return IntegrityProof.Check(
            JsonSerializer.SerializeToElement(document), JsonSerializer.SerializeToElement(proof), key ?? Key.PublicKey, IntegrityProof.AssertionMethod, Vectors.Now);
    }
}
