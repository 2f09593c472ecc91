using AgentIdentity.Tests.Browser;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>The files that agentid and the operators' page hand to each other, with a real server process and Chromium. A day, after which a passkey approves, is another test's.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class PasskeyTests
{
    [SkippableFact]
    public async Task A_passkey_is_added_and_signs_what_agentid_asks_for_and_sends()
    {
        Skip.IfNot(Chromium.IsInstalled, Chromium.HowToInstall);
        await using var registry = await (await RunningRegistry.StartAsync()).FoundedAsync();
        await using var browser = await Chromium.StartAsync();
        var page = await browser.OpenAsync(registry.ConsoleUrl);
        await page.PlugInAsync();

        await page.TypeAsync("name", "Cora");
        await page.ClickAsync("#create button");
        await page.UntilShownAsync("created", "create-problem");
        var proof = registry.Agentid.Write("cora.proof", await page.SaveAsync("created-file"));
        await DoneAsync(registry, "operators", "add", proof, "--out", Path.ChangeExtension(proof, ".json"));
        var callers = (await registry.Agentid.RunAsync("operators", "list", "--json")).Fine().Json.GetProperty("callers");
        var added = callers.EnumerateArray().Single(caller => caller.GetProperty("name").GetString() == "Cora");
        Assert.Equal((registry.ConsoleUrl, await page.TextAsync("created-jkt")), (added.GetProperty("passkey").GetString(), added.GetProperty("jkt").GetString()));

        await registry.EnrolAsync("worker");
        var stop = (await registry.Agentid.RunAsync("stop", "worker", "--state", "frozen", "--reason", "odd calls", "--json")).Fine().Json.GetProperty("ledger_index").GetUInt64();
        var file = Path.Combine(Path.GetDirectoryName(proof)!, "restore.json");
        (await registry.Agentid.RunAsync("restore", $"{stop}", "--reason", "a false alarm", "--out", file)).Fine();
        await page.ChooseAsync("file", file);
        await page.UntilShownAsync("request", "approve-problem");
        Assert.Contains($"entry {stop} ", await page.TextAsync("about-lines"), StringComparison.Ordinal);
        await page.ClickAsync("#approve");
        await page.UntilShownAsync("approved", "approve-problem");
        await File.WriteAllTextAsync(file, await page.SaveAsync("approved-file"));

        // One signature is enough here, so agentid adds none and sends the passkey's; which is not a day old.
        var refused = await registry.Agentid.RunAsync("approve", file, "--send");
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("APPROVER_UNKNOWN", refused.Error, StringComparison.Ordinal);
    }

    private static async Task DoneAsync(RunningRegistry registry, params string[] words)
    {
        (await registry.Agentid.RunAsync(words)).Fine();
        (await registry.Agentid.RunAsync("approve", words[^1], "--send")).Fine();
    }}
