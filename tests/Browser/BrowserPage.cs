using System.Text.Json;
using System.Text.Json.Nodes;

namespace AgentIdentity.Tests.Browser;

/// <summary>A page as a person has it before them, and an authenticator to touch.</summary>
internal sealed class BrowserPage(DevTools tools, string session, string downloads)
{
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(20);

    public async Task GoAsync(string url, TimeSpan ahead = default)
    {
        await SendAsync("Page.enable");
        await SendAsync("WebAuthn.enable");
        await SendAsync("Browser.setDownloadBehavior", new JsonObject { ["behavior"] = "allow", ["downloadPath"] = downloads });
        await SendAsync("Page.addScriptToEvaluateOnNewDocument", new JsonObject { ["source"] = $"{{ const now = Date.now; Date.now = () => now() + {(long)ahead.TotalMilliseconds}; }}" });
        await SendAsync("Page.navigate", new JsonObject { ["url"] = url });
        await UntilAsync("document.readyState === 'complete'");
    }

    /// <summary>Plugs in an authenticator that keeps passkeys, touched at once; it knows its owner, or does not.</summary>
    public async Task<string> PlugInAsync(bool knowsItsOwner = true) => (await SendAsync("WebAuthn.addVirtualAuthenticator", new JsonObject
    {
        ["options"] = new JsonObject
        {
            ["protocol"] = "ctap2", ["transport"] = "internal", ["hasResidentKey"] = true, ["hasUserVerification"] = true,
            ["isUserVerified"] = knowsItsOwner, ["automaticPresenceSimulation"] = true,
        },
    })).GetProperty("authenticatorId").GetString()!;

    /// <summary>Whether who touches the authenticator shows to be its owner from here on.</summary>
    public Task SetOwnerKnownAsync(string authenticator, bool isKnown) =>
        SendAsync("WebAuthn.setUserVerified", new JsonObject { ["authenticatorId"] = authenticator, ["isUserVerified"] = isKnown });

    /// <summary>What a script comes to; a person's act, as far as the browser asks for one.</summary>
    public async Task<JsonElement> EvaluateAsync(string script)
    {
        var answer = await SendAsync("Runtime.evaluate", new JsonObject { ["expression"] = script, ["awaitPromise"] = true, ["returnByValue"] = true, ["userGesture"] = true });
        return answer.TryGetProperty("exceptionDetails", out var thrown) ? throw new InvalidOperationException(thrown.GetRawText()) : answer.GetProperty("result");
    }

    public async Task<string> TextAsync(string id) => (await EvaluateAsync($"document.getElementById('{id}').textContent")).GetProperty("value").GetString()!;

    public Task<JsonElement> ClickAsync(string selector) => EvaluateAsync($"document.querySelector('{selector}').click()");

    public Task<JsonElement> TypeAsync(string id, string text) => EvaluateAsync($"document.getElementById('{id}').value = {JsonSerializer.Serialize(text)}");

    /// <summary>Chooses a file in a file field, in the window that opens on a click.</summary>
    public async Task ChooseAsync(string id, string path)
    {
        await EvaluateAsync($"document.getElementById('{id}').dispatchEvent(new MouseEvent('click'))");
        var document = await SendAsync("DOM.getDocument");
        var node = await SendAsync("DOM.querySelector", new JsonObject { ["nodeId"] = document.GetProperty("root").GetProperty("nodeId").GetInt32(), ["selector"] = $"#{id}" });
        await SendAsync("DOM.setFileInputFiles", new JsonObject { ["nodeId"] = node.GetProperty("nodeId").GetInt32(), ["files"] = new JsonArray(path) });
    }

    /// <summary>Waits until the element is shown, or the problem is, which fails.</summary>
    public async Task UntilShownAsync(string id, string problem)
    {
        await UntilAsync($"!document.getElementById('{id}').hidden || !document.getElementById('{problem}').hidden");
        Assert.Equal("", await ShownTextAsync(problem));
    }

    /// <summary>The problem that the page names, once it does.</summary>
    public async Task<string> ProblemAsync(string id)
    {
        await UntilAsync($"!document.getElementById('{id}').hidden");
        return await TextAsync(id);
    }

    /// <summary>Follows a link that saves a file, and answers what is in it.</summary>
    public async Task<string> SaveAsync(string id)
    {
        var name = (await EvaluateAsync($"document.getElementById('{id}').download")).GetProperty("value").GetString()!;
        var path = Path.Combine(downloads, name);
        Directory.CreateDirectory(downloads);
        File.Delete(path);
        await ClickAsync($"#{id}");
        await UntilAsync(() => Task.FromResult(File.Exists(path)), $"no file {name} was saved");
        return await File.ReadAllTextAsync(path);
    }

    public async Task ScreenshotAsync(string path)
    {
        var picture = await SendAsync("Page.captureScreenshot", new JsonObject { ["format"] = "png", ["captureBeyondViewport"] = true });
        await File.WriteAllBytesAsync(path, picture.GetProperty("data").GetBytesFromBase64());
    }

    private async Task<string> ShownTextAsync(string id) =>
        (await EvaluateAsync($"(element => element.hidden ? '' : element.textContent)(document.getElementById('{id}'))")).GetProperty("value").GetString()!;

    private Task UntilAsync(string script) => UntilAsync(async () => (await EvaluateAsync(script)).GetProperty("value").GetBoolean(), $"waited in vain for: {script}");

    private static async Task UntilAsync(Func<Task<bool>> holds, string otherwise)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!await holds())
        {
            if (TimeProvider.System.GetElapsedTime(since) > WaitMax)
                throw new TimeoutException(otherwise);
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }
    }

    private Task<JsonElement> SendAsync(string method, JsonObject? parameters = null) => tools.SendAsync(method, parameters, session);
}
