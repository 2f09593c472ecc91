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

    [Theory]
    [InlineData("resolve-log", "/dev/zero")]
    [InlineData("verify", "credential", "--jwks", "/dev/zero")]
    [InlineData("audit", "trail", "--policy", "/dev/zero")]
    public async Task What_has_no_end_is_not_read_to_it(params string[] words)
    {
        var refused = await _cli.RunAsync([.. words.Select(word => word is "credential" or "trail" ? _cli.Write(word, "x.y.z") : word)]);
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
