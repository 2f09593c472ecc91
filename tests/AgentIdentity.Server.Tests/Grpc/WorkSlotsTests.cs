using AgentIdentity.Server.Grpc;
using Microsoft.AspNetCore.Http;

namespace AgentIdentity.Server.Tests.Grpc;

/// <summary>No more calls compute at once than there are processors; the rest waits, up to a bound.</summary>
public sealed class WorkSlotsTests
{
    private const int WaitingMax = 4096;

    [Fact]
    public async Task A_call_that_waits_for_the_disk_holds_up_nobody()
    {
        var slots = new WorkSlots();
        var disk = new TaskCompletionSource();
        var calls = Enumerable.Range(0, Environment.ProcessorCount * 8).Select(_ => slots.TryRunAsync(_ => disk.Task, new DefaultHttpContext())).ToArray();
        Assert.True(await slots.TryRunAsync(_ => Task.CompletedTask, new DefaultHttpContext()));
        Assert.DoesNotContain(calls, call => call.IsCompleted);
        disk.SetResult();
        Assert.All(await Task.WhenAll(calls), Assert.True);
    }

    [Fact]
    public async Task Calls_wait_while_all_processors_compute_and_those_beyond_the_bound_are_turned_away_at_once()
    {
        var slots = new WorkSlots();
        using var computing = new CountdownEvent(Environment.ProcessorCount);
        using var done = new ManualResetEventSlim();
        var busy = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Task.Factory.StartNew(() => slots.TryRunAsync(_ =>
        {
            computing.Signal();
            done.Wait();
            return Task.CompletedTask;
        }, new DefaultHttpContext()), TaskCreationOptions.LongRunning).Unwrap()).ToArray();
        computing.Wait();
        var ran = 0;
        Task Count(HttpContext context)
        {
            Interlocked.Increment(ref ran);
            return Task.CompletedTask;
        }
        var waiting = Enumerable.Range(0, WaitingMax).Select(_ => slots.TryRunAsync(Count, new DefaultHttpContext())).ToArray();
        var beyond = slots.TryRunAsync(Count, new DefaultHttpContext());
        Assert.True(beyond.IsCompleted);
        Assert.False(await beyond);
        Assert.Equal(0, ran);

        done.Set();
        Assert.All(await Task.WhenAll([.. busy, .. waiting]), Assert.True);
        Assert.Equal(WaitingMax, ran);
    }
}
