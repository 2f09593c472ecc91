using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Documents;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Credentials.Tests.Documents;

public sealed class DidDocumentsTests
{
    private static readonly PublicKey[] Issuers = [Vectors.Key("issuer").PublicKey, Vectors.Key("next issuer").PublicKey];
    private static readonly JsonElement Expected = Vectors.Section("did_documents");

    [Fact]
    public void The_documents_are_those_of_the_vectors()
    {
        var agent = Vectors.Key("agent").PublicKey;
        Assert.Equal(Expected.Text("agent"), Encoding.UTF8.GetString(DidDocuments.Agent(Vectors.Registry, Vectors.AgentId, agent)));
        Assert.Equal(Expected.Text("agent_deactivated"), Encoding.UTF8.GetString(DidDocuments.Agent(Vectors.Registry, Vectors.AgentId, agent, deactivated: true)));
        var log = Vectors.Section("dids").GetProperty("agent_log").Text("did");
        Assert.Equal(Expected.Text("agent_of_a_log"), Encoding.UTF8.GetString(DidDocuments.Agent(Vectors.Registry, Vectors.AgentId, agent, webvh: log)));
        Assert.Equal(Expected.Text("registry"), Encoding.UTF8.GetString(DidDocuments.Registry(Vectors.Registry, Issuers, [])));
        Assert.Equal(Expected.Text("registry_with_proof_key"), Encoding.UTF8.GetString(DidDocuments.Registry(Vectors.Registry, Issuers, [Vectors.Key("integrity").PublicKey])));
        Assert.Equal(Expected.Text("jwks"), Encoding.UTF8.GetString(DidDocuments.Jwks(Vectors.Registry, Issuers)));
    }

    [Fact]
    public void The_key_that_a_credential_names_is_a_verification_method_of_the_registry()
    {
        using var header = JsonDocument.Parse(Vectors.Section("credentials")[0].Text("header"));
        using var document = JsonDocument.Parse(DidDocuments.Registry(Vectors.Registry, Issuers, []));
        var method = document.RootElement.GetProperty("verificationMethod").EnumerateArray().Single(one => one.Text("id") == header.RootElement.Text("kid"));
        Assert.True(PublicKey.TryParseJwk(Encoding.UTF8.GetBytes(method.GetProperty("publicKeyJwk").GetRawText()), out var key));
        Assert.Equal(Issuers[0], key);
    }

    [Fact]
    public void Each_key_of_the_JWK_set_reads_as_a_public_key()
    {
        using var set = JsonDocument.Parse(DidDocuments.Jwks(Vectors.Registry, Issuers));
        var keys = set.RootElement.GetProperty("keys").EnumerateArray().Select(jwk => PublicKey.TryParseJwk(Encoding.UTF8.GetBytes(jwk.GetRawText()), out var key) ? key : null);
        Assert.Equal(Issuers, keys);
    }

    [Fact]
    public void The_context_defines_every_term_of_a_credential_that_the_W3C_context_leaves_open_and_no_other()
    {
        // What https://www.w3.org/ns/credentials/v2 defines and protects, of what our credentials use.
        string[] theirs = ["@context", "aud", "cnf", "credentialStatus", "credentialSubject", "exp", "iat", "id", "iss", "issuer", "nbf", "sub", "type", "validFrom", "validUntil", "VerifiableCredential"];
        using var credential = JsonDocument.Parse(Vectors.Section("credentials")[1].Text("claims"));
        using var stating = JsonDocument.Parse(Vectors.Section("credentials")[2].Text("claims"));
        using var attested = JsonDocument.Parse(Vectors.Section("credentials")[4].Text("claims"));
        using var context = JsonDocument.Parse(CredentialContext.Document);
        var used = credential.RootElement.EnumerateObject()
            .Concat(stating.RootElement.GetProperty("credentialSubject").EnumerateObject()).Concat(attested.RootElement.GetProperty("credentialSubject").EnumerateObject())
            .Concat(credential.RootElement.GetProperty("cnf").EnumerateObject()).Select(member => member.Name).Append("AgentCredential");
        var defined = context.RootElement.GetProperty("@context").EnumerateObject().Select(member => member.Name).Where(name => name[0] != '@');
        Assert.Equal(used.Except(theirs).Order(StringComparer.Ordinal), defined.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_context_is_strict_JSON_under_the_name_that_credentials_carry()
    {
        Assert.True(StrictJson.TryParse(Encoding.UTF8.GetBytes(CredentialContext.Document), out var document));
        using (document)
        {
            foreach (var term in document.RootElement.GetProperty("@context").EnumerateObject().Where(term => term.Name[0] != '@'))
            {
                var iri = term.Value.ValueKind == JsonValueKind.Object ? term.Value.Text("@id") : term.Value.GetString();
                Assert.Equal($"{CredentialFormat.OwnContext}#{term.Name}", iri);
            }
        }
    }
}
