using System.Diagnostics;
using System.Text.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Tests.Wire;
using Grpc.Net.Client;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>Enforcers watch a real server process, an agent is stopped, and what they signed leaves as one file that is checked where there is no registry: by agentid audit and by another implementation.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class CertificateTests : IAsyncLifetime
{
    private const string PublicUrl = "https://localhost:5000";
    private const string Audience = "https://tools.example";

    private readonly TemporaryFolder _elsewhere = new();
    private RunningRegistry _registry = null!;
    private GrpcChannel _channel = null!;

    private Agentid Agentid => _registry.Agentid;

    private string Certificate => Path.Combine(_elsewhere.Path, "i-7.certificate");

    public async Task InitializeAsync()
    {
        _registry = await (await RunningRegistry.StartAsync()).FoundedAsync();
        _channel = GrpcChannel.ForAddress(Agentid.Settings[1]);
    }

    public async Task DisposeAsync()
    {
        _channel.Dispose();
        await _registry.DisposeAsync();
        _elsewhere.Dispose();
    }

    [Fact]
    public async Task A_stop_that_all_enforcers_have_signed_is_proven_enforced_on_another_machine()
    {
        using var first = await WatchAsync("first");
        using var second = await WatchAsync("second");
        await StopAsync();
        await SignAsync(first);
        await SignAsync(second);
        (await Agentid.RunAsync("propagation", "i-7", "--watch", "--timeout", "60")).Fine();

        (await Agentid.RunAsync("certificate", "i-7", "--out", Certificate)).Fine();
        var audited = (await Agentid.RunAsync("audit", Certificate, "--log-key", await LogKeyAsync(), "--json")).Fine().Json;
        var text = (await Agentid.RunAsync("audit", Certificate, "--log-key", await LogKeyAsync())).Fine().Output;
        var untrusted = await Agentid.RunAsync("audit", Certificate);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Certificate));
        Assert.Equal(("proven", "ENFORCED"), (audited.Text("verdict"), audited.Text("level")));
        Assert.Equal(["SIGNED", "SIGNED"], Enforcers(audited).Select(enforcer => enforcer.Text("stands")));
        Assert.StartsWith("incident i-7 is ENFORCED since ", text, StringComparison.Ordinal);
        Assert.Contains("rests on: ", text, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Refused, untrusted.ExitCode);
        Assert.StartsWith("Self-consistent only, under a key that nobody vouches for: ", untrusted.Output, StringComparison.Ordinal);
        Assert.Equal((0, "ENFORCED"), await CheckAsync());
    }

    [Fact]
    public async Task An_enforcer_that_is_silent_is_named_in_the_first_line()
    {
        using var first = await WatchAsync("first");
        await RegisterAsync("silent");
        await StopAsync();
        await SignAsync(first);

        (await Agentid.RunAsync("certificate", "i-7", "--out", Certificate)).Fine();
        var audited = (await Agentid.RunAsync("audit", Certificate, "--log-key", await LogKeyAsync(), "--json")).Fine().Json;

        Assert.Equal(("proven", "NODES"), (audited.Text("verdict"), audited.Text("level")));
        Assert.Matches("^incident i-7 is NOT ENFORCED: it has come to NODES; .* not signed: .*silent", audited.Text("summary"));
        Assert.Contains("silent", Enforcers(audited).Where(enforcer => enforcer.Text("stands") != "SIGNED").Select(enforcer => enforcer.Text("name")));
        var (code, said) = await CheckAsync();
        Assert.Equal(0, code);
        Assert.Matches("^NODES, without .*silent", said);
    }

    [Fact]
    public async Task A_stop_that_enforcers_have_signed_under_the_logs_key_of_then_and_its_successor_is_proven_under_both()
    {
        using var first = await WatchAsync("first");
        var later = await RegisterAsync("second");
        await StopAsync();
        await SignAsync(first);
        await UntilSignedAsync("first");
        var before = await LogKeyAsync();
        await _registry.RotateLogKeyAsync();
        using (var channel = GrpcChannel.ForAddress(Agentid.Settings[1]))
        using (var second = await WireEnforcer.BeginAsync(new Access.AccessClient(channel), later, PublicUrl, [Audience]))
        {
            await second.HeartbeatAsync();
            await second.SignAsync();
            (await Agentid.RunAsync("propagation", "i-7", "--watch", "--timeout", "60")).Fine();
        }

        (await Agentid.RunAsync("certificate", "i-7", "--out", Certificate)).Fine();

        Assert.NotEqual(before, await LogKeyAsync());
        foreach (var logKey in new[] { before, await LogKeyAsync() })
        {
            var audited = (await Agentid.RunAsync("audit", Certificate, "--log-key", logKey, "--json")).Fine().Json;
            Assert.Equal(("proven", "ENFORCED"), (audited.Text("verdict"), audited.Text("level")));
            Assert.Equal(["SIGNED", "SIGNED"], Enforcers(audited).Select(enforcer => enforcer.Text("stands")));
        }
        Assert.Equal((0, "ENFORCED"), await CheckAsync());
    }

    [Fact]
    public async Task A_restored_stop_is_said_to_be_lifted()
    {
        using var first = await WatchAsync("first");
        var entry = await StopAsync();
        await SignAsync(first);
        (await Agentid.RunAsync("propagation", "i-7", "--watch", "--timeout", "60")).Fine();
        var approval = Path.Combine(_elsewhere.Path, "approval");
        (await Agentid.RunAsync("restore", $"{entry}", "--reason", "a false alarm", "--out", approval)).Fine();
        (await Agentid.RunAsync("approve", approval, "--send")).Fine();

        (await Agentid.RunAsync("certificate", $"{entry}", "--out", Certificate)).Fine();
        var text = (await Agentid.RunAsync("audit", Certificate, "--log-key", await LogKeyAsync())).Fine().Output;

        Assert.Matches(@"^incident i-7 is ENFORCED since .*; the last to sign was first\. It was lifted since", text);
        Assert.Contains("EXHAUSTED never", text, StringComparison.Ordinal);
        Assert.Equal((0, "ENFORCED"), await CheckAsync());
    }

    [Fact]
    public async Task A_damaged_certificate_and_an_incident_that_is_none_are_refused()
    {
        await StopAsync();
        (await Agentid.RunAsync("certificate", "i-7", "--out", Certificate)).Fine();
        var bytes = await File.ReadAllBytesAsync(Certificate);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(Certificate, bytes);

        var damaged = await Agentid.RunAsync("audit", Certificate, "--log-key", await LogKeyAsync());
        var unknown = await Agentid.RunAsync("certificate", "i-8", "--out", Certificate + ".none", "--json");

        Assert.Equal(ExitCode.Refused, damaged.ExitCode);
        Assert.StartsWith("This certificate proves nothing", damaged.Output, StringComparison.Ordinal);
        Assert.Equal((ExitCode.Refused, "STOP_UNKNOWN"), (unknown.ExitCode, unknown.Json.GetProperty("error").Text("reason")));
        Assert.False(File.Exists(Certificate + ".none"));
    }

    [Fact]
    public async Task A_stop_by_a_rule_is_certified_with_the_rule_and_with_who_switched_it_on()
    {
        Assert.Equal("No rule stops by itself.", (await Agentid.RunAsync("rules")).Fine().Output.Trim());
        var approval = Path.Combine(_elsewhere.Path, "approval");
        (await Agentid.RunAsync("rules", "set", "envelope-exceeded:2/60:frozen", "fork:1/60:frozen", "--reason", "night", "--out", approval)).Fine();
        (await Agentid.RunAsync("approve", approval, "--send")).Fine();
        Assert.StartsWith("fork:1/60:frozen\nenvelope-exceeded:2/60:frozen\nas entry ", (await Agentid.RunAsync("rules")).Fine().Output, StringComparison.Ordinal);
        (await Agentid.RunAsync("operators", "register", "--role", "enforcer", "--name", "tool", "--audience", Audience)).Fine();
        await _registry.EnrolAsync("worker");

        for (var i = 0; i < 2; i++)
            Assert.Contains("ENVELOPE_EXCEEDED", (await AskForMoreAsync()).Output, StringComparison.Ordinal);
        var stop = await UntilStoppedAsync();
        (await Agentid.RunAsync("certificate", stop.Text("incident"), "--out", Certificate)).Fine();
        var audited = (await Agentid.RunAsync("audit", Certificate, "--log-key", await LogKeyAsync(), "--json")).Fine().Json;

        Assert.Equal(("envelope-exceeded", "frozen", $"rule-envelope-exceeded-{stop.GetProperty("ledger_index")}"), (stop.Text("rule"), stop.Text("state"), stop.Text("incident")));
        Assert.Contains("by       the rule envelope-exceeded: nobody asked", (await Agentid.RunAsync("propagation", stop.Text("incident"))).Fine().Output, StringComparison.Ordinal);
        Assert.Equal(("proven", "envelope-exceeded"), (audited.Text("verdict"), audited.GetProperty("stops")[0].Text("rule")));
        var (code, said) = await CheckAsync();
        Assert.True(code == 0, said);
    }

    // As the tool that it calls: may it do what its credential does not cover?
    private async Task<Outcome> AskForMoreAsync()
    {
        string[] use = ["--url", Audience + "/x", "--nonce", "n1"];
        var credential = (await Agentid.RunAsync("issue", "--agent", "worker")).Fine().Output.Trim();
        var proof = (await Agentid.RunAsync(credential, ["proof", "--agent", "worker", .. use])).Fine().Output.Trim();
        return await Agentid.RunAsync(credential, ["verify", "--proof", proof, .. use, "--audience", Audience, "--action", "tool:delete:" + Audience + "/x"]);
    }

    private async Task<JsonElement> UntilStoppedAsync()
    {
        for (var patience = Stopwatch.StartNew(); patience.Elapsed < TimeSpan.FromSeconds(60);)
        {
            var stops = (await Agentid.RunAsync("stops", "--json")).Fine().Json.GetProperty("stops");
            if (stops.GetArrayLength() > 0)
                return stops[0];
        }
        throw new TimeoutException("Nothing has stopped.");
    }

    private async Task<WireEnforcer> WatchAsync(string name)
    {
        var key = await RegisterAsync(name);
        var enforcer = await WireEnforcer.BeginAsync(new Access.AccessClient(_channel), key, PublicUrl, [Audience]);
        await enforcer.HeartbeatAsync();
        return enforcer;
    }

    private async Task<PrivateKey> RegisterAsync(string name)
    {
        var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        (await Agentid.RunAsync("operators", "register", "--role", "enforcer", "--name", name, "--audience", Audience, "--public-key-file", _elsewhere.Write(name, key.PublicKey.ToJwk()))).Fine();
        return key;
    }

    private async Task<ulong> StopAsync()
    {
        await _registry.EnrolAsync("worker");
        return (await Agentid.RunAsync("stop", "agent-with-delegates:worker", "--state", "frozen", "--reason", "odd calls", "--incident", "i-7", "--json")).Fine().Json.GetProperty("ledger_index").GetUInt64();
    }

    private static async Task SignAsync(WireEnforcer enforcer)
    {
        await enforcer.UntilAsync(RegistryMessage.OfOneofCase.Delta);
        await enforcer.SignAsync();
    }

    // What is on its way when the registry ends is not recorded.
    private async Task UntilSignedAsync(string name)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!Enforcers((await Agentid.RunAsync("propagation", "i-7", "--json")).Json).Any(enforcer => enforcer.Text("name") == name && enforcer.Text("progress") == "ACKNOWLEDGED"))
            await Task.Delay(100, patience.Token);
    }

    private static JsonElement[] Enforcers(JsonElement audited) => [.. audited.GetProperty("stops")[0].GetProperty("enforcers").EnumerateArray()];

    private async Task<string> LogKeyAsync() => (await Agentid.RunAsync("prove", "0", "--json")).Fine().Json.Text("log_key");

    private async Task<(int ExitCode, string Said)> CheckAsync()
    {
        var script = Path.Combine(AppContext.BaseDirectory, "vectors", "check_certificate.py");
        using var process = Process.Start(new ProcessStartInfo("python3", [script, Certificate, await LogKeyAsync()]) { RedirectStandardOutput = true })!;
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, said.Trim());
    }
}
