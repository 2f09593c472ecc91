using System.Diagnostics;

namespace AgentIdentity.Cli.Demo;

/// <summary>A process of the demo: spoken to line by line, and ended with it.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private const int LogLinesMax = 20;

    private readonly Process _process;
    private readonly string _name;
    private readonly Queue<string> _log = new();

    private ChildProcess(Process process, string name)
    {
        _process = process;
        _name = name;
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public static ChildProcess Start(ProcessStartInfo start, string name)
    {
        var process = Process.Start(start) ?? throw Failure.Refused($"{start.FileName} could not be started.");
        return new ChildProcess(process, name);
    }

    /// <summary>Says a line, when there is one to say, and waits for the line that answers it.</summary>
    public async Task<string> AskAsync(string? line, CancellationToken cancellationToken)
    {
        if (line is not null)
            await _process.StandardInput.WriteLineAsync(line.AsMemory(), cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            return await _process.StandardOutput.ReadLineAsync(limit.Token) ?? throw Silent($"{_name} ended without an answer.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Silent($"{_name} did not answer within {Patience.TotalSeconds} s.");
        }
    }

    /// <summary>Ends the process. The registry survives that at any time: what it acknowledged is on the disk.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private Failure Silent(string sentence)
    {
        lock (_log)
            return Failure.Refused(sentence, _log.Count == 0 ? null : "Its last words: " + string.Join(Environment.NewLine, _log));
    }

    private void Keep(string? line)
    {
        if (line is null)
            return;
        lock (_log)
        {
            _log.Enqueue(line);
            if (_log.Count > LogLinesMax)
                _log.Dequeue();
        }
    }
}
