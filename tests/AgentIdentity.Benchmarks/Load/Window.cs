using System.Diagnostics;
using System.Net;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Benchmarks.Load;

/// <summary>What one window measured.</summary>
internal sealed record Measured(double CallsPerSecond, TimeSpan Median, TimeSpan P99, double ServerCpuPerThousand, double LoadAverage)
{
    /// <summary>What one bare signature check took of a core around it.</summary>
    public double CheckMilliseconds { get; init; }
}

/// <summary>Sends calls that were made beforehand over four connections, 25 in flight on each, and measures after a warm-up.</summary>
internal sealed class Window(IPEndPoint address, int serverId, Predicate<WireAnswer> isGood, WireTls? tls = null)
{
    public const int Connections = 4;
    public const int Workers = Connections * 25;

    private readonly List<long>[] _latencies = [.. Enumerable.Range(0, Workers).Select(_ => new List<long>())];
    private volatile bool _isMeasuring;
    private volatile bool _isOver;

    /// <summary>Runs until the time is over, or until the first worker has nothing left to send.</summary>
    /// <param name="warmUp">Sent and not measured.</param>
    /// <param name="length">Measured.</param>
    /// <param name="calls">For each worker, what it sends, in order.</param>
    public async Task<Measured> RunAsync(TimeSpan warmUp, TimeSpan length, IReadOnlyList<IEnumerable<WireCall>> calls)
    {
        var connections = Enumerable.Range(0, Connections).Select(_ => new WireConnection(address, tls)).ToArray();
        var workers = calls.Select((own, worker) => Task.Run(() => SendAsync(connections[worker % Connections], own, _latencies[worker]))).ToArray();
        var all = Task.WhenAll(workers);
        await Task.WhenAny(Task.Delay(warmUp), all);
        var cpu = ServerProcess.CpuOf(serverId);
        var watch = Stopwatch.StartNew();
        _isMeasuring = true;
        await Task.WhenAny([Task.Delay(length), .. workers]);
        _isMeasuring = false;
        var took = watch.Elapsed;
        var spent = ServerProcess.CpuOf(serverId) - cpu;
        _isOver = true;
        await all;
        foreach (var connection in connections)
            connection.Dispose();
        return Measure(took, spent);
    }

    private async Task SendAsync(WireConnection connection, IEnumerable<WireCall> calls, List<long> latencies)
    {
        foreach (var call in calls)
        {
            if (_isOver)
                return;
            var start = Stopwatch.GetTimestamp();
            var answer = await connection.SendAsync(call).ConfigureAwait(false);
            if (!isGood(answer))
                throw new InvalidOperationException($"{call.Path} was answered with status {answer.Status}: {answer.Detail}");
            if (_isMeasuring)
                latencies.Add(Stopwatch.GetTimestamp() - start);
        }
    }

    private Measured Measure(TimeSpan took, TimeSpan spent)
    {
        var sorted = _latencies.SelectMany(own => own).Order().ToArray();
        if (sorted.Length == 0)
            throw new InvalidOperationException("Nothing was measured: the calls were used up by the warm-up. Give fewer --seconds.");
        var load = double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
        return new Measured(
            sorted.Length / took.TotalSeconds, At(sorted, 0.5), At(sorted, 0.99), spent.TotalSeconds / sorted.Length * 1000, load);
    }

    private static TimeSpan At(long[] sorted, double share) => Stopwatch.GetElapsedTime(0, sorted[(int)(share * (sorted.Length - 1))]);
}
