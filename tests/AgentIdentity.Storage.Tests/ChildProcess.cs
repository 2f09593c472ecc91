using System.Diagnostics;
using AgentIdentity.Storage.Sqlite;
using AgentIdentity.Storage.Tests.Commitments;

namespace AgentIdentity.Storage.Tests;

/// <summary>This assembly as a process of its own that opens a store, says on standard output what was acknowledged, and is killed or held by a test.</summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process;

    private ChildProcess(Process process) => _process = process;

    public StreamReader Output => _process.StandardOutput;

    /// <summary>Starts a role. The command before it, if any, runs the process, as strace does.</summary>
    public static ChildProcess Start(string role, string folder, params string[] command)
    {
        string[] line = [.. command, Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", "exec", typeof(ChildProcess).Assembly.Location, role, folder];
        var start = new ProcessStartInfo(line[0], line[1..]) { RedirectStandardOutput = true, RedirectStandardInput = true };
        return new ChildProcess(Process.Start(start)!);
    }

    /// <summary>Ends it at once (SIGKILL), and waits until it is gone.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async Task<string> ReadToEndAsync()
    {
        var output = await Output.ReadToEndAsync();
        await _process.WaitForExitAsync();
        return output;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private static int Main(string[] args)
    {
        var (role, folder) = (args[0], args[1]);
        if (role == "index")
            CommitmentIndexTests.IndexForEver(folder);
        var housekeeping = new Housekeeping(TimeSpan.FromMilliseconds(1), JournalPagesMax: 64);
        using var store = SqliteLedgerStore.Open(folder, role == "write without housekeeping" ? null : housekeeping);
        if (role == "hold")
            Hold();
        else
            WriteUntilItFails(store);
        return 0;
    }

    private static void Hold()
    {
        Say("open");
        Console.In.ReadToEnd();
    }

    private static void WriteUntilItFails(SqliteLedgerStore store)
    {
        try
        {
            Write(store);
        }
        catch (Exception failure) when (failure is SqliteException or InvalidOperationException)
        {
            Say($"failed {failure.Message}");
        }

        try
        {
            store.Append(1);
        }
        catch (InvalidOperationException)
        {
            Say("refused");
        }
    }

    /// <summary>Appends and publishes for ever: after each line "entries n" or "checkpoint n", that much was acknowledged.</summary>
    private static void Write(SqliteLedgerStore store)
    {
        for (var round = 0; ; round++)
        {
            store.Append(1 + round * 7 % 16);
            Say($"entries {store.Size}");
            if (round % 8 != 0)
                continue;
            var last = store.LastCheckpoint?.Size ?? default;
            store.TryPublish(last, Fixtures.Checkpoint(store.Size.Value), [Fixtures.Tile(1 + round % 256, level: round % 3)]);
            Say($"checkpoint {store.LastCheckpoint!.Size}");
        }
    }

    private static void Say(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }
}
