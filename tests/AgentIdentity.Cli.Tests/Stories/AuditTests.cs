using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Keys;
using System.Diagnostics;
using System.Text;
using AgentIdentity.Cli.Demo;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>A trail leaves a real server as a file, and is checked where there is neither network nor registry nor home folder.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class AuditTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _elsewhere = new();
    private RunningRegistry _registry = null!;

    private Agentid Agentid => _registry.Agentid;

    private string TrailFile => Path.Combine(_elsewhere.Path, "reader.trail");

    public async Task InitializeAsync() => _registry = await (await RunningRegistry.StartAsync()).FoundedAsync();

    public async Task DisposeAsync()
    {
        await _registry.DisposeAsync();
        _elsewhere.Dispose();
    }

    [Fact]
    public async Task An_exported_trail_is_proven_with_the_logs_key_and_only_consistent_without()
    {
        var logKey = await LiveAsync();

        var exported = (await Agentid.RunAsync("trail", "reader", "--out", TrailFile, "--json")).Fine().Json;
        var audited = (await Agentid.RunAsync("audit", TrailFile, "--log-key", logKey, "--json")).Fine().Json;
        var text = (await Agentid.RunAsync("audit", TrailFile, "--log-key", _elsewhere.Write("log.key", logKey + "\n"))).Fine().Output;
        var untrusted = await Agentid.RunAsync("audit", TrailFile, "--json");

        Assert.Equal(new FileInfo(TrailFile).Length, exported.GetProperty("bytes").GetInt64());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(TrailFile));
        Assert.Equal("proven", audited.GetProperty("verdict").GetString());
        Assert.Equal(exported.GetProperty("entries").GetInt32(), audited.GetProperty("entries").GetInt32());
        Assert.All(audited.GetProperty("checks").EnumerateArray(), check => Assert.Equal("passed", check.GetProperty("result").GetString()));
        Assert.Contains("frozen at entry", text, StringComparison.Ordinal);
        Assert.Contains("not checked: ", text, StringComparison.Ordinal);
        Assert.Equal((ExitCode.Refused, "self-consistent only"), (untrusted.ExitCode, untrusted.Json.GetProperty("verdict").GetString()));
    }

    [Fact]
    public async Task The_agents_DID_log_is_audited_against_its_trail()
    {
        var logKey = await LiveAsync();
        (await Agentid.RunAsync("trail", "reader", "--out", TrailFile)).Fine();
        var did = (await Agentid.RunAsync("agents", "list", "--json")).Fine().Json.GetProperty("agents")[0].GetProperty("did").GetString()!;
        using var http = new HttpClient();
        var log = _elsewhere.Write("did.jsonl", await http.GetStringAsync(new Uri($"{Agentid.Settings[^1]}/agents/{did.Split(':')[^1]}/did.jsonl")));

        var audited = (await Agentid.RunAsync("audit", TrailFile, "--log-key", logKey, "--did-log", log, "--json")).Fine().Json;
        var other = await Agentid.RunAsync("audit", TrailFile, "--log-key", logKey, "--did-log", _elsewhere.Write("other.jsonl", await http.GetStringAsync(new Uri($"{Agentid.Settings[^1]}/.well-known/did.jsonl"))));

        Assert.Equal(0, audited.GetProperty("did_log").GetProperty("not_in_the_ledger").GetArrayLength());
        Assert.Equal(ExitCode.Usage, other.ExitCode);
        Assert.Contains("another DID", other.Error, StringComparison.Ordinal);

        using var thief = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var line = WebvhLog.First($$"""{"id":"did:webvh:{SCID}:{{did["did:web:".Length..]}}"}""", thief, new WebvhChange([]), portable: false, TimeProvider.System.GetUtcNow());
        var forged = await Agentid.RunAsync("audit", TrailFile, "--log-key", logKey, "--did-log", _elsewhere.Write("forged.jsonl", line + "\n"));
        Assert.Equal(ExitCode.Refused, forged.ExitCode);
        Assert.Contains("DID log: FAILED, the ledger does not hold 1-Qm", forged.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("verdict: proven", forged.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_split_view_shown_to_two_parties_is_found_out_and_one_history_is_not_called_one()
    {
        var logKey = await LiveAsync();
        (await Agentid.RunAsync("trail", "reader", "--out", TrailFile)).Fine();
        await using var fork = await _registry.ForkAsync();
        var (later, elsewhere) = (Path.Combine(_elsewhere.Path, "later.trail"), Path.Combine(_elsewhere.Path, "elsewhere.trail"));
        await StopAndExportAsync(Agentid, later);
        await StopAndExportAsync(fork.Agentid, elsewhere);

        var grown = await Agentid.RunAsync("audit", TrailFile, "--with", later, "--ask", "--log-key", logKey, "--json");
        var split = await Agentid.RunAsync("audit", later, "--with", elsewhere, "--log-key", logKey, "--json");
        var checkpoint = _elsewhere.Write("checkpoint", split.Json.GetProperty("trees")[1].GetProperty("checkpoint").GetString()!);
        var asked = await Agentid.RunAsync("audit", TrailFile, "--with", checkpoint, "--ask", "--log-key", logKey);
        var untrusted = await Agentid.RunAsync("audit", TrailFile, "--with", TrailFile);
        var junk = await Agentid.RunAsync("audit", TrailFile, "--with", _elsewhere.Write("junk", "{}"), "--log-key", logKey);

        Assert.Equal((ExitCode.Fine, "one history"), (grown.ExitCode, grown.Json.GetProperty("verdict").GetString()));
        Assert.Equal((ExitCode.SplitView, "SPLIT VIEW"), (split.ExitCode, split.Json.GetProperty("verdict").GetString()));
        Assert.Equal(ExitCode.Refused, asked.ExitCode);
        Assert.Contains("ROLLED_BACK", asked.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("SPLIT VIEW", asked.Output + asked.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Refused, untrusted.ExitCode);
        Assert.Contains("not checked: whose key", untrusted.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Refused, junk.ExitCode);
        Assert.Contains("Of the second file nothing can be compared: item 1 (before byte 0): these bytes are no such item.", junk.Error, StringComparison.Ordinal);
    }

    // What the two histories do not share is about the agent, so that both trails show it.
    private static async Task StopAndExportAsync(Agentid agentid, string file)
    {
        (await agentid.RunAsync("stop", "reader", "--state", "revoked", "--reason", "it is not trusted here")).Fine();
        (await agentid.RunAsync("trail", "reader", "--out", file)).Fine();
    }

    [Fact]
    public async Task A_policy_stands_for_the_logs_key_and_one_that_is_none_is_refused()
    {
        var logKey = await LiveAsync();
        (await Agentid.RunAsync("trail", "reader", "--out", TrailFile)).Fine();

        var alone = await Agentid.RunAsync("audit", TrailFile, "--policy", _elsewhere.Write("alone", $"log {logKey}\nquorum none\n"));
        var both = await Agentid.RunAsync("audit", TrailFile, "--policy", _elsewhere.Write("both", "quorum none\n"), "--log-key", logKey);
        var malformed = await Agentid.RunAsync("audit", TrailFile, "--policy", _elsewhere.Write("malformed", $"log {logKey}\nquorum nobody\n"));

        Assert.Equal((ExitCode.Fine, ExitCode.Usage, ExitCode.Usage), (alone.ExitCode, both.ExitCode, malformed.ExitCode));
    }

    [Fact]
    public async Task A_range_is_exported_with_the_rest_closed()
    {
        var logKey = await LiveAsync();

        await Agentid.RunAsync("trail", "reader", "--out", TrailFile, "--from", "3", "--to", "4");
        var audited = (await Agentid.RunAsync("audit", TrailFile, "--log-key", logKey, "--json")).Fine().Json;

        Assert.Contains("taken for what", audited.GetProperty("checks").EnumerateArray().Single(check => check.GetProperty("check").GetString() == "statements").GetProperty("words").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_file_and_another_log_key_are_refused()
    {
        var logKey = await LiveAsync();
        (await Agentid.RunAsync("trail", "reader", "--out", TrailFile)).Fine();
        var bytes = await File.ReadAllBytesAsync(TrailFile);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(TrailFile + ".damaged", bytes);

        var damaged = await Agentid.RunAsync("audit", TrailFile + ".damaged", "--log-key", logKey);
        var foreign = await Agentid.RunAsync("audit", TrailFile, "--log-key", "localhost:5000+52648c1e+AXqAilJvZZaMi+JqQR5uFbTTwDI0LU3eKZjo5QPq+85u");
        var missing = await Agentid.RunAsync("audit", TrailFile + ".missing", "--log-key", logKey);

        Assert.Equal((ExitCode.Refused, ExitCode.Refused, ExitCode.Usage), (damaged.ExitCode, foreign.ExitCode, missing.ExitCode));
        Assert.Contains("verdict: FAILED", damaged.Output, StringComparison.Ordinal);
        Assert.Contains("not signed by", foreign.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_export_is_on_the_record()
    {
        await LiveAsync();
        (await Agentid.RunAsync("trail", "reader", "--out", TrailFile)).Fine();

        var trail = (await Agentid.RunAsync("trail", "reader", "--json")).Fine().Json;

        Assert.Contains("/agentidentity.v1.Ledger/ExportTrail was given", trail.GetProperty("entries").EnumerateArray().Last().GetProperty("what").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trail_that_does_not_come_leaves_no_file()
    {
        var outcome = await Agentid.RunAsync("trail", "0192f0c1-7a00-7def-8123-456789abcdef", "--out", TrailFile, "--json");

        Assert.Equal(ExitCode.Refused, outcome.ExitCode);
        Assert.Equal("AGENT_UNKNOWN", outcome.Json.GetProperty("error").GetProperty("reason").GetString());
        Assert.Empty(Directory.GetFiles(_elsewhere.Path));
    }

    [Fact]
    public async Task An_audit_opens_no_socket_and_needs_no_home_folder()
    {
        var logKey = await LiveAsync();
        (await Agentid.RunAsync("trail", "reader", "--out", TrailFile)).Fine();

        var (auditCode, auditSockets) = await TraceAsync("audit", TrailFile, "--log-key", logKey);
        var (proveCode, proveSockets) = await TraceAsync(["prove", "0", "--log-key", logKey, "--home", Path.Combine(_elsewhere.Path, "prover"), .. Agentid.Settings]);

        Assert.Equal((0, false), (auditCode, auditSockets));
        // The same trace of a verb that does open one shows it, so the trace would have shown the other.
        Assert.Equal((0, true), (proveCode, proveSockets));
        Assert.False(Directory.Exists(Path.Combine(_elsewhere.Path, "nobody")));
    }

    // The independent check: another implementation, which shares nothing with ours but the format.
    [Fact]
    public async Task Another_implementation_proves_the_same_file()
    {
        var logKey = await LiveAsync();
        (await Agentid.RunAsync("trail", "reader", "--out", TrailFile)).Fine();
        var script = Path.Combine(AppContext.BaseDirectory, "vectors", "check_trail.py");

        Assert.Equal(0, await RunAsync(new ProcessStartInfo("python3", [script, TrailFile, logKey])));
        Assert.Equal(1, await RunAsync(new ProcessStartInfo("python3", [script, TrailFile, "localhost:5000+52648c1e+AXqAilJvZZaMi+JqQR5uFbTTwDI0LU3eKZjo5QPq+85u"])));
    }

    [Fact]
    public async Task The_trails_of_an_agent_that_passed_on_and_of_one_that_received_and_spent_are_proven_by_both()
    {
        (await Agentid.RunAsync("operators", "register", "--role", "enforcer", "--name", "gate", "--audience", "https://tools.example")).Fine();
        await _registry.EnrolAsync("leader", depth: 1);
        await _registry.EnrolAsync("reader");
        var credential = (await Agentid.RunAsync("delegate", "reader", "--agent", "leader", "--allow", "tool:read:https://tools.example/a", "--budget", "calls=2")).Fine().Output;
        var proof = (await Agentid.RunAsync(credential, ["proof", "--agent", "reader", "--url", "https://tools.example/a", "--nonce", "n"])).Fine().Output.Trim();
        (await Agentid.RunAsync(
            credential, ["verify", "--proof", proof, "--url", "https://tools.example/a", "--nonce", "n", "--audience", "https://tools.example", "--spend", "calls=1"])).Fine();
        var logKey = await LiveAsync("later");

        foreach (var (name, kind) in new[] { ("leader", "delegated"), ("reader", "budget-spent") })
        {
            var file = Path.Combine(_elsewhere.Path, name + ".trail");
            (await Agentid.RunAsync("trail", name, "--out", file)).Fine();
            var shown = (await Agentid.RunAsync("trail", name, "--json")).Fine().Json.GetProperty("entries").EnumerateArray();
            Assert.Contains(kind, shown.Select(entry => entry.GetProperty("kind").GetString()));
            Assert.Equal("proven", (await Agentid.RunAsync("audit", file, "--log-key", logKey, "--json")).Fine().Json.GetProperty("verdict").GetString());
            Assert.Equal(0, await RunAsync(new ProcessStartInfo("python3", [Path.Combine(AppContext.BaseDirectory, "vectors", "check_trail.py"), file, logKey])));
        }
    }

    /// <summary>Enrolled, active, stopped, active; and under a checkpoint. Gives the log's key.</summary>
    private async Task<string> LiveAsync(string name = "reader")
    {
        const string hashes = "0000000000000000000000000000000000000000000000000000000000000001\n0000000000000000000000000000000000000000000000000000000000000002\n";
        await _registry.EnrolAsync(name);
        (await Agentid.RunAsync(hashes, ["record", "--agent", name, "--stdin-hashes", "--per-statement", "1"])).Fine();
        (await Agentid.RunAsync("stop", name, "--state", "frozen", "--reason", "a test")).Fine();
        var recorded = (await Agentid.RunAsync(hashes, ["record", "--agent", name, "--stdin-hashes", "--json"])).Fine().Json;
        var index = recorded.GetProperty("statements")[0].GetProperty("ledger_index").GetUInt64();
        return (await Agentid.RunAsync("prove", $"{index}", "--json")).Fine().Json.GetProperty("log_key").GetString()!;
    }

    // The runtime writes down each socket that connects, by the name of the event.
    private async Task<(int ExitCode, bool Connected)> TraceAsync(params string[] words)
    {
        var trace = Path.Combine(_elsewhere.Path, $"{words[0]}.nettrace");
        var start = ProgramFile.Own().Start(words);
        start.Environment["DOTNET_EnableEventPipe"] = "1";
        start.Environment["DOTNET_EventPipeConfig"] = "System.Net.Sockets:FFFFFFFFFFFFFFFF:5";
        start.Environment["DOTNET_EventPipeOutputPath"] = trace;
        start.Environment["HOME"] = Path.Combine(_elsewhere.Path, "nobody");
        var exitCode = await RunAsync(start);
        return (exitCode, (await File.ReadAllBytesAsync(trace)).AsSpan().IndexOf(Encoding.Unicode.GetBytes("ConnectStart")) >= 0);
    }

    private static async Task<int> RunAsync(ProcessStartInfo start)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError, start.RedirectStandardInput) = (true, true, true);
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Patience);
        _ = (await output, await errors);
        return process.ExitCode;
    }
}
