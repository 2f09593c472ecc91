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
    public async Task A_bad_log_is_refused_by_name_and_line()
    {
        var changed = await _cli.RunAsync("resolve-log", _cli.Write("did.jsonl", _line.Replace("registry.example", "registry.invalid", StringComparison.Ordinal)));
        Assert.Equal(ExitCode.Refused, changed.ExitCode);
        Assert.Contains("in line 1: ScidMismatch", changed.Error, StringComparison.Ordinal);
        var other = await _cli.RunAsync("resolve-log", _cli.Write("did.jsonl", _line), "--did", "did:webvh:QmXrEwqsv8iSqN2WKqLWz6GgMTLR3mQD2yAWD3VbLmFef7:registry.example");
        Assert.Contains("NotThisDid", other.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Refused, (await _cli.RunAsync("resolve-log", _cli.Write("did.jsonl", _line), "--version-number", "2")).ExitCode);
    }
}
