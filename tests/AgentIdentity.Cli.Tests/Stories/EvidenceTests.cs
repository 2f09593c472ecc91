using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using AgentIdentity.Interop.Tests;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>Agents enrol with evidence that other people's software has made: a token by jose, an SVID by openssl, the word of another agent. All processes are real.</summary>
public sealed class EvidenceTests
{
    private const string Issuer = "https://issuer.example";
    private const string Subject = "system:serviceaccount:research:summariser";
    private const string PublicUrl = "https://localhost:5000";
    private const string Rules = """[{"type":"oidc","issuer":"https://issuer.example","claims":{"sub":"system:serviceaccount:research:*","/kubernetes.io/namespace":"research"}},{"type":"spiffe","id":"spiffe://example.org/research/*"},{"type":"vouch"}]""";

    [SkippableTheory]
    [InlineData("RS256")]
    [InlineData("ES256")]
    public async Task A_workload_token_that_jose_signed_enrols_once(string algorithm)
    {
        using var files = new TemporaryFolder();
        var tokens = await SignAsync(files, algorithm, 2);
        await using var registry = await ServeAsync(files);
        var token = await DemandAsync(registry);

        var agent = (await EnrolAsync(registry, token, "one", "--evidence-file", files.Write("one.jwt", tokens[0]))).Fine().Json;
        Assert.Equal(["image.digest", "oidc.iss", "oidc.sub"], Attested(agent).EnumerateObject().Select(label => label.Name));
        Assert.Equal("sha256:5f5f", Attested(agent).GetProperty("image.digest").GetString());

        Refused("EVIDENCE_USED", await EnrolAsync(registry, token, "two", "--evidence-file", files.Write("two.jwt", tokens[0])));
        Refused("EVIDENCE_MISSING", await EnrolAsync(registry, token, "three"));
        Refused("EVIDENCE_SIGNATURE_INVALID", await EnrolAsync(registry, token, "four", "--evidence-file", files.Write("four.jwt", $"{tokens[1][..^8]}AAAAAAAA")));
        // The same agent brings evidence again, and its trail shows both.
        (await EnrolAsync(registry, token, "one", "--evidence-file", files.Write("again.jwt", tokens[1]))).Fine();
        var trail = (await registry.Agentid.RunAsync("trail", "one")).Fine().Output;
        Assert.Equal(2, trail.Split("evidence-accepted").Length - 1);
    }

    [SkippableFact]
    public async Task An_SVID_that_openssl_made_enrols_and_one_of_another_authority_does_not()
    {
        using var files = new TemporaryFolder();
        await SignAsync(files, "ES256", 0);
        await MakeSvidAsync(files, "svid");
        await MakeSvidAsync(files, "strange");
        await using var registry = await ServeAsync(files);
        var token = await DemandAsync(registry);

        var agent = (await EnrolAsync(registry, token, "one", "--svid", Path.Combine(files.Path, "svid.pem"), "--svid-key", Path.Combine(files.Path, "svid.key"))).Fine().Json;
        Assert.Equal("spiffe://example.org/research/summariser", Attested(agent).GetProperty("spiffe.id").GetString());
        Refused("EVIDENCE_SIGNATURE_INVALID", await EnrolAsync(registry, token, "two", "--svid", Path.Combine(files.Path, "strange.pem"), "--svid-key", Path.Combine(files.Path, "strange.key")));
    }

    [SkippableFact]
    public async Task An_agent_vouches_for_another_and_a_stop_with_delegates_reaches_both()
    {
        using var files = new TemporaryFolder();
        await SignAsync(files, "ES256", 0);
        await MakeSvidAsync(files, "svid");
        await using var registry = await ServeAsync(files);
        var token = await DemandAsync(registry);
        var parents = (await registry.Agentid.RunAsync(
            "token", "create", "--sponsor", "Research desk", "--blueprint", "parent/1", "--audience", "https://tools.example", "--allow", "agentidentity:vouch:summariser/1")).Fine().Output;
        (await registry.Agentid.RunAsync(parents, ["enrol", "--name", "parent"])).Fine();

        (await EnrolAsync(registry, token, "child", "--vouched-by", "parent")).Fine();
        Refused("VOUCH_NOT_ALLOWED", await EnrolAsync(registry, token, "grandchild", "--vouched-by", "child"));
        (await registry.Agentid.RunAsync("stop", "agent-with-delegates:parent", "--state", "frozen", "--reason", "a test")).Fine();
        Refused("AGENT_FROZEN", await registry.Agentid.RunAsync("issue", "--agent", "child", "--json"));
    }

    [Fact]
    public async Task Rules_that_are_none_are_told_before_anything_is_sent()
    {
        using var agentid = new Agentid();
        var outcome = await agentid.RunAsync(
            "token", "create", "--sponsor", "a", "--blueprint", "b", "--audience", "c", "--allow", "a:b:c", "--evidence", agentid.Write("rules.json", """[{"type":"password"}]"""));
        Assert.Equal(ExitCode.Usage, outcome.ExitCode);
        Assert.Contains("no rules for evidence", outcome.Error, StringComparison.Ordinal);
    }

    private static async Task<string[]> SignAsync(TemporaryFolder files, string algorithm, int count)
    {
        var folder = Path.Combine(Repository.Root, "tests/interop/credentials");
        Skip.If(!Directory.Exists(Path.Combine(folder, "node_modules/jose")), "jose is not installed: run tests/install (or: npm ci --ignore-scripts, in tests/interop/credentials).");
        var script = await Script.RunAsync("node", [Path.Combine(folder, "workload.mjs"), algorithm, Issuer, PublicUrl, Subject, Path.Combine(files.Path, "issuer.jwks"), $"{count}"]);
        Assert.Equal((0, ""), (script.ExitCode, script.Errors));
        return script.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static async Task MakeSvidAsync(TemporaryFolder files, string name)
    {
        await OpenSslAsync(files, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", $"{name}.ca.key", "-out", $"{name}.ca.pem", "-subj", "/CN=authority",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-addext", "subjectAltName=URI:spiffe://example.org", "-days", "2");
        await OpenSslAsync(files, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", $"{name}.key", "-out", $"{name}.pem", "-subj", "/O=workload",
            "-CA", $"{name}.ca.pem", "-CAkey", $"{name}.ca.key", "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=critical,digitalSignature",
            "-addext", "subjectAltName=URI:spiffe://example.org/research/summariser", "-days", "1");
    }

    private static async Task OpenSslAsync(TemporaryFolder files, params string[] words)
    {
        string[] named = [.. words.Select(word => word.EndsWith(".pem", StringComparison.Ordinal) || word.EndsWith(".key", StringComparison.Ordinal) ? Path.Combine(files.Path, word) : word)];
        var script = await Script.RunAsync("openssl", named);
        Assert.True(script.ExitCode == 0, script.Errors);
    }

    private static async Task<RunningRegistry> ServeAsync(TemporaryFolder files)
    {
        var authority = Path.Combine(files.Path, "svid.ca.pem");
        var keys = File.Exists(authority) ? $$"""{"use":"x509-svid","kty":"EC","x5c":["{{Convert.ToBase64String(X509CertificateLoader.LoadCertificateFromFile(authority).RawData)}}"]}""" : "";
        files.Write("example.org.bundle", $"{{\"keys\":[{keys}]}}");
        var settings = files.Write("evidence.json", $$"""
            {"issuers":[{"issuer":"{{Issuer}}","jwks":"issuer.jwks","labels":{"image.digest":"image_digest"} }],"trustDomains":[{"name":"example.org","bundle":"example.org.bundle"}]}
            """);
        return await (await RunningRegistry.StartAsync("--evidence", settings)).FoundedAsync();
    }

    private static async Task<string> DemandAsync(RunningRegistry registry) => (await registry.Agentid.RunAsync(
        "token", "create", "--sponsor", "Research desk", "--blueprint", "summariser/1", "--audience", "https://tools.example", "--allow", "tool:read:https://tools.example/*",
        "--uses", "100", "--evidence", registry.Agentid.Write("rules.json", Rules), "--session", "3600")).Fine().Output;

    private static Task<Outcome> EnrolAsync(RunningRegistry registry, string token, string name, params string[] evidence) =>
        registry.Agentid.RunAsync(token, ["enrol", "--name", name, "--json", .. evidence]);

    // As it stands in the credential, which the registry has signed.
    private static JsonElement Attested(JsonElement agent)
    {
        var token = agent.GetProperty("credential").GetProperty("token").GetString()!;
        return JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(token.Split('.')[1])).RootElement.GetProperty("credentialSubject").GetProperty("attestedLabels");
    }

    private static void Refused(string reason, Outcome outcome)
    {
        Assert.NotEqual(0, outcome.ExitCode);
        Assert.Contains(reason, outcome.Error + outcome.Output, StringComparison.Ordinal);
    }
}
