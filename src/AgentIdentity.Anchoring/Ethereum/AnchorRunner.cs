namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>Takes the loop's steps in the background: about as often as there are blocks, at once on demand, and ever more rarely while the node does not answer. Nobody waits for it.</summary>
public sealed class AnchorRunner : IAsyncDisposable
{
    private static readonly TimeSpan StepEveryMax = TimeSpan.FromMinutes(5);

    private readonly AnchorLoop _loop;
    private readonly TimeProvider _time;
    private readonly Action<string> _say;
    private readonly CancellationTokenSource _ending = new();
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly Task _running;

    /// <param name="blockTime">How often the chain makes a block: nothing can have changed sooner.</param>
    /// <param name="stepped">Is told of each status, once a step.</param>
    public AnchorRunner(AnchorLoop loop, TimeSpan blockTime, TimeProvider time, Action<AnchorStatus> stepped, Action<string> say)
    {
        (_loop, _time, _say) = (loop, time, say);
        _running = Task.Run(() => RunAsync(blockTime, stepped));
    }

    public AnchorStatus Status => _loop.Status;

    /// <summary>Anchors what the ledger holds now, as soon as it can be.</summary>
    public void Demand()
    {
        _loop.Demand();
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is awake.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _ending.Dispose();
        _wake.Dispose();
    }

    private async Task RunAsync(TimeSpan blockTime, Action<AnchorStatus> stepped)
    {
        var wait = blockTime;
        try
        {
            while (true)
            {
                var before = _loop.Status;
                var status = await StepAsync().ConfigureAwait(false);
                Tell(before, status);
                stepped(status);
                wait = status.State is AnchorState.RpcDown or AnchorState.NeedsOperator ? TimeSpan.FromTicks(Math.Min(wait.Ticks * 2, StepEveryMax.Ticks)) : blockTime;
                await SleepAsync(wait).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // The end.
        }
    }

    private async Task<AnchorStatus> StepAsync()
    {
        try
        {
            return await _loop.StepAsync(_ending.Token).ConfigureAwait(false);
        }
        catch (Exception) when (!_ending.IsCancellationRequested)
        {
            // The status has it, and health with it. The next step may find journal and ledger well again.
            return _loop.Status;
        }
    }

    private void Tell(AnchorStatus before, AnchorStatus now)
    {
        if (now.State != before.State || now.Reason != before.Reason)
            _say($"Anchoring: {now.State}{(now.Anchored.Value > 0 ? $" at size {now.Anchored}" : "")}{(now.Reason is null ? "" : $": {now.Reason}")}");
    }

    private async Task SleepAsync(TimeSpan time)
    {
        using var awake = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token);
        await Task.WhenAny(Task.Delay(time, _time, awake.Token), _wake.WaitAsync(awake.Token)).ConfigureAwait(false);
        await awake.CancelAsync().ConfigureAwait(false);
        _ending.Token.ThrowIfCancellationRequested();
    }
}
