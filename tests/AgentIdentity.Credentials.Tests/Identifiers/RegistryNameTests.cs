using AgentIdentity.Credentials.Identifiers;

namespace AgentIdentity.Credentials.Tests.Identifiers;

public sealed class RegistryNameTests
{
    [Fact]
    public void The_names_of_the_vectors_follow_from_the_public_URL()
    {
        var names = Vectors.Section("names");
        var registry = Vectors.Registry;
        Assert.Equal(names.Text("public_url"), registry.PublicUrl);
        Assert.Equal(names.Text("origin"), registry.Origin);
        Assert.Equal(names.Text("registry_did"), registry.Did);
        Assert.Equal(names.Text("agent_did"), registry.AgentDid(Vectors.AgentId));
        Assert.Equal(names.Text("agent_uuid"), Vectors.AgentId.ToString());
        Assert.Equal(names.Text("issuer_key_url"), registry.KeyUrl(Vectors.Key("issuer").PublicKey.KeyId));
    }

    [Theory]
    [InlineData("https://registry.example", "registry.example", "did:web:registry.example", false, true)]
    [InlineData("https://registry.example:8443", "registry.example:8443", "did:web:registry.example%3A8443", false, true)]
    [InlineData("http://localhost:5000", "localhost:5000", "did:web:localhost%3A5000", true, false)]
    [InlineData("https://registry.localhost", "registry.localhost", "did:web:registry.localhost", true, true)]
    [InlineData("https://xn--bcher-kva.example", "xn--bcher-kva.example", "did:web:xn--bcher-kva.example", false, true)]
    [InlineData("https://1.example", "1.example", "did:web:1.example", false, true)]
    [InlineData("https://0xen.example", "0xen.example", "did:web:0xen.example", false, true)]
    public void A_public_URL_has_one_origin_and_one_DID(string url, string origin, string did, bool isLoopback, bool isHttps)
    {
        var name = Vectors.Name(url);
        Assert.Equal((url, origin, did, isLoopback, isHttps), (name.PublicUrl, name.Origin, name.Did, name.IsLoopback, name.IsHttps));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("registry.example")]
    [InlineData("https:/registry.example")]
    [InlineData("https://")]
    [InlineData("https://registry.example/")]
    [InlineData("https://registry.example/registry")]
    [InlineData("https://registry.example?a")]
    [InlineData("https://registry.example#a")]
    [InlineData("https://Registry.example")]
    [InlineData("HTTPS://registry.example")]
    [InlineData("ftp://registry.example")]
    [InlineData("http://registry.example")]
    [InlineData("http://localhost.example")]
    [InlineData("http://notlocalhost")]
    [InlineData("https://registry.example:443")]
    [InlineData("http://localhost:80")]
    [InlineData("https://registry.example:")]
    [InlineData("https://registry.example:0")]
    [InlineData("https://registry.example:08443")]
    [InlineData("https://registry.example:65536")]
    [InlineData("https://registry.example:8443/")]
    [InlineData("https://registry.example:+8443")]
    [InlineData("https://registry.example: 8443")]
    [InlineData("https://user@registry.example")]
    [InlineData("https://user:password@registry.example")]
    [InlineData("https://registry.example.")]
    [InlineData("https://.example")]
    [InlineData("https://a..example")]
    [InlineData("https://-a.example")]
    [InlineData("https://a-.example")]
    [InlineData("https://a_b.example")]
    [InlineData("https://a b.example")]
    [InlineData("https://a%2eexample")]
    [InlineData("https://bücher.example")]
    [InlineData("https://ｅxample.example")]
    [InlineData("https://example\0.example")]
    [InlineData("https://127.0.0.1:5000")]
    [InlineData("https://10.1")]
    [InlineData("https://2130706433")]
    [InlineData("https://0x7f000001")]
    [InlineData("https://example.0x")]
    [InlineData("https://[::1]:5000")]
    [InlineData("https://[::1]")]
    public void What_is_not_the_one_spelling_of_a_host_name_is_refused_with_a_sentence(string? url)
    {
        Assert.False(RegistryName.TryParse(url, out var name, out var problem));
        Assert.Null(name);
        Assert.EndsWith(".", problem);
    }

    [Fact]
    public void A_host_name_has_at_most_253_characters_and_63_in_a_label()
    {
        var label = new string('a', 63);
        Assert.True(RegistryName.TryParse($"https://{label}.{label}.{label}.{new string('a', 61)}", out _, out _));
        Assert.False(RegistryName.TryParse($"https://{label}.{label}.{label}.{new string('a', 62)}", out _, out _));
        Assert.False(RegistryName.TryParse($"https://{label}a.example", out _, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("did:web:localhost%3A5000")]
    [InlineData("did:web:localhost%3A5000:agents:")]
    [InlineData("did:web:localhost%3A5000:agents:0192F0C1-7A00-7DEF-8123-456789ABCDEF")]
    [InlineData("did:web:localhost%3a5000:agents:0192f0c1-7a00-7def-8123-456789abcdef")]
    [InlineData("DID:web:localhost%3A5000:agents:0192f0c1-7a00-7def-8123-456789abcdef")]
    [InlineData("did:WEB:localhost%3A5000:agents:0192f0c1-7a00-7def-8123-456789abcdef")]
    [InlineData("did:web:localhost:5000:agents:0192f0c1-7a00-7def-8123-456789abcdef")]
    [InlineData("did:web:other.example:agents:0192f0c1-7a00-7def-8123-456789abcdef")]
    [InlineData("did:web:localhost%3A5000:agents:0192f0c17a007def8123456789abcdef")]
    [InlineData("did:web:localhost%3A5000:agents:{0192f0c1-7a00-7def-8123-456789abcdef}")]
    [InlineData("did:web:localhost%3A5000:agents: 0192f0c1-7a00-7def-8123-456789abcdef")]
    [InlineData("did:web:localhost%3A5000:agents:0192f0c1-7a00-7def-8123-456789abcdef ")]
    [InlineData("did:web:localhost%3A5000:agents:0192f0c1-7a00-7def-8123-456789abcdef#key")]
    [InlineData("did:web:localhost%3A5000:agents:0192f0c1-7a00-7def-8123-456789abcde\0")]
    [InlineData("did:web:localhost%3A5000:agents:0x92f0c1-7a00-7def-8123-456789abcdef")]
    [InlineData("did:web:localhost%3A5000:agents:+192f0c1-7a00-7def-8123-456789abcdef")]
    [InlineData("did:web:localhost%3A5000:agents:0192f0c1-7a00-7def-8123-456789abcd\u0435f")]
    public void Another_spelling_of_an_agents_DID_names_nobody(string did) => Assert.False(Vectors.Registry.TryParseAgentDid(did, out _));

    [Fact]
    public void An_agent_is_named_by_its_DID_or_its_UUID()
    {
        Assert.True(Vectors.Registry.TryParseAgent(Vectors.Registry.AgentDid(Vectors.AgentId), out var byDid));
        Assert.True(Vectors.Registry.TryParseAgent(Vectors.AgentId.ToString(), out var byUuid));
        Assert.Equal((Vectors.AgentId, Vectors.AgentId), (byDid, byUuid));
        Assert.False(Vectors.Registry.TryParseAgentDid(Vectors.AgentId.ToString(), out _));
    }

    [Fact]
    public void Random_changes_of_a_DID_never_name_the_same_agent()
    {
        const int seed = 20261;
        var random = new Random(seed);
        var did = Vectors.Registry.AgentDid(Vectors.AgentId);
        for (var round = 0; round < 100_000; round++)
        {
            var changed = did.ToCharArray();
            changed[random.Next(changed.Length)] = (char)(random.Next(4) == 0 ? random.Next(0x3000) : random.Next(0x80));
            if (!changed.AsSpan().SequenceEqual(did))
                Assert.False(Vectors.Registry.TryParseAgentDid(changed, out var agent) && agent == Vectors.AgentId, $"seed {seed}, round {round}: {new string(changed)}");
        }
    }

    [Fact]
    public void A_key_URL_reads_back_and_another_registrys_does_not()
    {
        var key = Vectors.Key("issuer").PublicKey.KeyId;
        var url = Vectors.Registry.KeyUrl(key);
        Assert.True(Vectors.Registry.TryParseKeyUrl(url, out var read));
        Assert.Equal(key, read);
        Assert.False(Vectors.Registry.TryParseKeyUrl(Vectors.Name("https://other.example").KeyUrl(key), out _));
        Assert.False(Vectors.Registry.TryParseKeyUrl(url + "A", out _));
        Assert.False(Vectors.Registry.TryParseKeyUrl(url.AsSpan(0, url.Length - 1), out _));
        Assert.False(Vectors.Registry.TryParseKeyUrl(url.Replace('#', '?'), out _));
    }
}
