using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AgentIdentity.Anchoring.Ethereum;

namespace AgentIdentity.Anchoring.Tests.Node;

/// <summary>A real node of a chain of its own (anvil), on a free port of this machine, which ends with the tests.</summary>
public sealed partial class AnvilNode : IAsyncLifetime
{
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(30);

    // Far more than anything takes on a machine that has much else to do.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly UInt128 Wealth = UInt128.Parse("1000000000000000000000");

    private readonly HttpClient _http = new();
    private readonly List<TestKey> _keys = [];
    private Process? _process;

    public Uri Url { get; private set; } = new("http://127.0.0.1:0");

    /// <summary>The node, as ours sees it. Tests that ask for it are skipped where there is none to install, and nowhere else.</summary>
    public IChain Chain => OperatingSystem.IsLinux() ? Open() : throw new SkipException("The node for tests is there for Linux alone.");

    public Task InitializeAsync() => OperatingSystem.IsLinux() ? StartAsync() : Task.CompletedTask;

    /// <param name="more">Further arguments, such as a port to come back to, or a file of state.</param>
    public async Task StartAsync(params string[] more)
    {
        string[] arguments = ["--host", "127.0.0.1", "--slots-in-an-epoch", "1", "--hardfork", "osaka", "--enable-tx-gas-limit", .. more];
        foreach (var (name, usual) in new[] { ("--port", "0"), ("--accounts", "0") })
        {
            if (!more.Contains(name))
                arguments = [.. arguments, name, usual];
        }
        _process = Process.Start(new ProcessStartInfo(Repository.Installed(".bin/anvil"), arguments) { RedirectStandardOutput = true })!;
        AppDomain.CurrentDomain.ProcessExit += EndAtExit;
        Url = new Uri($"http://127.0.0.1:{await ReadPortAsync(_process.StandardOutput).WaitAsync(StartMax)}");
        _ = _process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
    }

    public async Task DisposeAsync()
    {
        if (_process is not null)
            await StopAsync();
        _keys.ForEach(key => key.Dispose());
        _http.Dispose();
    }

    /// <summary>Ends the node as an operator would: with a signal that lets it write its state.</summary>
    public async Task StopAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= EndAtExit;
        using var interrupt = Process.Start("kill", ["-INT", _process!.Id.ToString()]);
        await interrupt.WaitForExitAsync();
        await _process.WaitForExitAsync().WaitAsync(StartMax);
        _process.Dispose();
        _process = null;
    }

    /// <summary>A new key whose account has money.</summary>
    public async Task<TestKey> NewRichKeyAsync()
    {
        var key = new TestKey();
        _keys.Add(key);
        await SetBalanceAsync(key.Signer.Address, Wealth);
        return key;
    }

    public Task SetBalanceAsync(Address account, UInt128 wei) => ControlAsync("anvil_setBalance", account.ToString(), Hex.Quantity(wei));

    public Task MineAsync(int blocks = 1) => ControlAsync("anvil_mine", Hex.Quantity((UInt128)blocks));

    /// <summary>Makes blocks until something is so.</summary>
    /// <param name="what">What is waited for, for whoever reads that it did not come.</param>
    public async Task MineUntilAsync(string what, Func<Task<bool>> isSo)
    {
        var begun = Stopwatch.GetTimestamp();
        while (!await isSo())
        {
            if (Stopwatch.GetElapsedTime(begun) > Patience)
                throw new TimeoutException($"After {Patience.TotalMinutes} minutes it is not so that {what}.");
            await MineAsync();
            await Task.Delay(100);
        }
    }

    /// <summary>From now on blocks are made only when a test says so.</summary>
    public Task MineByHandAsync() => ControlAsync("evm_setAutomine", false);

    /// <summary>What only a node for tests can be asked.</summary>
    public Task<JsonElement> ControlAsync(string method, params JsonNode[] parameters) =>
        new JsonRpc(_http, Url).CallAsync(method, [.. parameters], CancellationToken.None);

#if OFFICIAL_ETHEREUM
    private JsonRpcChain Open() => AgentIdentity.Anchoring.Ethereum.Official.NethereumRpc.Open(Url);
#else
    private JsonRpcChain Open() => new(_http, Url);
#endif

    private static async Task<string> ReadPortAsync(StreamReader output)
    {
        while (await output.ReadLineAsync() is { } line)
        {
            if (Listening().Match(line) is { Success: true } match)
                return match.Groups[1].Value;
        }
        throw new InvalidOperationException("The node ended before it listened.");
    }

    private void EndAtExit(object? sender, EventArgs arguments) => _process?.Kill();

    [GeneratedRegex(@"^Listening on 127\.0\.0\.1:(\d+)")]
    private static partial Regex Listening();
}
