using System.Text;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Documents;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Status;
using AgentIdentity.Tests.Attacks;

namespace AgentIdentity.Cli.Tests;

/// <summary>agentid verify with nothing but files: no registry, no network, no home folder.</summary>
public sealed class VerifyFilesTests : IDisposable
{
    private const string Audience = "https://tools.example";

    private static readonly RegistryName Registry = Name("https://localhost:5000");
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private readonly Agentid _cli = new();
    private readonly PrivateKey _issuer = PrivateKey.Generate(KeyAlgorithm.ES256);
    private readonly PrivateKey _proofKey = PrivateKey.Generate(KeyAlgorithm.Ed25519);

    public void Dispose()
    {
        _cli.Dispose();
        _issuer.Dispose();
        _proofKey.Dispose();
    }

    private string Token => CredentialWriter.Sign(Claims(), Registry, _issuer);

    private string Document => CredentialWriter.SignDocument(Claims(), Registry, _proofKey);

    private string Jwks => _cli.Write("jwks.json", Encoding.UTF8.GetString(DidDocuments.Jwks(Registry, [_issuer.PublicKey])));

    private string DidDocument => _cli.Write("did.json", Encoding.UTF8.GetString(DidDocuments.Registry(Registry, [_issuer.PublicKey], [_proofKey.PublicKey])));

    [Fact]
    public async Task A_token_is_checked_from_a_file_and_from_a_pipe()
    {
        (await _cli.RunAsync("verify", _cli.Write("credential", Token + "\n"), "--jwks", Jwks)).Fine();
        (await _cli.RunAsync(Token + "\n", ["verify", "--did-document", DidDocument])).Fine();
        var json = (await _cli.RunAsync(Token, ["verify", "-", "--did-document", DidDocument, "--audience", Audience, "--json"])).Fine().Json;
        Assert.Equal((true, "NONE", "vc+jwt", "not looked at"), (json.GetProperty("valid").GetBoolean(), json.GetProperty("reason").GetString(), json.GetProperty("form").GetString(), json.GetProperty("status").GetString()));
    }

    [Fact]
    public async Task A_document_is_checked_under_the_DID_document_and_under_the_DID_log()
    {
        var file = _cli.Write("credential.json", Document);
        Assert.Contains("embedded proof", (await _cli.RunAsync("verify", file, "--did-document", DidDocument)).Fine().Output, StringComparison.Ordinal);
        using var update = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var state = DidDocuments.RegistryVersion(Registry, [_issuer.PublicKey], [_proofKey.PublicKey], WebvhLog.Placeholder);
        var log = _cli.Write("did.jsonl", WebvhLog.First(state, update, new WebvhChange([]), portable: false, Now) + "\n");
        (await _cli.RunAsync("verify", file, "--did-log", log)).Fine();
        (await _cli.RunAsync(Token, ["verify", "--did-log", log])).Fine();
    }

    [Fact]
    public async Task What_does_not_verify_is_refused_by_name_with_exit_code_1()
    {
        var token = Token;
        await AssertRefusedAsync("CREDENTIAL_INVALID", token[..^2] + (token.EndsWith("AA", StringComparison.Ordinal) ? "BA" : "AA"), "--jwks", Jwks);
        await AssertRefusedAsync("CREDENTIAL_INVALID", Document.Replace("desk", "Desk", StringComparison.Ordinal), "--did-document", DidDocument);
        Assert.Equal(ExitCode.Usage, (await _cli.RunAsync("verify", _cli.Write("document", Document), "--jwks", Jwks)).ExitCode);
        await AssertRefusedAsync("CREDENTIAL_INVALID", "neither form", "--jwks", Jwks);
        await AssertRefusedAsync("AUDIENCE_MISMATCH", Token, "--jwks", Jwks, "--audience", Audience + "/");
        var over = Claims() with { NotBefore = Now.ToUnixTimeSeconds() - 600, ExpiresAt = Now.ToUnixTimeSeconds() - 1 };
        await AssertRefusedAsync("CREDENTIAL_EXPIRED", CredentialWriter.Sign(over, Registry, _issuer), "--jwks", Jwks);
        await AssertRefusedAsync("CREDENTIAL_EXPIRED", CredentialWriter.SignDocument(over, Registry, _proofKey), "--did-document", DidDocument);
        await AssertRefusedAsync("CREDENTIAL_NOT_YET_VALID", CredentialWriter.Sign(Claims() with { NotBefore = Now.ToUnixTimeSeconds() + 300 }, Registry, _issuer), "--jwks", Jwks);
    }

    [Fact]
    public async Task Every_attack_on_a_token_is_refused_under_the_one_name()
    {
        var jwks = Jwks;
        // White space around a text is the pipe's, and one that is too long is not read.
        var attacks = TokenAttacks.On(Token, _issuer).Where(attack => attack.Token.Trim() == attack.Token && attack.Token.Length <= 65_536).ToArray();
        foreach (var (name, token) in attacks)
        {
            var outcome = await _cli.RunAsync(token, ["verify", "--jwks", jwks, "--json"]);
            Assert.True(outcome.ExitCode == ExitCode.Refused && outcome.Json.GetProperty("reason").GetString() == "CREDENTIAL_INVALID", $"{name}: {outcome.ExitCode} {outcome.Output}{outcome.Error}");
        }
        Assert.True(attacks.Length >= 100, $"Only {attacks.Length} attacks were tried.");
    }

    [Fact]
    public async Task A_status_list_is_looked_at_in_either_form()
    {
        var (none, stopped) = (new StatusBitmap(), new StatusBitmap());
        stopped.Stop(5);
        foreach (var write in new[] { StatusListWriter.TokenList, (Func<ulong, StatusBitmap, RegistryName, PrivateKey, DateTimeOffset, string>)StatusListWriter.Bitstring })
        {
            string List(ulong number, StatusBitmap bits, DateTimeOffset at) => _cli.Write("status", write(number, bits, Registry, _issuer, at));
            Assert.Equal("not stopped", (await _cli.RunAsync(Token, ["verify", "--jwks", Jwks, "--status-list", List(0, none, Now), "--json"])).Fine().Json.GetProperty("status").GetString());
            await AssertRefusedAsync("CREDENTIAL_STOPPED", Token, "--jwks", Jwks, "--status-list", List(0, stopped, Now));
            await AssertRefusedAsync("CREDENTIAL_STOPPED", Document, "--did-document", DidDocument, "--status-list", List(0, stopped, Now));
            await AssertRefusedAsync("STATUS_LIST_INVALID", Token, "--jwks", Jwks, "--status-list", List(1, none, Now));
            await AssertRefusedAsync("STATUS_LIST_ENDED", Token, "--jwks", Jwks, "--status-list", List(0, none, Now.AddHours(-1)));
        }
        await AssertRefusedAsync("STATUS_LIST_INVALID", Token, "--jwks", Jwks, "--status-list", _cli.Write("status", Token));
    }

    [Fact]
    public async Task Keys_of_another_registry_and_of_a_bad_log_are_refused()
    {
        var other = _cli.Write("other.json", Encoding.UTF8.GetString(DidDocuments.Registry(Name("https://registry.example"), [_issuer.PublicKey], [])));
        Assert.Equal(ExitCode.Refused, (await _cli.RunAsync(Token, ["verify", "--did-document", other])).ExitCode);
        Assert.Equal(ExitCode.Refused, (await _cli.RunAsync(Token, ["verify", "--did-log", other])).ExitCode);
    }

    [Fact]
    public async Task A_key_that_the_DID_document_does_not_name_for_assertionMethod_signs_nothing()
    {
        var document = File.ReadAllText(DidDocument).Replace("assertionMethod", "authentication", StringComparison.Ordinal);
        Assert.Equal(ExitCode.Refused, (await _cli.RunAsync(Token, ["verify", "--did-document", _cli.Write("did.json", document)])).ExitCode);
    }

    [Fact]
    public async Task What_is_no_such_file_or_no_such_call_has_exit_code_2_and_silence_at_the_other_end_3()
    {
        async Task AssertUsageAsync(params string[] words) => Assert.Equal(ExitCode.Usage, (await _cli.RunAsync(Token, ["verify", .. words])).ExitCode);
        foreach (var option in new[] { "--jwks", "--did-document" })
        {
            foreach (var content in new[] { "", "{}", "[]", "{\"keys\":[{}]}", "{\"keys\":[],\"keys\":[]}" })
                Assert.InRange((await _cli.RunAsync(Token, ["verify", option, _cli.Write("keys", content)])).ExitCode, ExitCode.Refused, ExitCode.Usage);
            await AssertUsageAsync(option, "no-such-file");
        }
        foreach (var content in new[] { "", "[]", "<html>", "{\"id\":1,\"id\":2}" })
            await AssertUsageAsync("--did-document", _cli.Write("keys", content));
        await AssertUsageAsync("no-such-file", "--jwks", Jwks);
        await AssertUsageAsync("--jwks", Jwks, "--did-document", DidDocument);
        await AssertUsageAsync("--status-list", Jwks);
        await AssertUsageAsync("--jwks", Jwks, "--status-list", "no-such-file");
        await AssertUsageAsync("--proof", "x", "--url", "https://tools.example/");
        await AssertUsageAsync("--http", "nowhere");
        Assert.Equal(ExitCode.Usage, (await _cli.RunAsync("", ["verify", "--jwks", Jwks])).ExitCode);
        Assert.Equal(ExitCode.Usage, (await _cli.RunAsync(new string('a', 70_000), ["verify", "--jwks", Jwks])).ExitCode);
        Assert.Equal(ExitCode.Unreachable, (await _cli.RunAsync(Token, ["verify", "--http", "http://127.0.0.1:1"])).ExitCode);
    }

    private async Task AssertRefusedAsync(string reason, string credential, params string[] words)
    {
        var outcome = await _cli.RunAsync(credential, ["verify", .. words, "--json"]);
        Assert.Equal((ExitCode.Refused, reason), (outcome.ExitCode, outcome.Json.GetProperty("reason").GetString()));
    }

    private static CredentialClaims Claims()
    {
        Assert.True(Envelope.TryParse("""[{"type":"tool","actions":["read"],"locations":["https://tools.example/*"]}]""", out var envelope));
        var from = Now.ToUnixTimeSeconds();
        return new CredentialClaims(
            SubjectId.New(Now), SubjectId.New(Now), KeyId.TryParse("G0YLs7p3LBg--_-VWbSdf7fzP5l5o2mf-q12R_N2Tu0", out var jkt) ? jkt : default, "Research desk", "summariser/1", [], [Audience], envelope, null, from, from, from + 600, 4, 0, 5);
    }

    private static RegistryName Name(string url) => RegistryName.TryParse(url, out var name, out var problem) ? name : throw new InvalidOperationException(problem);
}
