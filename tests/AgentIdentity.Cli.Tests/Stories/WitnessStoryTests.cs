using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>
/// Two registries of two organisations, real processes with keys and folders of their own, cosign each other's checkpoints with two settings each. One is put back to a backup by an
/// operator who says that nothing newer was shown: the other refuses it, and its quorum is gone. It comes back by the recovery ceremony. All as docs/operations.md tells it.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class WitnessStoryTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly HttpClient Curl = new();

    private readonly TemporaryFolder _folder = new();
    private RunningRegistry _north = null!;
    private RunningRegistry _south = null!;

    public async Task InitializeAsync()
    {
        _north = await (await RunningRegistry.StartAsync("--public-url", "https://north.localhost")).FoundedAsync();
        _south = await (await RunningRegistry.StartAsync("--public-url", "https://south.localhost")).FoundedAsync();
    }

    public async Task DisposeAsync()
    {
        await _north.DisposeAsync();
        await _south.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Two_registries_watch_each_other_and_one_that_was_put_back_is_refused_until_it_is_recovered()
    {
        var (northPolicy, southPolicy) = (await PolicyAsync("south", _south), await PolicyAsync("north", _north));
        var (northLog, southLog) = (await LogKeyAsync(_north), await LogKeyAsync(_south));
        await _north.ServeAgainAsync(Settings(northPolicy, southLog, "north"));
        await _south.ServeAgainAsync(Settings(southPolicy, northLog, "south"));
        await UntilQuorumAsync(_north, 1);
        await UntilQuorumAsync(_south, 1);
        await RecordAsync(_north, "scribe");
        var seenThen = await UntilQuorumAsync(_north, 1);
        await ProveAsync(_north, seenThen - 1, northPolicy);

        var (backup, restored) = (Path.Combine(_folder.Path, "backup"), Path.Combine(_folder.Path, "restored"));
        await RunningRegistry.MaintainAsync("backup", "--data", _north.Data, "--to", backup);
        await _north.EnrolAsync("forgotten");
        await UntilQuorumAsync(_north, seenThen + 1);
        await _north.StopAsync();
        await RunningRegistry.MaintainAsync("restore", "--from", backup, "--data", restored, "--nothing-newer");
        await _north.ServeAgainAsync(Settings(northPolicy, southLog, "north"), restored);

        await UntilAsync(_north, "rolled back\n");
        await _south.EnrolAsync("reader");
        await UntilAsync(_south, "ready\nwitnesses no quorum north OUT_OF_SERVICE\n");
        var standing = await _south.Agentid.RunAsync("witnesses");
        Assert.Equal(ExitCode.Refused, standing.ExitCode);
        Assert.Contains("OUT_OF_SERVICE", standing.Output, StringComparison.Ordinal);
        Assert.Contains("NO QUORUM", standing.Output, StringComparison.Ordinal);

        await _north.StopAsync();
        var seen = Path.Combine(_folder.Path, "seen-by-south");
        await File.WriteAllTextAsync(seen, await Curl.GetStringAsync($"{_south.HttpUrl}/witness/{Sha256Hex("north.localhost")}/checkpoint"));
        await RunningRegistry.MaintainAsync("recover", "--data", restored, "--seen", seen, "--yes");
        await _north.ServeAgainAsync(Settings(northPolicy, southLog, "north"), restored);
        await UntilAsync(_north, "ready\nwitnesses not asked yet, no checkpoint is signed: south UNKNOWN_LOG\n");
        var northIsNow = (await Curl.GetStringAsync($"{_north.HttpUrl}/2/log-key")).TrimEnd('\n');
        Hand(_north.Agentid, northIsNow);
        await _south.ServeAgainAsync(Settings(await PolicyAsync("north", _north), northIsNow, "south"));

        var recovered = await UntilQuorumAsync(_north, 1);
        await UntilQuorumAsync(_south, 1);
        await ProveAsync(_north, recovered - 1, northPolicy);
    }

    // The two settings, and the name by which the registry is known.
    private static string[] Settings(string policy, string otherLog, string name) => ["--public-url", $"https://{name}.localhost", "--witness-policy", policy, "--witness-log", otherLog];

    private async Task<string> PolicyAsync(string name, RunningRegistry witness)
    {
        var key = await Curl.GetStringAsync(witness.HttpUrl + "/witness/key");
        return _folder.Write($"asks-{name}", $"witness {name} {key.TrimEnd('\n')} {witness.HttpUrl}/witness\nquorum {name}\n");
    }

    private static async Task<string> LogKeyAsync(RunningRegistry registry) => (await Curl.GetStringAsync(registry.HttpUrl + "/log-key")).TrimEnd('\n');

    private static async Task ProveAsync(RunningRegistry registry, ulong index, string policy)
    {
        var proven = (await registry.Agentid.RunAsync("prove", $"{index}", "--policy", policy, "--json")).Fine().Json;
        Assert.Equal("proven", proven.GetProperty("verdict").GetString());
    }

    /// <summary>An agent of its own records a file, and waits until the other registry has cosigned that.</summary>
    private async Task RecordAsync(RunningRegistry registry, string agent)
    {
        await registry.EnrolAsync(agent);
        var recorded = (await registry.Agentid.RunAsync("record", _folder.Write("report", "what was done"), "--agent", agent, "--wait", "witnessed", "--json")).Fine().Json;
        Assert.Equal("witnessed", recorded.GetProperty("statements")[0].GetProperty("level").GetString());
    }

    // The person who was told the new key on the telephone.
    private static void Hand(Agentid agentid, string logKey)
    {
        var file = Path.Combine(agentid.Home, "registry.json");
        var known = JsonNode.Parse(File.ReadAllText(file))!;
        known["log_key"] = logKey;
        File.WriteAllText(file, known.ToJsonString());
        Directory.Delete(Path.Combine(agentid.Home, "logs"), recursive: true);
    }

    private static async Task<ulong> UntilQuorumAsync(RunningRegistry registry, ulong least)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            var answer = await registry.Agentid.RunAsync("witnesses", "--json");
            if (answer.ExitCode == ExitCode.Fine && answer.Json.GetProperty("witnessed_size").GetUInt64() is var size && size >= least)
                return size;
            await Task.Delay(100, patience.Token);
        }
    }

    private static async Task UntilAsync(RunningRegistry registry, string health)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            using var response = await Curl.GetAsync(registry.HttpUrl + "/health/ready");
            if (await response.Content.ReadAsStringAsync() == health)
                return;
            await Task.Delay(100, patience.Token);
        }
    }

    private static string Sha256Hex(string origin) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(origin)));
}
