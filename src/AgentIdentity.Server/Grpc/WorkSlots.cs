namespace AgentIdentity.Server.Grpc;

/// <summary>How many calls of agents and enforcers are worked on at the same moment; the others wait here, and those that would wait long are turned away.</summary>
/// <remarks>
/// All work shares one queue of threads, which serves in order: a stop would wait behind a thousand signature checks. So no more of these are in that queue than there are processors,
/// and the control listener's calls are not held up here at all. A slot is held while a call computes, and not while it waits for the disk.
/// </remarks>
internal sealed class WorkSlots : IDisposable
{
    // About a second of work on two processors. Who would wait longer asks again later.
    private const int WaitingMax = 4096;

    private readonly SemaphoreSlim _slots = new(Environment.ProcessorCount);
    private int _waiting;

    /// <summary>Does the work in its turn; false when too many wait, and then nothing was done.</summary>
    public async Task<bool> TryRunAsync(RequestDelegate work, HttpContext context)
    {
        if (!await TryEnterAsync(context.RequestAborted))
            return false;
        Task running;
        try
        {
            running = work(context);
        }
        finally
        {
            _slots.Release();
        }
        await running;
        return true;
    }

    public void Dispose() => _slots.Dispose();

    private async Task<bool> TryEnterAsync(CancellationToken cancellation)
    {
        if (_slots.Wait(0, CancellationToken.None))
            return true;
        try
        {
            if (Interlocked.Increment(ref _waiting) > WaitingMax)
                return false;
            await _slots.WaitAsync(cancellation);
            return true;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}
