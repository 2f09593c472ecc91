namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>
/// The log's key is replaced while an agentid knows the registry: it goes on without being told, proves under the key of its bootstrap what the successor holds,
/// audits with that key a trail from after the rotation, and copies both logs.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class RotationTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private RunningRegistry _registry = null!;

    private Agentid Agentid => _registry.Agentid;

    private string Bootstrapped => File.ReadAllText(Path.Combine(Agentid.Home, "registry.json"));

    public async Task InitializeAsync() => _registry = await (await RunningRegistry.StartAsync()).FoundedAsync();

    public async Task DisposeAsync()
    {
        await _registry.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Two_rotations_are_followed_and_everything_is_proven_under_the_first_key()
    {
        var did = await _registry.EnrolAsync("reader");
        var first = await ProveAsync(await RecordAsync("1"));
        await _registry.RotateLogKeyAsync();
        var second = await ProveAsync(await RecordAsync("2"));
        var printed = await _registry.RotateLogKeyAsync();
        var third = await ProveAsync(await RecordAsync("3"));

        Assert.Equal(["localhost:5000", "localhost:5000/2", "localhost:5000/3"], new[] { first, second, third }.Select(proof => proof.GetProperty("origin").GetString()));
        Assert.Contains(third.GetProperty("log_key").GetString()!, printed, StringComparison.Ordinal);
        Assert.Contains(first.GetProperty("log_key").GetString()!, Bootstrapped, StringComparison.Ordinal);
        Assert.Contains("has named as its successor", third.GetProperty("log_key_from").GetString(), StringComparison.Ordinal);

        var file = Path.Combine(_folder.Path, "trail");
        (await Agentid.RunAsync("trail", did, "--out", file)).Fine();
        var audited = await Agentid.RunAsync("audit", file, "--log-key", first.GetProperty("log_key").GetString()!);
        Assert.Contains("verdict: proven", audited.Fine().Output, StringComparison.Ordinal);
        Assert.Contains("named in its last note", audited.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Both_logs_are_copied_each_under_its_own_key()
    {
        await _registry.EnrolAsync("reader");
        await RecordAsync("1");
        await _registry.RotateLogKeyAsync();
        await ProveAsync(await RecordAsync("2"));

        var (before, after) = (Path.Combine(_folder.Path, "first"), Path.Combine(_folder.Path, "second"));
        var first = (await Agentid.RunAsync("export-log", before, "--json")).Fine().Json;
        var second = (await Agentid.RunAsync("export-log", after, "--url", Agentid.Settings[5] + "/2", "--json")).Fine().Json;

        Assert.Equal(("localhost:5000", "localhost:5000/2"), (first.GetProperty("origin").GetString(), second.GetProperty("origin").GetString()));
        Assert.Equal(second.GetProperty("log_key").GetString(), first.GetProperty("successor").GetString());
        Assert.Contains(first.GetProperty("successor").GetString()!, await File.ReadAllTextAsync(Path.Combine(before, "checkpoint")), StringComparison.Ordinal);
        Assert.Contains("names localhost:5000/2+", (await Agentid.RunAsync("export-log", before)).Fine().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_key_from_elsewhere_a_proof_of_the_successor_is_self_consistent_and_accuses_nobody()
    {
        await _registry.RotateLogKeyAsync();
        File.Delete(Path.Combine(Agentid.Home, "registry.json"));

        var outcome = await Agentid.RunAsync("prove", "0", "--json");

        Assert.Equal((ExitCode.Refused, "self-consistent only"), (outcome.ExitCode, outcome.Json.GetProperty("verdict").GetString()));
    }

    private async Task<System.Text.Json.JsonElement> ProveAsync(ulong index) => (await Agentid.RunAsync("prove", $"{index}", "--json")).Fine().Json;

    private async Task<ulong> RecordAsync(string hash) =>
        (await Agentid.RunAsync($"{hash.PadLeft(64, '0')}\n", ["record", "--agent", "reader", "--stdin-hashes", "--json"])).Fine().Json.GetProperty("statements")[0].GetProperty("ledger_index").GetUInt64();
}
