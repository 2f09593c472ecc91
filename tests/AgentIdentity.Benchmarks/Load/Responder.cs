using System.Diagnostics;
using System.Globalization;
using System.Net;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Benchmarks.Load;

/// <summary>A process of its own that sends calls, made beforehand, one each interval, and tells how long each took.</summary>
internal sealed class Responder : IAsyncDisposable
{
    public const string Verb = "respond";

    private const string Go = "go";

    private readonly Process _process;

    private Responder(Process process) => _process = process;

    /// <summary>Often enough for a percentile in a few seconds, and nothing that loads a server.</summary>
    public static TimeSpan Interval { get; } = TimeSpan.FromMilliseconds(20);

    public static Responder Start(IPEndPoint address, IReadOnlyList<WireCall> calls)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [Verb, address.ToString()]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        var process = Process.Start(start)!;
        foreach (var call in calls)
            process.StandardInput.WriteLine($"{call.Path} {Convert.ToBase64String(call.Frame)} {call.Proof}");
        return new Responder(process);
    }

    /// <summary>Sends them now.</summary>
    public async Task<IReadOnlyList<TimeSpan>> SendAsync()
    {
        await _process.StandardInput.WriteLineAsync(Go);
        _process.StandardInput.Close();
        var told = await _process.StandardOutput.ReadToEndAsync();
        await _process.WaitForExitAsync();
        return _process.ExitCode == 0
            ? [.. told.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => TimeSpan.FromMilliseconds(double.Parse(line, CultureInfo.InvariantCulture)))]
            : throw new InvalidOperationException("The responder has failed.");
    }

    /// <summary>What the process does.</summary>
    public static async Task<int> RunAsync(string address)
    {
        using var connection = new WireConnection(IPEndPoint.Parse(address));
        var calls = new List<WireCall>();
        while (await Console.In.ReadLineAsync() is { } line && line != Go)
        {
            var parts = line.Split(' ');
            calls.Add(new WireCall(parts[0], Convert.FromBase64String(parts[1]), parts[2]));
        }
        var all = new List<Task<TimeSpan>>();
        using var timer = new PeriodicTimer(Interval);
        foreach (var call in calls)
        {
            await timer.WaitForNextTickAsync();
            // The next does not wait for this one: a server that stalls is not asked less often.
            all.Add(MeasureAsync(connection, call));
        }
        foreach (var took in await Task.WhenAll(all))
            Console.WriteLine(took.TotalMilliseconds.ToString(CultureInfo.InvariantCulture));
        return 0;
    }

    public ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
        return ValueTask.CompletedTask;
    }

    private static async Task<TimeSpan> MeasureAsync(WireConnection connection, WireCall call)
    {
        var watch = Stopwatch.StartNew();
        var answer = await connection.SendAsync(call);
        return answer.IsGood ? watch.Elapsed : throw new InvalidOperationException($"{call.Path} was answered with status {answer.Status}: {answer.Detail}");
    }
}
