namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>The log of a real server as a folder of static files: the same bytes as over HTTP, brought up to date, and never anything that was not checked.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ExportLogTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private RunningRegistry _registry = null!;

    private string Mirror => Path.Combine(_folder.Path, "mirror");

    private string Http => _registry.Agentid.Settings[5];

    public async Task InitializeAsync()
    {
        _registry = await (await RunningRegistry.StartAsync()).FoundedAsync();
        await _registry.EnrolAsync("reader");
        await RecordAsync(1, 300);
    }

    public async Task DisposeAsync()
    {
        await _registry.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task An_export_is_what_the_registry_serves_and_a_second_one_goes_on_where_the_first_stopped()
    {
        var first = (await ExportAsync()).Fine().Json;
        await AssertServedAsync();
        await RecordAsync(301, 5);
        var second = (await ExportAsync()).Fine().Json;
        await AssertServedAsync();

        Assert.Equal("verified", first.GetProperty("verdict").GetString());
        Assert.True(second.GetProperty("tree_size").GetUInt64() > first.GetProperty("tree_size").GetUInt64());
        // The edge of level 0, its bundle and the checkpoint; the rest was there.
        Assert.Equal(3, second.GetProperty("files_written").GetInt32());
        Assert.True(File.Exists(Path.Combine(Mirror, "tile", "0", "000")));
        Assert.True(File.Exists(Path.Combine(Mirror, "tile", "entries", "000")));
        Assert.True(File.Exists(Path.Combine(Mirror, "tile", "1", "000.p", "1")));
    }

    [Theory]
    [InlineData("tile/1/000.p/1")]
    [InlineData("checkpoint")]
    public async Task A_file_that_was_changed_ends_the_next_export_and_stays_as_it_is(string file)
    {
        (await ExportAsync()).Fine();
        var path = Path.Combine(Mirror, file);
        var content = await File.ReadAllBytesAsync(path);
        content[20] ^= 1;
        await File.WriteAllBytesAsync(path, content);
        await RecordAsync(301, 1);

        var outcome = await ExportAsync();

        Assert.Equal(ExitCode.Refused, outcome.ExitCode);
        Assert.Equal(content, await File.ReadAllBytesAsync(path));
    }

    [Fact]
    public async Task Nothing_is_written_of_a_log_that_another_key_signs()
    {
        var outcome = await _registry.Agentid.RunAsync("export-log", Mirror, "--log-key", "localhost:5000+52648c1e+AXqAilJvZZaMi+JqQR5uFbTTwDI0LU3eKZjo5QPq+85u", "--json");

        Assert.Equal(ExitCode.Refused, outcome.ExitCode);
        Assert.False(Directory.Exists(Mirror));
    }

    [Fact]
    public async Task Without_a_key_from_elsewhere_an_export_is_self_consistent_only()
    {
        File.Delete(Path.Combine(_registry.Agentid.Home, "registry.json"));

        var outcome = await ExportAsync();

        Assert.Equal((ExitCode.Refused, "self-consistent only"), (outcome.ExitCode, outcome.Json.GetProperty("verdict").GetString()));
    }

    [Fact]
    public async Task The_certificates_to_trust_count_for_what_is_served_over_HTTP_too()
    {
        var none = _folder.Write("ca.pem", "no certificate");

        var outcome = await _registry.Agentid.RunAsync("export-log", Mirror, "--ca", none);

        Assert.Equal(ExitCode.Usage, outcome.ExitCode);
        Assert.Contains("holds no certificate", outcome.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Mirror));
    }

    private Task<Outcome> ExportAsync() => _registry.Agentid.RunAsync("export-log", Mirror, "--json");

    private async Task AssertServedAsync()
    {
        using var http = new HttpClient();
        foreach (var file in Directory.EnumerateFiles(Mirror, "*", SearchOption.AllDirectories))
            Assert.Equal(await http.GetByteArrayAsync($"{Http}/{Path.GetRelativePath(Mirror, file)}"), await File.ReadAllBytesAsync(file));
    }

    // Proven, so a checkpoint covers it.
    private async Task RecordAsync(int first, int count)
    {
        var hashes = string.Concat(Enumerable.Range(first, count).Select(n => $"{n:x64}\n"));
        var recorded = (await _registry.Agentid.RunAsync(hashes, ["record", "--agent", "reader", "--stdin-hashes", "--per-statement", "1", "--json"])).Fine().Json;
        var last = recorded.GetProperty("statements")[count - 1].GetProperty("ledger_index").GetUInt64();
        (await _registry.Agentid.RunAsync("prove", $"{last}", "--json")).Fine();
    }
}
