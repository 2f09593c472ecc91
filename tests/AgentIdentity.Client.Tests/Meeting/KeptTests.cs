using AgentIdentity.Client.Meeting;
using AgentIdentity.Client.Tests.Enforcing;
using AgentIdentity.Client.Tests.Fixtures;

namespace AgentIdentity.Client.Tests.Meeting;

/// <summary>Who waits for a fetch and for how long, and by which clocks what it brought grows old.</summary>
public sealed class KeptTests
{
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly ManualTime _clock = new();
    private readonly ManualBootClock _boot = new();

    [Fact]
    public async Task Who_gives_up_does_not_end_the_fetch_for_the_others()
    {
        var (count, answer) = (0, new TaskCompletionSource<string?>());
        var kept = Keeping(token => Interlocked.Increment(ref count) > 0 ? answer.Task.WaitAsync(token) : answer.Task);
        using var given = new CancellationTokenSource();
        var first = kept.GetAsync(Life, given.Token).AsTask();
        var second = kept.GetAsync(Life, CancellationToken.None).AsTask();
        await given.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.False(second.IsCompleted);
        answer.SetResult("the keys");
        Assert.Equal("the keys", await second);
        Assert.Equal(1, count);
    }

    [Fact]
    public async Task With_something_usable_in_hand_nobody_waits_for_longer_than_a_second()
    {
        var answers = new Queue<Task<string?>>([Task.FromResult<string?>("the keys"), new TaskCompletionSource<string?>().Task]);
        var kept = Keeping(_ => answers.Dequeue());
        Assert.Equal("the keys", await kept.GetAsync(Life, CancellationToken.None));
        _clock.Advance(TimeSpan.FromMinutes(2));
        var from = _clock.GetUtcNow();
        Assert.Equal("the keys", await PassingAsync(kept.GetAsync(TimeSpan.FromMinutes(1), CancellationToken.None)));
        Assert.True(_clock.GetUtcNow() - from >= TimeSpan.FromSeconds(1));
        // It is still under way, and its second is over.
        Assert.Equal("the keys", await kept.GetAsync(TimeSpan.FromMinutes(1), CancellationToken.None));
        Assert.Empty(answers);
    }

    [Fact]
    public async Task A_fetch_that_does_not_come_ends_with_its_patience()
    {
        var kept = Keeping(async token =>
        {
            await Task.Delay(Timeout.Infinite, token).ContinueWith(_ => { }, TaskScheduler.Default);
            return null;
        });
        var from = _clock.GetUtcNow();
        Assert.Null(await PassingAsync(kept.GetAsync(Life, CancellationToken.None)));
        Assert.True(_clock.GetUtcNow() - from >= Patience);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task It_is_as_old_as_either_clock_says(bool isAsleep, bool isHalted)
    {
        var kept = Keeping(_ => Task.FromResult<string?>("the keys"));
        await kept.GetAsync(Life, CancellationToken.None);
        Pass(Life - TimeSpan.FromSeconds(1));
        Assert.Equal("the keys", kept.Current);
        Pass(TimeSpan.FromSeconds(1));
        Assert.Null(kept.Current);

        void Pass(TimeSpan time)
        {
            if (isAsleep)
                _boot.Advance(time);
            if (isHalted)
                _clock.Advance(time);
        }
    }

    private Kept<string> Keeping(Func<CancellationToken, Task<string?>> fetch) => new(fetch, Life, Patience, _clock, _boot);

    // Timers are set on other threads, so the time goes on until what is waited for is there.
    private async Task<string?> PassingAsync(ValueTask<string?> waiting)
    {
        var task = waiting.AsTask();
        while (!task.IsCompleted)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Delay(1);
        }
        return await task;
    }
}
