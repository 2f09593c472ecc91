using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace AgentIdentity.Tests.Wire;

/// <summary>A server of ours as a process of its own: started on free ports, asked for what it costs, and ended.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    // Ticks of /proc/PID/stat; the kernel's interface fixes them at 100 a second.
    private const double TicksPerSecond = 100;
    private const int LinesMax = 200;
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _errors;
    private readonly IReadOnlyDictionary<string, string> _ready;

    private ServerProcess(Process process, ConcurrentQueue<string> errors, IReadOnlyDictionary<string, string> ready, TimeSpan startTime)
    {
        (_process, _errors, _ready, StartTime) = (process, errors, ready, startTime);
    }

    public int Id => _process.Id;

    /// <summary>From the start of the process to its ready line.</summary>
    public TimeSpan StartTime { get; }

    /// <summary>What the process wrote to standard error last.</summary>
    public string Errors => string.Join('\n', _errors);

    /// <summary>Starts an assembly, by itself one that lies beside this one, and waits for its line "ready name=value …".</summary>
    public static Task<ServerProcess> StartAsync(string assembly, params string[] arguments) => StartAsync(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, assembly), .. arguments]));

    private static async Task<ServerProcess> StartAsync(ProcessStartInfo start)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        var errors = new ConcurrentQueue<string>();
        var watch = Stopwatch.StartNew();
        var process = Process.Start(start)!;
        // A full pipe would stop the process, so somebody reads, and keeps the end.
        process.ErrorDataReceived += (_, line) => Keep(errors, line.Data);
        process.BeginErrorReadLine();
        var line = await process.StandardOutput.ReadLineAsync().WaitAsync(StartMax);
        if (line is not null && line.StartsWith("ready ", StringComparison.Ordinal))
            return new ServerProcess(process, errors, Read(line), watch.Elapsed);
        process.Kill();
        await process.WaitForExitAsync();
        throw new InvalidOperationException($"{string.Join(' ', start.ArgumentList.Prepend(start.FileName))} did not start, and said: {line}\n{string.Join('\n', errors)}");
    }

    /// <summary>The registry on a data folder, all listeners on free ports of loopback.</summary>
    public static Task<ServerProcess> StartRegistryAsync(string folder, params string[] arguments) => StartRegistryFromAsync("AgentIdentity.Server.dll", folder, arguments);

    /// <summary>The same, from another folder than this one.</summary>
    public static Task<ServerProcess> StartRegistryFromAsync(string assembly, string folder, params string[] arguments) => StartAsync(assembly, [.. OnFreePorts(folder), .. arguments]);

    /// <summary>The same, as a program that finds no runtime but its own.</summary>
    public static Task<ServerProcess> StartAloneAsync(string program, string folder) =>
        StartAsync(new ProcessStartInfo(program, OnFreePorts(folder)) { Environment = { ["DOTNET_ROOT"] = "/nowhere", ["DOTNET_MULTILEVEL_LOOKUP"] = "0" } });

    private static string[] OnFreePorts(string folder) => ["--dev", "--data", folder, "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--control", "127.0.0.1:0", "--console", "127.0.0.1:0"];

    /// <summary>Where it listens, by the name in its ready line; a bare port is one of loopback.</summary>
    public IPEndPoint Address(string name) => int.TryParse(_ready[name], CultureInfo.InvariantCulture, out var port)
        ? new IPEndPoint(IPAddress.Loopback, port)
        : IPEndPoint.Parse(_ready[name]);

    /// <summary>What one of its HTTP listeners has at a path; a server that does not answer is described.</summary>
    public async Task<string> ReadAsync(string listener, string path)
    {
        using var http = new HttpClient { Timeout = AnswerMax };
        try
        {
            return await http.GetStringAsync(new Uri($"http://{Address(listener)}{path}"));
        }
        catch (TaskCanceledException silence)
        {
            throw new TimeoutException($"{path} is not answered in {AnswerMax.TotalSeconds} s.\n{Describe()}", silence);
        }
    }

    // What each thread is doing, and what the process has said.
    private string Describe()
    {
        if (_process.HasExited)
            return $"The process has ended with {_process.ExitCode}, and said:\n{Errors}";
        var threads = Directory.GetDirectories($"/proc/{Id}/task").Select(thread =>
            $"{Path.GetFileName(thread)} {Read(thread, "comm")}: {Read(thread, "wchan")} ({Read(thread, "syscall")})");
        return $"It has used {CpuOf(Id).TotalSeconds:F1} s of processor time, and said:\n{Errors}\nIts threads:\n{string.Join('\n', threads)}";
    }

    // A thread may have ended, and not everything may be read by everybody.
    private static string Read(string thread, string name)
    {
        try
        {
            return File.ReadAllText(Path.Combine(thread, name)).Trim();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return "?";
        }
    }

    /// <summary>Processor time of the process since its start.</summary>
    public static TimeSpan CpuOf(int processId)
    {
        // The name in the second field may hold blanks, but no later field holds a bracket. utime and stime are the 14th and 15th.
        var text = File.ReadAllText($"/proc/{processId}/stat");
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromSeconds((long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond);
    }

    public long ResidentBytes()
    {
        var line = File.ReadLines($"/proc/{Id}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    /// <summary>Ends the process as kill -9 does.</summary>
    public Task KillAsync()
    {
        _process.Kill();
        return _process.WaitForExitAsync();
    }

    /// <summary>Asks the process to end, as a supervisor does, and answers its exit code.</summary>
    public async Task<int> StopAsync()
    {
        using (var signal = Process.Start("kill", ["-TERM", Id.ToString(CultureInfo.InvariantCulture)]))
            await signal.WaitForExitAsync();
        await _process.WaitForExitAsync().WaitAsync(StartMax);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
    }

    private static Dictionary<string, string> Read(string line) =>
        line.Split(' ').Skip(1).Select(part => part.Split('=', 2)).ToDictionary(part => part[0], part => part[1]);

    private static void Keep(ConcurrentQueue<string> errors, string? line)
    {
        if (line is not null)
            errors.Enqueue(line);
        while (errors.Count > LinesMax)
            errors.TryDequeue(out _);
    }
}
