using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Npgsql;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>What others need to tell many listeners something and to hear back from all of them, on the same machine: Redis (publish/subscribe, nothing kept) and PostgreSQL (NOTIFY, each answer a row, committed). Neither signs or verifies anything.</summary>
internal static class Yardsticks
{
    private const int WarmUps = 3;
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(30);

    /// <summary>Measures those that are installed.</summary>
    public static async Task MeasureAsync(int listeners, int rounds)
    {
        if (Find("/usr/bin/redis-server") is { } redis)
            await RedisAsync(redis, listeners, rounds);
        else
            Console.WriteLine("yardstick Redis: not measured, no redis-server is installed.");
        if (Directory.Exists("/usr/lib/postgresql") && Find([.. Directory.GetDirectories("/usr/lib/postgresql").Order().Select(version => Path.Combine(version, "bin", "postgres"))]) is { } postgres)
            await PostgresAsync(Path.GetDirectoryName(postgres)!, listeners, rounds);
        else
            Console.WriteLine("yardstick PostgreSQL: not measured, no server is installed.");
    }

    private static string? Find(params string[] files) => files.LastOrDefault(File.Exists);

    private static async Task RedisAsync(string program, int listeners, int rounds)
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-bench-redis-");
        var socket = Path.Combine(folder.FullName, "s");
        using var server = Process.Start(new ProcessStartInfo(program, ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", folder.FullName, "--maxclients", $"{listeners + 100}"]) { RedirectStandardOutput = true })!;
        try
        {
            await UntilAsync(() => Task.FromResult(File.Exists(socket)));
            var answers = new Answers();
            using var ending = new CancellationTokenSource();
            var sockets = new Socket[listeners];
            for (var i = 0; i < listeners; i++)
                sockets[i] = await ConnectAsync(socket);
            // RESP3, in which one connection may listen and ask.
            var listening = sockets.Select(listener => ListenAsync(listener, answers, ending.Token)).ToArray();
            using var teller = await ConnectAsync(socket);
            await UntilAsync(async () => (await AskAsync(teller, "PUBSUB NUMSUB stops\r\n")).Contains($":{listeners}\r\n", StringComparison.Ordinal));
            await RoundsAsync("Redis", listeners, rounds, answers, () => AskAsync(teller, "PUBLISH stops stop\r\n"));
            await ending.CancelAsync();
            foreach (var listener in sockets)
                listener.Dispose();
            await Task.WhenAll(listening);
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
            folder.Delete(recursive: true);
        }
    }

    // A socket of this kind turns away whom its queue has no place for: that one asks again.
    private static async Task<Socket> ConnectAsync(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await UntilAsync(async () =>
        {
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
                return true;
            }
            catch (SocketException turnedAway) when (turnedAway.SocketErrorCode is SocketError.WouldBlock)
            {
                return false;
            }
        });
        return socket;
    }

    private static async Task<string> AskAsync(Socket socket, string command)
    {
        var buffer = new byte[256];
        await socket.SendAsync(Encoding.ASCII.GetBytes(command));
        return Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer));
    }

    private static async Task ListenAsync(Socket socket, Answers answers, CancellationToken ending)
    {
        var buffer = new byte[4096];
        try
        {
            await socket.SendAsync("HELLO 3\r\nSUBSCRIBE stops\r\n"u8.ToArray(), ending);
            while (await socket.ReceiveAsync(buffer, ending) is > 0 and var count)
            {
                var said = Encoding.ASCII.GetString(buffer, 0, count);
                if (said.Contains("\r\nstop\r\n", StringComparison.Ordinal))
                    await socket.SendAsync("INCR answers\r\n"u8.ToArray(), ending);
                if (said.Split("\r\n").LastOrDefault(line => line.StartsWith(':')) is { } line && long.TryParse(line.AsSpan(1), out var number))
                    answers.Take(number);
            }
        }
        catch (Exception) when (ending.IsCancellationRequested)
        {
            // Measured.
        }
    }

    private static async Task PostgresAsync(string programs, int listeners, int rounds)
    {
        var folder = Directory.CreateTempSubdirectory("agentidentity-bench-postgres-");
        var data = Path.Combine(folder.FullName, "data");
        // The server refuses to run as root.
        string[] lead = Environment.UserName == "root" ? ["runuser", "-u", "postgres", "--"] : ["env"];
        if (Environment.UserName == "root")
            await RunAsync("chown", "postgres", folder.FullName);
        Process? server = null;
        try
        {
            await RunAsync([.. lead, Path.Combine(programs, "initdb"), "-D", data, "-A", "trust", "-U", "bench", "--no-instructions"]);
            server = Start([.. lead, Path.Combine(programs, "postgres"), "-D", data, "-k", folder.FullName, "-c", "listen_addresses=", "-c", $"max_connections={listeners + 20}"]);
            await using var source = NpgsqlDataSource.Create($"Host={folder.FullName};Username=bench;Database=postgres;Pooling=false;Timeout=60");
            await UntilAsync(() => IsUpAsync(source));
            await using var teller = await source.OpenConnectionAsync();
            await ExecuteAsync(teller, "CREATE TABLE answers (id bigserial PRIMARY KEY)");
            var answers = new Answers();
            using var ending = new CancellationTokenSource();
            var connections = new NpgsqlConnection[listeners];
            await Parallel.ForAsync(0, listeners, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
            {
                connections[i] = await source.OpenConnectionAsync(CancellationToken.None);
                await ExecuteAsync(connections[i], "LISTEN stops");
            });
            var listening = connections.Select(connection => ListenAsync(connection, answers, ending.Token)).ToArray();
            await RoundsAsync("PostgreSQL", listeners, rounds, answers, () => ExecuteAsync(teller, "NOTIFY stops"));
            await ending.CancelAsync();
            await Task.WhenAll(listening);
            foreach (var connection in connections)
                await connection.DisposeAsync();
        }
        finally
        {
            // What runs as another user ends with its lead: the postmaster takes SIGINT for "now, and in order".
            if (server is not null)
                await RunAsync("pkill", "-INT", "-f", $"postgres -D {data}");
            await (server?.WaitForExitAsync() ?? Task.CompletedTask);
            folder.Delete(recursive: true);
        }
    }

    private static async Task ListenAsync(NpgsqlConnection connection, Answers answers, CancellationToken ending)
    {
        var told = 0;
        connection.Notification += (_, _) => told++;
        try
        {
            for (var answered = 0; ; answered++)
            {
                // One may come in while the last is answered.
                while (told == answered)
                    await connection.WaitAsync(ending);
                await using var insert = new NpgsqlCommand("INSERT INTO answers DEFAULT VALUES RETURNING id", connection);
                answers.Take((long)(await insert.ExecuteScalarAsync(ending))!);
            }
        }
        catch (OperationCanceledException)
        {
            // Measured.
        }
    }

    private static async Task<bool> IsUpAsync(NpgsqlDataSource source)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync();
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteNonQueryAsync();
    }

    private static async Task RoundsAsync<T>(string name, int listeners, int rounds, Answers answers, Func<Task<T>> tell)
    {
        var (told, heard) = (new List<double>(), new List<double>());
        for (var round = 1; round <= WarmUps + rounds; round++)
        {
            var all = answers.Expect((long)round * listeners);
            var watch = Stopwatch.StartNew();
            await tell();
            var took = watch.Elapsed.TotalMilliseconds;
            await all.WaitAsync(StartMax);
            if (round > WarmUps)
            {
                told.Add(took);
                heard.Add(watch.Elapsed.TotalMilliseconds);
            }
            await Task.Delay(100);
        }
        told.Sort();
        heard.Sort();
        Console.WriteLine($"yardstick {name}: told {listeners:N0} listeners, p50 {told[told.Count / 2]:F1} ms, most {told[^1]:F1} ms; all have answered, p50 {heard[heard.Count / 2]:F1} ms, most {heard[^1]:F1} ms of {rounds}, nothing signed");
    }

    private static async Task UntilAsync(Func<Task<bool>> isTrue)
    {
        var watch = Stopwatch.StartNew();
        while (!await isTrue())
        {
            if (watch.Elapsed > StartMax)
                throw new TimeoutException("A yardstick did not start.");
            await Task.Delay(50);
        }
    }

    private static Process Start(params string[] command) => Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!;

    private static async Task RunAsync(params string[] command)
    {
        using var process = Start(command);
        await process.WaitForExitAsync();
    }

    /// <summary>Counts by what the server counted, so that the last answer is known wherever it comes in.</summary>
    private sealed class Answers
    {
        private long _expected;
        private TaskCompletionSource _all = new();

        public Task Expect(long number)
        {
            _all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _expected, number);
            return _all.Task;
        }

        public void Take(long number)
        {
            if (number == Volatile.Read(ref _expected))
                _all.TrySetResult();
        }
    }
}
