using System.Collections.Concurrent;

namespace AgentIdentity.Server.Grpc;

/// <summary>How many calls of agents and enforcers are worked on at the same moment; the others wait here, and those that would wait long are turned away.</summary>
/// <remarks>
/// All work shares one queue of threads, which serves in order: a stop would wait behind a thousand signature checks. So no more of these are in that queue than there are processors,
/// and the control listener's calls are not held up here at all, what sponsors look at apart (<see cref="SponsorTurns"/>). A slot is held while a call computes, and not while it waits for the disk.
/// </remarks>
internal sealed class WorkSlots
{
    // About a second of work on two processors. Who would wait longer asks again later.
    private const int WaitingMax = 4096;

    private readonly ConcurrentQueue<TaskCompletionSource> _waiting = new();

    // Below zero: so many calls wait.
    private int _free = Environment.ProcessorCount;

    /// <summary>Does the work in its turn; false when too many wait, and then nothing was done.</summary>
    public async Task<bool> TryRunAsync(RequestDelegate work, HttpContext context)
    {
        if (Volatile.Read(ref _free) <= -WaitingMax)
            return false;
        if (Interlocked.Decrement(ref _free) < 0)
            await WaitAsync();
        Task running;
        try
        {
            // Whoever went away while it waited wants no work.
            context.RequestAborted.ThrowIfCancellationRequested();
            running = work(context);
        }
        finally
        {
            Leave();
        }
        await running;
        return true;
    }

    // Each call is signalled once, and goes to the end of the queue of threads when it is. Without the class library's semaphore, whose waits can be cancelled one by one, which nobody needs here.
    private Task WaitAsync()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting.Enqueue(turn);
        return turn.Task;
    }

    private void Leave()
    {
        if (Interlocked.Increment(ref _free) > 0)
            return;
        // Somebody has said that it waits, and may not have queued yet.
        TaskCompletionSource? next;
        for (var spin = default(SpinWait); !_waiting.TryDequeue(out next);)
            spin.SpinOnce();
        next.SetResult();
    }
}
