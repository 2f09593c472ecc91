using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.Versioning;

namespace AgentIdentity.Server.Tests.OtherPeople;

/// <summary>A witness of other people's code, a process that watches one log and ends with this object.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class GoWitness : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _answers = new();
    private readonly Task _reading;

    private GoWitness(Process process, string url, string vkey)
    {
        (_process, Url, Vkey) = (process, url, vkey);
        _reading = ReadAsync();
    }

    public string Url { get; }

    public string Vkey { get; }

    /// <summary>Status and size of each answer to add-checkpoint.</summary>
    public IEnumerable<string> Answers => _answers;

    public static async Task<GoWitness> StartAsync(string logKey)
    {
        var start = new ProcessStartInfo(await Tlog.ProgramAsync(), ["witness", "-log", logKey]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        var process = Process.Start(start)!;
        return new GoWitness(process, (await process.StandardOutput.ReadLineAsync())!, (await process.StandardOutput.ReadLineAsync())!);
    }

    /// <summary>The two lines that a registry asks it by.</summary>
    public string Policy => $"witness go {Vkey} {Url}\nquorum go\n";

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        await _reading;
        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
            _answers.Enqueue(line);
    }
}
