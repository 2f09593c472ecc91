using System.Net;
using System.Net.Mime;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Storage.Keys;

namespace AgentIdentity.Server.Tests.Http;

/// <summary>The faces that other people's test suites are pointed at, with what such suites send.</summary>
public sealed class VcApiTests(SharedRegistry shared) : IClassFixture<SharedRegistry>
{
    private const string Issue = "/credentials/issue";
    private const string Verify = "/credentials/verify";

    private static readonly HttpClient Client = new();
    private static readonly PrivateKey Key = PrivateKey.Generate(KeyAlgorithm.Ed25519);

    private readonly TestRegistry _registry = shared.Registry;

    [Fact]
    public async Task What_was_issued_has_a_proof_of_its_issuer_and_verifies()
    {
        var issued = await IssueAsync(Credential());
        var (issuer, proof) = ((string)issued["issuer"]!, issued["proof"]!);
        Assert.StartsWith("did:key:z6Mk", issuer, StringComparison.Ordinal);
        Assert.Equal(("DataIntegrityProof", "eddsa-jcs-2022", "assertionMethod"), ((string)proof["type"]!, (string)proof["cryptosuite"]!, (string)proof["proofPurpose"]!));
        Assert.Equal($"{issuer}#{issuer["did:key:".Length..]}", (string)proof["verificationMethod"]!);
        Assert.True(JsonNode.DeepEquals(issued["@context"], proof["@context"]));
        Assert.True(JsonNode.DeepEquals(Credential()["credentialSubject"], issued["credentialSubject"]));
        Assert.Equal((HttpStatusCode.OK, true), await VerifyAsync(issued));
    }

    [Fact]
    public async Task The_status_list_that_an_issued_credential_names_is_there_and_verifies_itself()
    {
        var entry = (await IssueAsync(Credential()))["credentialStatus"]!;
        Assert.InRange(int.Parse((string)entry["statusListIndex"]!, null), 0, 131_071);
        var url = (string)entry["statusListCredential"]!;
        Assert.StartsWith(_registry.PublicUrl + "/", url, StringComparison.Ordinal);
        var list = JsonNode.Parse(await _registry.GetAsync(url[_registry.PublicUrl.Length..]))!;
        Assert.Equal(url, (string)list["id"]!);
        Assert.Equal('u', ((string)list["credentialSubject"]!["encodedList"]!)[0]);
        Assert.Equal((HttpStatusCode.OK, true), await VerifyAsync(list));
    }

    [Fact]
    public async Task An_issuer_that_is_an_object_keeps_what_else_it_says_and_an_own_status_entry_stays()
    {
        var credential = Credential();
        credential["issuer"] = new JsonObject { ["id"] = "did:example:whoever", ["name"] = "Somebody" };
        credential["credentialStatus"] = new JsonObject { ["type"] = "OtherStatus" };
        var issued = await IssueAsync(credential);
        Assert.Equal("Somebody", (string)issued["issuer"]!["name"]!);
        Assert.StartsWith("did:key:", (string)issued["issuer"]!["id"]!, StringComparison.Ordinal);
        Assert.Equal("OtherStatus", (string)issued["credentialStatus"]!["type"]!);
        Assert.Equal((HttpStatusCode.OK, true), await VerifyAsync(issued));
    }

    public static TheoryData<string, string> NoCredentials => new()
    {
        { "@context", "null" }, { "@context", "\"https://www.w3.org/ns/credentials/v2\"" }, { "@context", "[]" }, { "@context", "[\"https://www.w3.org/2018/credentials/v1\"]" },
        { "@context", "[\"urn:other\",\"https://www.w3.org/ns/credentials/v2\"]" }, { "@context", "[\"https://www.w3.org/ns/credentials/v2\",1]" }, { "@context", "[\"https://www.w3.org/ns/credentials/v2\",\"no url\"]" },
        { "type", "[]" }, { "type", "[\"Other\"]" }, { "type", "[\"VerifiableCredential\",1]" }, { "type", "null" }, { "type", "{}" },
        { "id", "1" }, { "id", "[\"urn:a:b\"]" }, { "id", "\"not a url\"" }, { "id", "null" },
        { "issuer", "null" }, { "issuer", "[\"did:example:a\"]" }, { "issuer", "[]" },
        { "credentialSubject", "null" }, { "credentialSubject", "{}" }, { "credentialSubject", "[]" }, { "credentialSubject", "\"did:example:a\"" }, { "credentialSubject", "[{}]" }, { "credentialSubject", "{\"id\":\"not a url\"}" },
        { "validFrom", "\"yesterday\"" }, { "validFrom", "\"2024-11-03T06:41:04\"" }, { "validFrom", "1730616064" }, { "validUntil", "null" },
        { "credentialStatus", "{}" }, { "credentialStatus", "{\"type\":1}" }, { "credentialStatus", "{\"type\":\"Other\",\"id\":\"not a url\"}" }, { "credentialStatus", "{\"type\":\"BitstringStatusListEntry\"}" },
        { "credentialStatus", "{\"type\":\"BitstringStatusListEntry\",\"statusPurpose\":\"revocation\",\"statusListIndex\":true,\"statusListCredential\":\"https://example.com\"}" },
        { "credentialStatus", "{\"type\":\"BitstringStatusListEntry\",\"statusPurpose\":\"revocation\",\"statusListIndex\":\"-1\",\"statusListCredential\":\"https://example.com\"}" },
        { "credentialStatus", "{\"type\":\"BitstringStatusListEntry\",\"statusPurpose\":\"revocation\",\"statusListIndex\":\"1\",\"statusListCredential\":\"no url\"}" },
        { "credentialSchema", "{\"type\":\"JsonSchema\"}" }, { "credentialSchema", "{\"id\":\"https://example.com\"}" }, { "termsOfUse", "{}" }, { "evidence", "[1]" }, { "refreshService", "\"x\"" },
        { "issuer", "\"no url\"" }, { "issuer", "{\"id\":\"no url\"}" }, { "issuer", "{\"id\":null}" }, { "issuer", "{\"id\":\"did:example:a\",\"name\":{\"@value\":\"A\",\"url\":\"urn:a:b\"}}" },
        { "name", "1" }, { "name", "{\"@language\":\"en\"}" }, { "name", "{\"@value\":\"A\",\"url\":\"urn:a:b\"}" }, { "description", "[\"A\",{\"@value\":1}]" },
        { "type", "[\"VerifiableCredential\",\"NotInTheBaseContext\"]" }, { "@context", "[\"https://www.w3.org/ns/credentials/v2\",{\"VerifiableCredential\":\"urn:a:b\"}]" }, { "@context", "[\"https://www.w3.org/ns/credentials/v2\",{\"issuer\":\"urn:a:b\"}]" },
        { "@context", "[\"https://www.w3.org/ns/credentials/v2\",{\"@protected\":true,\"Own\":\"urn:a:b\"},{\"Own\":\"urn:a:c\"}]" },
        { "relatedResource", "[\"https://example.com\"]" }, { "relatedResource", "{\"digestSRI\":\"sha384-AAAA\"}" }, { "relatedResource", "{\"id\":\"https://example.com\"}" },
        { "relatedResource", "[{\"id\":\"urn:a:b\",\"digestSRI\":\"sha384-AAAA\"},{\"id\":\"urn:a:b\",\"digestMultibase\":\"uAAAA\"}]" },
        { "statusEntry", "{\"type\":\"BitstringStatusListEntry\",\"statusListIndex\":true}" }, { "undefinedTerm", "1" }, { "proof", "{}" },
    };

    [Theory]
    [MemberData(nameof(NoCredentials))]
    public async Task What_is_no_credential_is_neither_issued_nor_verified(string member, string value)
    {
        var credential = Credential();
        credential[member] = JsonNode.Parse(value);
        await AssertRefusedAsync(Issue, new JsonObject { ["credential"] = credential.DeepClone() });
        // Signed all the same, by somebody who does not look.
        credential["issuer"] ??= member == "issuer" ? null : Multikey.Did(Key.PublicKey);
        if (member != "proof")
            await AssertRefusedAsync(Verify, new JsonObject { ["verifiableCredential"] = Signed(credential) });
    }

    [Theory]
    [InlineData("[\"https://www.w3.org/ns/credentials/v2\"]", "[\"VerifiableCredential\",\"https://example.com/Own\"]")]
    [InlineData("[\"https://www.w3.org/ns/credentials/v2\",{\"Own\":\"https://example.com/Own\"}]", "[\"Own\",\"VerifiableCredential\"]")]
    [InlineData("[\"https://www.w3.org/ns/credentials/v2\",{\"Own\":{\"@id\":\"https://example.com/Own\"}}]", "[\"VerifiableCredential\",\"Own\"]")]
    [InlineData("[\"https://www.w3.org/ns/credentials/v2\",{\"@vocab\":\"https://example.com/\"}]", "[\"VerifiableCredential\",\"Own\"]")]
    [InlineData("[\"https://www.w3.org/ns/credentials/v2\",\"https://example.com/context\"]", "[\"VerifiableCredential\",\"Own\"]")]
    public async Task A_type_that_a_context_may_define_is_issued_and_so_are_words_in_languages_and_resources_with_digests(string contexts, string types)
    {
        var credential = Credential();
        (credential["@context"], credential["type"]) = (JsonNode.Parse(contexts), JsonNode.Parse(types));
        credential["name"] = JsonNode.Parse("""[{"@value":"Dog","@language":"en"},{"@value":"كلب","@language":"ar","@direction":"rtl"}]""");
        credential["relatedResource"] = JsonNode.Parse("""[{"id":"urn:a:b","digestSRI":"sha384-AAAA"},{"id":"urn:a:c","digestMultibase":"uAAAA","mediaType":"text/plain"}]""");
        Assert.Equal((HttpStatusCode.OK, true), await VerifyAsync(await IssueAsync(credential)));
    }

    [Theory]
    [InlineData("https ://not-a-url#Own")]
    [InlineData("Own")]
    public async Task A_type_that_a_context_maps_to_no_URL_is_refused(string meaning)
    {
        var credential = Credential();
        credential["@context"]!.AsArray().Add((JsonNode)new JsonObject { ["Own"] = meaning });
        credential["type"]!.AsArray().Add((JsonNode)"Own");
        await AssertRefusedAsync(Issue, new JsonObject { ["credential"] = credential });
    }

    [Fact]
    public async Task A_credential_that_ends_before_it_begins_is_not_issued()
    {
        var credential = Credential();
        (credential["validFrom"], credential["validUntil"]) = ("2024-11-03T06:41:04Z", "2024-11-03T07:41:03+01:00");
        await AssertRefusedAsync(Issue, new JsonObject { ["credential"] = credential });
    }

    public static TheoryData<string> NoRequests =>
    [
        "", "null", "[]", "{}", "{\"credential\":null,\"verifiableCredential\":null}", "{\"credential\":\"text\",\"verifiableCredential\":\"text\"}", "{\"credential\":{},\"credential\":{}}",
        "{\"credential\":{},\"verifiableCredential\":{},\"options\":1}", "{\"credential\":{\"a\":" + new string('[', 40) + new string(']', 40) + "}}", "{\"credential\":\"" + new string('a', 300_000) + "\"}",
    ];

    [Theory]
    [MemberData(nameof(NoRequests))]
    public async Task A_request_of_another_form_is_refused(string body)
    {
        await AssertRefusedAsync(await PostAsync(Issue, body), body[..Math.Min(40, body.Length)]);
        await AssertRefusedAsync(await PostAsync(Verify, body), body[..Math.Min(40, body.Length)]);
    }

    [Fact]
    public async Task A_request_that_is_no_JSON_is_refused()
    {
        using var content = new StringContent("{}", Encoding.UTF8, MediaTypeNames.Text.Plain);
        await AssertRefusedAsync(await Client.PostAsync(new Uri(_registry.HttpUrl + Verify), content), "text/plain");
    }

    [Theory]
    [InlineData("type", "Ed25519Signature2020")]
    [InlineData("cryptosuite", "eddsa-rdfc-2022")]
    [InlineData("cryptosuite", null)]
    [InlineData("proofPurpose", "authentication")]
    [InlineData("created", "2024-11-03T06:41:04Z")]
    [InlineData("domain", "example.com")]
    [InlineData("challenge", "1")]
    [InlineData("verificationMethod", "did:key:z6Mk")]
    public async Task An_option_that_asks_for_another_proof_is_refused(string option, string? value) =>
        await AssertRefusedAsync(Issue, new JsonObject { ["credential"] = Credential(), ["options"] = new JsonObject { [option] = value } });

    public static TheoryData<string, string?> ProofChanges => new()
    {
        { "type", "Ed25519Signature2020" }, { "type", null }, { "cryptosuite", "eddsa-rdfc-2022" }, { "cryptosuite", null }, { "proofPurpose", "authentication" }, { "proofPurpose", "invalidPurpose" }, { "proofPurpose", null },
        { "verificationMethod", "did:key:@invalidVm@" }, { "verificationMethod", null }, { "verificationMethod", "did:key:z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b" },
        { "created", "invalidDate" }, { "created", "2024-11-03" }, { "expires", "2020-01-01T00:00:00Z" }, { "expires", "never" }, { "domain", "other.example" }, { "challenge", "1" }, { "previousProof", "urn:a:b" },
        { "proofValue", null }, { "proofValue", "" }, { "proofValue", "z" }, { "proofValue", "uAAAA" }, { "proofValue", "z" + "1111111111111111111111111111111111111111111111111111111111111111" }, { "added", "x" },
    };

    [Theory]
    [MemberData(nameof(ProofChanges))]
    public async Task A_proof_that_was_changed_is_refused(string member, string? value)
    {
        var issued = await IssueAsync(Credential());
        if (value is null)
            issued["proof"]!.AsObject().Remove(member);
        else
            issued["proof"]![member] = value;
        await AssertRefusedAsync(Verify, new JsonObject { ["verifiableCredential"] = issued });
    }

    [Theory]
    [InlineData("issuer", "\"did:key:z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b\"")]
    [InlineData("credentialSubject", "{\"id\":\"did:example:thief\"}")]
    [InlineData("type", "[\"VerifiableCredential\",\"More\"]")]
    [InlineData("validUntil", "\"2099-01-01T00:00:00Z\"")]
    [InlineData("name", "\"added\"")]
    [InlineData("proof", "null")]
    [InlineData("proof", "[]")]
    [InlineData("proof", "\"text\"")]
    public async Task A_credential_that_was_changed_is_refused(string member, string value)
    {
        var issued = await IssueAsync(Credential());
        issued[member] = JsonNode.Parse(value);
        await AssertRefusedAsync(Verify, new JsonObject { ["verifiableCredential"] = issued });
    }

    [Fact]
    public async Task A_proof_is_held_against_the_domain_and_the_challenge_that_were_asked_for()
    {
        var issued = await IssueAsync(Credential());
        foreach (var option in new[] { "domain", "challenge" })
            await AssertRefusedAsync(Verify, new JsonObject { ["verifiableCredential"] = issued.DeepClone(), ["options"] = new JsonObject { [option] = "x" } });
        var body = new JsonObject { ["verifiableCredential"] = issued.DeepClone(), ["options"] = new JsonObject { ["checks"] = new JsonArray("proof") } };
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(Verify, body.ToJsonString())).StatusCode);
    }

    [Theory]
    [InlineData("validUntil", "2020-01-01T00:00:00Z")]
    [InlineData("validFrom", "2099-01-01T00:00:00Z")]
    public async Task A_credential_that_is_over_or_has_not_begun_is_refused(string member, string value)
    {
        var credential = Credential();
        credential[member] = value;
        await AssertRefusedAsync(Verify, new JsonObject { ["verifiableCredential"] = await IssueAsync(credential) });
    }

    [Fact]
    public async Task A_credential_of_the_registry_verifies_in_both_forms_until_its_agent_is_stopped()
    {
        var (agent, stopped) = (await _registry.EnrolAsync(), await _registry.EnrolAsync());
        await _registry.StopAgentAsync(stopped.Did);
        Assert.Equal((HttpStatusCode.OK, true), await VerifyAsync(Enveloped(agent.Credential)));
        await AssertRefusedAsync(Verify, new JsonObject { ["verifiableCredential"] = Enveloped(stopped.Credential) });
        using var connection = agent.Connect();
        var document = JsonNode.Parse((await connection.Credentials.IssueAsync(new IssueRequest { EmbeddedProof = true })).Credential.Document)!;
        Assert.Equal((HttpStatusCode.OK, true), await VerifyAsync(document));
        document["sponsor"] = "Somebody else";
        await AssertRefusedAsync(Verify, new JsonObject { ["verifiableCredential"] = document });
    }

    [Fact]
    public async Task A_credential_that_the_registrys_keys_have_signed_and_the_ledger_does_not_hold_is_refused_in_both_forms()
    {
        var agent = await _registry.EnrolAsync();
        using (var connection = agent.Connect())
            _ = await connection.Credentials.IssueAsync(new IssueRequest { EmbeddedProof = true });
        var (node, name) = (_registry.Host.Registry, _registry.Host.Registry.Settings.Name);
        using var keys = new FileRegistryKeys(_registry.Folder);
        Assert.Equal(Refusal.None, PresentedCredential.Read(agent.Credential, name, node.State.IssuerKeys.Find, out var genuine));
        var forged = genuine!.Claims with { Jti = SubjectId.New(DateTimeOffset.FromUnixTimeSeconds(genuine.Claims.NotBefore)) };
        await AssertRefusedAsync(Verify, new JsonObject { ["verifiableCredential"] = Enveloped(CredentialWriter.Sign(forged, name, keys.Issuer(node.State.IssuerKeys.Current.KeyId))) });
        var document = CredentialWriter.SignDocument(forged, name, keys.Integrity(node.State.IntegrityKeys.Newest!.KeyId));
        await AssertRefusedAsync(Verify, new JsonObject { ["verifiableCredential"] = JsonNode.Parse(document) });
    }

    [Fact]
    public async Task A_server_that_is_not_for_trying_out_has_no_such_faces()
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;
        await using (var registry = await TestRegistry.StartInAsync(folder, "--dev=false"))
        {
            foreach (var path in new[] { Issue, Verify })
                Assert.Equal(HttpStatusCode.NotFound, (await PostAsync(path, "{}", registry)).StatusCode);
            Assert.Equal(HttpStatusCode.NotFound, (await Fixtures.Http.RespondAsync(registry.HttpUrl + "/credentials/status")).StatusCode);
        }
        Directory.Delete(folder, recursive: true);
    }

    private static JsonObject Credential() => new()
    {
        ["@context"] = new JsonArray("https://www.w3.org/ns/credentials/v2"),
        ["id"] = "urn:uuid:0192f0c1-8000-7000-8000-000000000010",
        ["type"] = new JsonArray("VerifiableCredential"),
        ["credentialSubject"] = new JsonObject { ["id"] = "did:key:z6MkhTNL7i2etLerDK8Acz5t528giE5KA4p75T6ka1E1D74r", ["name"] = "Grüße ☃", ["score"] = 4.5 },
    };

    private static JsonObject Enveloped(string token) => new()
    {
        ["@context"] = new JsonArray("https://www.w3.org/ns/credentials/v2"), ["type"] = "EnvelopedVerifiableCredential", ["id"] = "data:application/vc+jwt," + token,
    };

    private static JsonNode Signed(JsonObject credential) =>
        JsonNode.Parse(IntegrityProof.Secure(JsonSerializer.SerializeToElement(credential), Key, Multikey.Method(Key.PublicKey), "2024-11-03T06:41:04Z")!)!;

    private async Task<JsonNode> IssueAsync(JsonObject credential)
    {
        var answer = await PostAsync(Issue, new JsonObject { ["credential"] = credential, ["options"] = new JsonObject() }.ToJsonString());
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
    }

    private async Task<(HttpStatusCode, bool)> VerifyAsync(JsonNode credential)
    {
        var answer = await PostAsync(Verify, new JsonObject { ["verifiableCredential"] = credential.DeepClone() }.ToJsonString());
        return (answer.StatusCode, (bool)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["verified"]!);
    }

    private async Task AssertRefusedAsync(string path, JsonObject request)
    {
        var body = request.ToJsonString();
        await AssertRefusedAsync(await PostAsync(path, body), body);
    }

    private static async Task AssertRefusedAsync(HttpResponseMessage answer, string sent)
    {
        Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{answer.StatusCode}: {sent}");
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.False((bool)problem["verified"]!);
        Assert.EndsWith("#" + (string)problem["title"]!, (string)problem["type"]!, StringComparison.Ordinal);
    }

    private async Task<HttpResponseMessage> PostAsync(string path, string body, TestRegistry? registry = null)
    {
        using var content = new StringContent(body, Encoding.UTF8, MediaTypeNames.Application.Json);
        return await Client.PostAsync(new Uri((registry ?? _registry).HttpUrl + path), content);
    }
}
