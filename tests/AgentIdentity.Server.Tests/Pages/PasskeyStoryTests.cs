using System.Text.Json.Nodes;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Ledger;
using AgentIdentity.Tests.Browser;

namespace AgentIdentity.Server.Tests.Pages;

/// <summary>
/// Somebody makes a passkey on the operators' page, in Chromium with an authenticator of its own; two operators add it; after a day it approves a restore
/// beside another person's key, and an enforcer that has watched all along lets the agent in again. What is not exactly that is refused.
/// </summary>
public sealed class PasskeyStoryTests
{
    private const string Reason = "it was a false alarm";
    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    [SkippableFact]
    public async Task A_passkey_and_a_script_key_lift_a_stop_and_an_enforcer_believes_them()
    {
        Skip.IfNot(Chromium.IsInstalled, Chromium.HowToInstall);
        await using var registry = await RegistryOfTwo.StartAsync();
        await using var browser = await Chromium.StartAsync();
        var page = await browser.OpenAsync(registry.Console);
        var authenticator = await page.PlugInAsync();
        await registry.AddAsync(await MakePasskeyAsync(page, "Cora"));

        registry.Clock.Ahead = Day;
        await page.GoAsync(registry.Console, Day);
        var (agent, stop) = await registry.StoppedAgentAsync();
        var begun = await registry.BeginAsync(ApprovedAction.Restore([new LeafIndex(stop)], Reason));
        await page.ChooseAsync("file", registry.Write("restore.json", registry.FileOf(begun)));
        await page.UntilShownAsync("request", "approve-problem");
        Assert.Equal($"Lift the stop of entry {stop}. Whoever it stops may act again.", await page.TextAsync("words"));
        Assert.Equal((Reason, registry.PublicUrl, begun.Nonce, begun.Action), (await page.TextAsync("reason"), await page.TextAsync("registry"), await page.TextAsync("nonce"), await page.TextAsync("exact")));

        Assert.Equal("entry 12 is of a summariser", await page.TextAsync("about-lines"));
        // The authenticator does not know who touches it: nothing is signed.
        await page.SetOwnerKnownAsync(authenticator, false);
        await page.ClickAsync("#approve");
        Assert.Contains("Nothing was signed", await page.ProblemAsync("approve-problem"), StringComparison.Ordinal);
        await page.SetOwnerKnownAsync(authenticator, true);

        await page.ClickAsync("#approve");
        await page.UntilShownAsync("approved", "approve-problem");
        Assert.Equal("By Cora. 1 more must sign.", await page.TextAsync("approved-words"));
        var byPasskey = Assert.Single(JsonNode.Parse(await page.SaveAsync("approved-file"))!["approvals"]!.AsArray())!.GetValue<string>();
        var byBela = registry.Approve(registry.Bela, begun);

        await RefusedAsync(Refusal.NeedsTwoOperators, registry.RestoreAsync(stop, Reason, byPasskey, byPasskey));
        await RefusedAsync(Refusal.ApprovalMismatch, registry.RestoreAsync(stop, "another reason", byPasskey, byBela));
        Assert.False(agent.IsLetIn);
        await registry.RestoreAsync(stop, Reason, byPasskey, byBela);
        await RegistryOfTwo.UntilAsync(() => agent.IsLetIn);
    }

    [SkippableFact]
    public async Task A_passkey_approves_nothing_on_its_first_day_and_no_file_but_one_that_can_be_put_into_words()
    {
        Skip.IfNot(Chromium.IsInstalled, Chromium.HowToInstall);
        await using var registry = await RegistryOfTwo.StartAsync();
        await using var browser = await Chromium.StartAsync();
        var page = await browser.OpenAsync(registry.Console);
        await page.PlugInAsync();
        var begun = await registry.BeginAsync(ApprovedAction.Restore([new LeafIndex(3)], Reason));
        Assert.Contains("No operator has a passkey for this page", await RefusedFileAsync(page, registry, registry.FileOf(begun)), StringComparison.Ordinal);

        await registry.AddAsync(await MakePasskeyAsync(page, "Cora"));
        var (_, stop) = await registry.StoppedAgentAsync();
        begun = await registry.BeginAsync(ApprovedAction.Restore([new LeafIndex(stop)], Reason));
        var file = registry.FileOf(begun);
        foreach (var (said, instead, problem) in new[]
        {
            ("\"restore\"", "\"grant-everything\"", "cannot put the action"),
            ("\"stops\"", "\"and\":\"more\",\"stops\"", "cannot put the action"),
            (registry.PublicUrl, "https://elsewhere.example", "is for the registry"),
            ($"{begun.ExpiresAt}", $"{begun.ExpiresAt - 7_200_000}", "older than an hour"),
            (registry.Console, "http://localhost:3000", "No operator has a passkey for this page"),
            ("{\"action\"", "[{\"action\"", "not an approval file"),
        })
            Assert.Contains(problem, await RefusedFileAsync(page, registry, file.Replace(said, instead, StringComparison.Ordinal)), StringComparison.Ordinal);

        await page.ChooseAsync("file", registry.Write("restore.json", file));
        await page.UntilShownAsync("request", "approve-problem");
        await page.ClickAsync("#approve");
        await page.UntilShownAsync("approved", "approve-problem");
        var signed = JsonNode.Parse(await page.SaveAsync("approved-file"))!["approvals"]![0]!.GetValue<string>();
        await RefusedAsync(Refusal.ApproverUnknown, registry.RestoreAsync(stop, Reason, signed, registry.Approve(registry.Bela, begun)));
    }

    private static async Task<string> MakePasskeyAsync(BrowserPage page, string name)
    {
        await page.TypeAsync("name", name);
        await page.ClickAsync("#create button");
        await page.UntilShownAsync("created", "create-problem");
        return (await page.SaveAsync("created-file")).Trim();
    }

    private static async Task<string> RefusedFileAsync(BrowserPage page, RegistryOfTwo registry, string content)
    {
        await page.EvaluateAsync("document.getElementById('approve-problem').hidden = true");
        await page.ChooseAsync("file", registry.Write("refused.json", content));
        return await page.ProblemAsync("approve-problem");
    }

    private static async Task RefusedAsync(Refusal refusal, Task call) => Assert.Equal(refusal.Name(), (await Assert.ThrowsAsync<RegistryRefusedException>(() => call)).Reason);
}
