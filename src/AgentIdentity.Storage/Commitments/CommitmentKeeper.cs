namespace AgentIdentity.Storage.Commitments;

/// <summary>The background thread of the index. Commits neither call nor wait for it.</summary>
internal sealed class CommitmentKeeper : IDisposable
{
    // Pairs that are read together are read cheaper; a search brings in what is newer itself.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    // After a full disk, or one that fails.
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(10);

    private readonly CommitmentIndex _index;
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;
    private volatile Exception? _failure;

    public CommitmentKeeper(CommitmentIndex index)
    {
        _index = index;
        _thread = new Thread(Run) { Name = "commitment index", IsBackground = true };
        _thread.Start();
    }

    /// <exception cref="InvalidDataException">The ledger could not be read, so that nothing more is indexed.</exception>
    public void RequireRunning()
    {
        if (_failure is { } failure)
            throw new InvalidDataException($"Commitments are not indexed any more: {failure.Message}", failure);
    }

    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        _stop.Dispose();
        _index.Dispose();
    }

    private void Run()
    {
        try
        {
            for (var pause = Pause; !_stop.Token.WaitHandle.WaitOne(pause);)
                pause = TryTend() ? Pause : PauseAfterFailure;
        }
        catch (Exception failure)
        {
            // What cannot be read in the ledger is for its own checks to say; searches say that they cannot go on.
            _failure = failure;
        }
    }

    private bool TryTend()
    {
        try
        {
            _index.Tend(_stop.Token);
            return true;
        }
        catch (IOException)
        {
            // The index is a cache: without room for it the registry goes on, and a search says up to where it has looked.
            return false;
        }
    }
}
