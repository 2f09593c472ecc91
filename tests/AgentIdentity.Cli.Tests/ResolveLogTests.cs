using System.Text.Json;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Cli.Tests;

public sealed class ResolveLogTests : IDisposable
{
    private readonly Agentid _cli = new();
    private readonly string _line;

    public ResolveLogTests()
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        _line = WebvhLog.First("""{"id":"did:webvh:{SCID}:registry.example"}""", key, new WebvhChange([]), portable: false, TimeProvider.System.GetUtcNow());
    }

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task A_log_is_resolved_without_a_network()
    {
        var did = WebvhLog.DidOf(_line);
        var resolved = (await _cli.RunAsync("resolve-log", _cli.Write("did.jsonl", _line + "\n"), "--did", did, "--json")).Fine().Json;
        Assert.Equal(did, resolved.GetProperty("didDocument").GetProperty("id").GetString());
        Assert.False(resolved.GetProperty("didDocumentMetadata").GetProperty("deactivated").GetBoolean());
        Assert.StartsWith(did, (await _cli.RunAsync("resolve-log", _cli.Write("did.jsonl", _line))).Fine().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_comes_from_standard_input_too()
    {
        Assert.StartsWith(WebvhLog.DidOf(_line), (await _cli.RunAsync(_line + "\n", ["resolve-log", "-"])).Fine().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_witnessed_log_needs_the_file_that_stands_beside_it()
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        using var witness = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var line = WebvhLog.First("""{"id":"did:webvh:{SCID}:registry.example"}""", key, new WebvhChange([], new WebvhWitnesses(1, [Multikey.Did(witness.PublicKey)])), portable: false, TimeProvider.System.GetUtcNow());
        var version = JsonDocument.Parse(line).RootElement.GetProperty("versionId").GetString();
        var log = _cli.Write("did.jsonl", line + "\n");
        string Approved(PrivateKey by) => $$"""[{"proof":[{{IntegrityProof.Create($$"""{"versionId":"{{version}}"}""", by, Multikey.Method(by.PublicKey), IntegrityProof.AssertionMethod, "2026-01-31T12:00:00Z")}}],"versionId":"{{version}}"}]""";

        Assert.Contains("WitnessProofsMissing: The log is refused.", (await _cli.RunAsync("resolve-log", log)).Error, StringComparison.Ordinal);
        Assert.Contains("WitnessThreshold: The log is refused.", (await _cli.RunAsync("resolve-log", log, "--witness", _cli.Write("other.json", Approved(key)))).Error, StringComparison.Ordinal);
        var resolved = (await _cli.RunAsync("resolve-log", log, "--witness", _cli.Write("did-witness.json", Approved(witness)), "--json")).Fine().Json;
        Assert.Equal(Multikey.Did(witness.PublicKey), resolved.GetProperty("didDocumentMetadata").GetProperty("witness").GetProperty("witnesses")[0].GetProperty("id").GetString());
    }

    [Theory]
    [InlineData("resolve-log", "/dev/zero")]
    [InlineData("resolve-log", "log", "--witness", "/dev/zero")]
    [InlineData("verify", "credential", "--jwks", "/dev/zero")]
    [InlineData("audit", "trail", "--policy", "/dev/zero")]
    public async Task What_has_no_end_is_not_read_to_it(params string[] words)
    {
        var refused = await _cli.RunAsync([.. words.Select(word => word is "credential" or "trail" or "log" ? _cli.Write(word, "x.y.z") : word)]);
        Assert.Equal(ExitCode.Usage, refused.ExitCode);
        Assert.Contains("/dev/zero is longer than", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bad_log_is_refused_by_name_and_line()
    {
        var changed = await _cli.RunAsync("resolve-log", _cli.Write("did.jsonl", _line.Replace("registry.example", "registry.invalid", StringComparison.Ordinal)));
        Assert.Equal(ExitCode.Refused, changed.ExitCode);
        Assert.Contains("ScidMismatch: The log is refused in line 1.", changed.Error, StringComparison.Ordinal);
        var other = await _cli.RunAsync("resolve-log", _cli.Write("did.jsonl", _line), "--did", "did:webvh:QmXrEwqsv8iSqN2WKqLWz6GgMTLR3mQD2yAWD3VbLmFef7:registry.example");
        Assert.Contains("NotThisDid", other.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Refused, (await _cli.RunAsync("resolve-log", _cli.Write("did.jsonl", _line), "--version-number", "2")).ExitCode);
    }
}
