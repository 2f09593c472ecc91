using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using AgentIdentity.Benchmarks.Load;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>How long a stop takes while everything else asks for more than the server can do. The responder is a process of its own, so that it does not wait for the load's threads.</summary>
internal static class ControlQuestion
{
    public const string Name = "control";

    private static readonly TimeSpan Goal = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Lead = TimeSpan.FromSeconds(1);

    // What keeps two cores busy, and ten times that.
    private static readonly int[] InFlight = [0, 100, 1000];

    public static async Task AnswerAsync(Servers servers, TimeSpan length, int rounds)
    {
        using var calls = await PreparedCalls.FoundAsync(servers, null);
        Console.WriteLine($"{"in flight",-10}{"served/s",10}{"refused/s",11}{"stop p50 ms",13}{"stop p99 ms",13}{"longest ms",12}{"load",7}");
        // The first round warms the server up, and is not told.
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var inFlight in InFlight)
                await MeasureAsync(servers, calls, inFlight, length, isTold: round > 0);
        }
    }

    private static async Task MeasureAsync(Servers servers, PreparedCalls calls, int inFlight, TimeSpan length, bool isTold)
    {
        var stops = await calls.MakeStopsAsync((int)(length / Responder.Interval));
        var flood = new Flood(servers.Grpc, inFlight == 0 ? [] : await calls.MakeAsync("verify", Lead + length), inFlight == 0 ? [] : await calls.MakeAsync("record1", Lead + length));
        await using var responder = Responder.Start(servers.Control, stops);
        var load = flood.RunAsync(inFlight);
        await Task.Delay(Lead);
        var latencies = await responder.SendAsync();
        var (served, refused, took) = await flood.EndAsync(load);
        if (!isTold)
            return;
        var sorted = latencies.Order().ToArray();
        var p99 = sorted[(int)(0.99 * (sorted.Length - 1))];
        Console.WriteLine(
            $"{inFlight,-10}{served / took.TotalSeconds,10:N0}{refused / took.TotalSeconds,11:N0}{sorted[sorted.Length / 2].TotalMilliseconds,13:F1}{p99.TotalMilliseconds,13:F1}{sorted[^1].TotalMilliseconds,12:F1}"
            + $"{File.ReadAllText("/proc/loadavg").Split(' ')[0],7}{(inFlight == InFlight[^1] ? $"   p99 <= {Goal.TotalMilliseconds:F0} ms: {(p99 <= Goal ? "met" : "not met")}" : "")}");
    }

    /// <summary>Keeps calls in flight until it is ended, and counts the answers. Statements of one chain follow each other.</summary>
    private sealed class Flood(IPEndPoint address, IReadOnlyList<IEnumerable<WireCall>> verifications, IReadOnlyList<IEnumerable<WireCall>> chains)
    {
        private const int PerConnection = 25;

        private readonly ConcurrentQueue<WireCall> _verifications = new(verifications.SelectMany(own => own));
        private volatile bool _isOver;
        private long _served;
        private long _refused;

        public async Task<TimeSpan> RunAsync(int inFlight)
        {
            var connections = Enumerable.Range(0, (inFlight / PerConnection) + 1).Select(_ => new WireConnection(address)).ToArray();
            var watch = Stopwatch.StartNew();
            var senders = Enumerable.Range(0, inFlight).Select(sender => Task.Run(() => SendAsync(connections[sender / PerConnection], Next())))
                .Concat(chains.Select(chain => Task.Run(() => SendAsync(connections[^1], chain))));
            await Task.WhenAll(senders);
            foreach (var connection in connections)
                connection.Dispose();
            return watch.Elapsed;
        }

        public async Task<(long Served, long Refused, TimeSpan Took)> EndAsync(Task<TimeSpan> run)
        {
            if (run.IsCompleted && verifications.Count > 0)
                throw new InvalidOperationException("The calls were used up before the stops were. Give fewer --seconds.");
            _isOver = true;
            return (Interlocked.Read(ref _served), Interlocked.Read(ref _refused), await run);
        }

        private IEnumerable<WireCall> Next()
        {
            while (_verifications.TryDequeue(out var call))
                yield return call;
        }

        private async Task SendAsync(WireConnection connection, IEnumerable<WireCall> calls)
        {
            foreach (var call in calls)
            {
                if (_isOver)
                    return;
                var answer = await connection.SendAsync(call).ConfigureAwait(false);
                Interlocked.Increment(ref answer.IsGood ? ref _served : ref _refused);
            }
        }
    }
}
