using System.Diagnostics;
using System.Text.Json.Nodes;

namespace AgentIdentity.Tests.Browser;

/// <summary>The system's Chromium, without a window, with a profile of its own that ends with it.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    public const string HowToInstall = "There is no Chromium on this machine: tests/install installs it.";

    private const string Program = "/usr/bin/chromium";
    private const string Listening = "DevTools listening on ";
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly DevTools _tools;
    private readonly DirectoryInfo _profile;

    private Chromium(Process process, DevTools tools, DirectoryInfo profile) => (_process, _tools, _profile) = (process, tools, profile);

    public static bool IsInstalled => File.Exists(Program);

    public static async Task<Chromium> StartAsync()
    {
        var profile = Directory.CreateTempSubdirectory("agentidentity-chromium-");
        string[] arguments =
        [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--remote-debugging-port=0", $"--user-data-dir={profile.FullName}", "about:blank",
        ];
        var address = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = Process.Start(new ProcessStartInfo(Program, arguments) { RedirectStandardError = true })!;
        process.ErrorDataReceived += (_, line) => Take(line.Data, address);
        process.BeginErrorReadLine();
        return new Chromium(process, await DevTools.ConnectAsync(await address.Task.WaitAsync(StartMax)), profile);
    }

    /// <summary>Opens a page, whose clock is that much ahead.</summary>
    public async Task<BrowserPage> OpenAsync(string url, TimeSpan ahead = default)
    {
        var target = await _tools.SendAsync("Target.createTarget", new JsonObject { ["url"] = "about:blank" });
        var attached = await _tools.SendAsync("Target.attachToTarget", new JsonObject { ["targetId"] = target.GetProperty("targetId").GetString(), ["flatten"] = true });
        var page = new BrowserPage(_tools, attached.GetProperty("sessionId").GetString()!, Path.Combine(_profile.FullName, "downloads"));
        await page.GoAsync(url, ahead);
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        await _tools.DisposeAsync();
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _profile.Delete(recursive: true);
    }

    private static void Take(string? line, TaskCompletionSource<Uri> address)
    {
        if (line is not null && line.StartsWith(Listening, StringComparison.Ordinal))
            address.TrySetResult(new Uri(line[Listening.Length..]));
    }
}
