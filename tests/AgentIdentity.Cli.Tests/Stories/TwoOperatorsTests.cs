using System.Text.Json;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>Two people, each with a home folder and a key of their own, found a registry and revoke for ever what one of them may only freeze.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class TwoOperatorsTests : IAsyncLifetime
{
    private readonly Agentid _second = new();
    private RunningRegistry _registry = null!;

    private Agentid First => _registry.Agentid;

    public async Task InitializeAsync()
    {
        // A registry by two has a name that others can reach; nobody reaches it by that here.
        _registry = await RunningRegistry.StartAsync("--dev=false", "--public-url", "https://registry.example");
        _second.Settings = First.Settings;
    }

    public async Task DisposeAsync()
    {
        _second.Dispose();
        await _registry.DisposeAsync();
    }

    [Fact]
    public async Task A_registry_is_founded_with_a_key_that_the_first_person_never_has()
    {
        var founded = await FoundAsync();
        Assert.False(founded.GetProperty("single_operator").GetBoolean());
        Assert.Equal(["first", "second"], founded.GetProperty("operators").EnumerateArray().Select(made => made.Text("name")).Order());
        Assert.Single(Directory.GetFiles(Path.Combine(First.Home, "operators")));
        Assert.Equal(2, (await JsonAsync(_second, "operators", "list")).GetProperty("callers").GetArrayLength());
    }

    [Fact]
    public async Task What_is_no_proof_for_this_secret_founds_nothing()
    {
        var proof = NewPath("proof");
        await JsonAsync(_second, "operators", "apply", "--name", "second", "--secret-hash", "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "--out", proof);
        var refused = await First.RunAsync("bootstrap", "--secret-file", _registry.SecretFile, "--operator", "first", "--operator-proof", proof);
        Assert.Equal(ExitCode.Usage, refused.ExitCode);
        Assert.Contains("no proof", refused.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, (await First.RunAsync("bootstrap", "--secret-file", _registry.SecretFile)).ExitCode);
        Assert.Equal(ExitCode.Usage, (await _second.RunAsync("operators", "apply", "--name", "second", "--secret-hash", "short", "--out", NewPath("other"))).ExitCode);
    }

    [Fact]
    public async Task Who_names_no_public_URL_is_told_that_the_proofs_are_for_another_registry()
    {
        var settings = First.Settings;
        First.Settings = [.. settings.SkipWhile(word => word != "--registry")];
        var refused = await First.RunAsync("bootstrap", "--secret-file", _registry.SecretFile, "--operator", "first", "--operator", "second");
        First.Settings = settings;
        Assert.Equal(ExitCode.Refused, refused.ExitCode);
        Assert.Contains("--public-url", refused.Error, StringComparison.Ordinal);
        await FoundAsync();
    }

    [Fact]
    public async Task A_sponsor_and_a_blueprint_are_revoked_when_both_have_signed()
    {
        await FoundAsync();
        var did = await _registry.EnrolAsync("worker");
        string[] recall = ["recall", "--sponsor", "Research desk", "--blueprint", "summariser/1", "--state", "revoked", "--reason", "gone bad", "--incident", "i-9"];
        var alone = await First.RunAsync(recall);
        Assert.Contains("NEEDS_TWO_OPERATORS", alone.Error, StringComparison.Ordinal);
        Assert.Contains("--out FILE", alone.Error, StringComparison.Ordinal);

        var file = NewPath("revocation");
        (await First.RunAsync([.. recall, "--out", file])).Fine();
        Assert.Equal(ExitCode.Usage, (await First.RunAsync("approve", $"{file}-1", "--send")).ExitCode);
        Assert.Equal("active", (await JsonAsync(First, "agents", "show", did)).Text("state"));
        var about = (await First.RunAsync("approve", $"{file}-1")).Fine().Output;
        Assert.Contains("blueprint:summariser/1: would reach 1 agent", about, StringComparison.Ordinal);
        var sent = await JsonAsync(_second, "approve", $"{file}-1", "--send");
        Assert.Equal(("blueprint:summariser/1", "RECORDED", 1), (sent.Text("revoked"), sent.Text("level"), sent.GetProperty("agents_reached").GetInt32()));
        Assert.Equal("revoked", (await JsonAsync(First, "agents", "show", did)).Text("state"));

        (await First.RunAsync("approve", $"{file}-2")).Fine();
        await JsonAsync(_second, "approve", $"{file}-2", "--send");
        Assert.Equal(["blueprint:summariser/1", "sponsor:Research desk"], (await JsonAsync(First, "stops", "--incident", "i-9")).GetProperty("stops").EnumerateArray().Select(stop => stop.Text("scope")));
    }

    [Fact]
    public async Task A_single_stop_is_written_for_two_only_when_it_revokes()
    {
        await FoundAsync();
        var did = await _registry.EnrolAsync("worker");
        string[] stop = ["stop", "sponsor:Research desk", "--reason", "gone bad", "--out", NewPath("revocation")];
        Assert.Equal(ExitCode.Usage, (await First.RunAsync([.. stop, "--state", "frozen"])).ExitCode);
        Assert.Equal(ExitCode.Usage, (await First.RunAsync([.. stop, "--state", "revoked", "--dry-run"])).ExitCode);
        (await First.RunAsync([.. stop, "--state", "revoked"])).Fine();
        (await First.RunAsync("approve", stop[^1])).Fine();
        // As a former agentid wrote it: what stands beside the action is signed by nobody.
        var former = NewPath("former");
        File.WriteAllText(former, File.ReadAllText(stop[^1]).Replace("\"attachment\":\"\"", "\"attachment\":\"i-9\"", StringComparison.Ordinal));
        Assert.Equal(ExitCode.Usage, (await _second.RunAsync("approve", former, "--send")).ExitCode);
        Assert.Equal("active", (await JsonAsync(First, "agents", "show", did)).Text("state"));
        await JsonAsync(_second, "approve", stop[^1], "--send");
        Assert.Equal("revoked", (await JsonAsync(First, "agents", "show", did)).Text("state"));
    }

    // The hash of the secret goes to the second person, and a proof comes back.
    private async Task<JsonElement> FoundAsync()
    {
        var proof = NewPath("proof");
        var hash = (await First.RunAsync("bootstrap", "--secret-file", _registry.SecretFile, "--show-hash")).Fine().Output.Trim();
        (await _second.RunAsync("operators", "apply", "--name", "second", "--secret-hash", hash, "--out", proof)).Fine();
        return await JsonAsync(First, "bootstrap", "--secret-file", _registry.SecretFile, "--operator", "first", "--operator-proof", proof);
    }

    private string NewPath(string name)
    {
        var path = First.Write(name, "");
        File.Delete(path);
        return path;
    }

    private static async Task<JsonElement> JsonAsync(Agentid agentid, params string[] words) => (await agentid.RunAsync([.. words, "--json"])).Fine().Json;
}
